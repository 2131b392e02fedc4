// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"fmt"
	"strings"
)

// Impure is an argument because of which an action says too little of what its
// command does: the result must not be kept, and the command must run where it
// was meant to.
type Impure struct{ Arg, Why string }

func (e *Impure) Error() string { return fmt.Sprintf("the argument %s %s", e.Arg, e.Why) }

const (
	isUnknown    = "is not known to leave the object a function of the declared inputs"
	namesFile    = "may name a file that is not among the job's inputs (declare it with --input=FILE)"
	isOfThisHost = "depends on the machine"
)

// Check returns an *Impure unless the command is known to read no file but the
// inputs, to make none but the outputs, and not to depend on the machine that it
// runs on. What it has not heard of is impure: what LLD 22 and ld.dtlto send is
// known, and common options for optimisation and code generation.
func (a *Action) Check() error {
	c := checker{names: make(map[string]bool, len(a.Inputs)+len(a.Outputs))}
	for _, input := range a.Inputs {
		c.names[input.Name] = true
	}
	for _, output := range a.Outputs {
		c.names[output] = true
	}
	for rest := a.Args[1:]; len(rest) > 0; {
		n, why := c.check(rest)
		if why != "" {
			return &Impure{strings.Join(rest[:min(n, len(rest))], " "), why}
		}
		rest = rest[n:]
	}
	return nil
}

type checker struct{ names map[string]bool }

// check looks at the first of args, and what belongs to it: n words. It says what
// is wrong with them, if anything is.
func (c checker) check(args []string) (n int, why string) {
	arg := args[0]
	if c.names[arg] {
		return 1, ""
	}
	switch arg {
	case "-c", "-o", "--no-default-config":
		return 1, ""
	case "-x", "-mllvm":
		if len(args) < 2 {
			return 1, isUnknown
		}
		if arg == "-x" {
			return 2, unless(args[1] == "ir")
		}
		return 2, llvmOption(args[1])
	case "-Xclang":
		return c.frontend(args)
	}
	name, value, hasValue := strings.Cut(arg, "=")
	positive, negated := name, len(name) > 5 && name[2:5] == "no-" // -fno-pic
	if negated {
		positive = name[:2] + name[5:]
	}
	if kind, ok := options[positive]; ok {
		return 1, c.value(kind, value, hasValue, negated)
	}
	if strings.HasPrefix(arg, "-W") && !strings.Contains(arg, ",") {
		return 1, unless(!strings.ContainsAny(arg, "/.\\"))
	}
	return 1, unless(strings.HasPrefix(arg, "-O") && len(arg) <= 3)
}

func unless(ok bool) string {
	if ok {
		return ""
	}
	return isUnknown
}

// kind is what may stand behind an option's '='.
type kind uint8

const (
	plain  kind = iota // nothing
	number             // or nothing
	maybe              // a word or nothing
	word               // letters, digits, '-', '_', '+', '.'
	target             // a word that does not mean this machine
	file               // a declared one
	blocks             // "all", "none" or "list=" and a declared file
	text               // anything: it goes into the object as it is
)

// options of Clang's driver, without "no-".
var options = map[string]kind{
	"--target": word, "-march": target, "-mcpu": target, "-mtune": target, "-mcmodel": word, "-mtls-dialect": word,
	"-mlarge-data-threshold": number, "-mrelax": plain, "-mred-zone": plain, "-mbranch-protection": word,

	"-faddrsig": plain, "-ffunction-sections": plain, "-fdata-sections": plain, "-funique-section-names": plain,
	"-funique-basic-block-section-names": plain, "-fbasic-block-address-map": plain, "-fseparate-named-sections": plain,
	"-fsplit-machine-functions": plain, "-femulated-tls": plain, "-fstack-size-section": plain, "-fforce-dwarf-frame": plain,
	"-fzero-initialized-in-bss": plain, "-fuse-init-array": plain, "-fpic": plain, "-fPIC": plain, "-fpie": plain, "-fPIE": plain,
	"-fdirect-access-external-data": plain, "-fomit-frame-pointer": plain, "-fvectorize": plain, "-fslp-vectorize": plain,
	"-funroll-loops": plain, "-fwhole-program-vtables": plain, "-fsplit-lto-unit": plain, "-funified-lto": plain,
	"-fmerge-functions": plain, "-fdebug-info-for-profiling": plain, "-fplt": plain, "-fsemantic-interposition": plain,
	"-fsample-profile-use-profi": plain,
	"-falign-loops":              number, "-falign-functions": number,

	"-fthinlto-index": file, "-fprofile-use": file, "-fprofile-instr-use": file, "-fprofile-sample-use": file,
	"-fbasic-block-sections": blocks,

	// What else stands in the flags of all compiles. Little of it changes anything for bitcode.
	"-g": plain, "-g0": plain, "-g1": plain, "-g2": plain, "-g3": plain, "-gline-tables-only": plain, "-gdwarf": plain,
	"-std": word, "-ansi": plain, "-pedantic": plain, "-pthread": plain, "-w": plain, "-Qunused-arguments": plain,
	"-fexceptions": plain, "-frtti": plain, "-fvisibility": word, "-fvisibility-inlines-hidden": plain, "-fstrict-aliasing": plain,
	"-fstrict-overflow": plain, "-fwrapv": plain, "-fstack-protector": plain, "-fstack-protector-strong": plain, "-fstack-protector-all": plain,
	"-fstack-clash-protection": plain, "-fcf-protection": maybe, "-fcommon": plain, "-fmath-errno": plain, "-ffast-math": plain,
	"-ffp-contract": word, "-fbuiltin": plain, "-ffreestanding": plain, "-fshort-enums": plain, "-fsigned-char": plain,
	"-funsigned-char": plain, "-fasynchronous-unwind-tables": plain, "-funwind-tables": plain, "-fident": plain,
	"-fcolor-diagnostics": plain, "-fdiagnostics-color": maybe, "-fthreadsafe-statics": plain, "-fdelete-null-pointer-checks": plain,
	"-ftls-model": word, "-finline-functions": plain, "-finline": plain, "-m64": plain,

	"-glldb": plain, "-ggdb": plain, "-gsce": plain, "-gdbx": plain, "-gstrict-dwarf": plain, "-gdwarf-4": plain, "-gdwarf-5": plain,
}

func (c checker) value(k kind, value string, hasValue, negated bool) string {
	switch {
	case k == plain || !hasValue:
		return unless(!hasValue && (k == plain || k == number || k == maybe || negated))
	case k == number:
		return unless(isDecimal(value))
	case k == target && strings.HasPrefix(value, "native"):
		return isOfThisHost
	case k == word, k == maybe, k == target:
		return unless(isWord(value))
	case k == text, k == blocks && (value == "all" || value == "none"):
		return ""
	case k == blocks:
		value = strings.TrimPrefix(value, "list=")
	}
	if c.names[value] {
		return ""
	}
	return namesFile
}

// frontend looks at -Xclang and its word, and at the value, behind another -Xclang,
// of those that have one.
func (c checker) frontend(args []string) (n int, why string) {
	if len(args) < 2 {
		return 1, isUnknown
	}
	name, value, hasValue := strings.Cut(args[1], "=")
	switch name {
	case "-target-cpu", "-target-feature", "-target-abi":
		if len(args) < 4 || args[2] != "-Xclang" || hasValue {
			return 2, isUnknown
		}
		return 4, unless(isWord(args[3]))
	case "-debugger-tuning", "-fprofile-instrument":
		return 2, c.value(word, value, hasValue, false)
	case "-fno-xray-function-index":
		return 2, unless(!hasValue)
	case "-mtls-size":
		return 2, c.value(number, value, hasValue, false)
	case "-fprofile-instrument-path":
		return 2, c.value(text, value, hasValue, false)
	}
	return 2, isUnknown
}

// llvmOption looks at an option behind -mllvm. There are thousands: those are taken
// that are switched or have a number, and are not named after files, printing or
// running something.
func llvmOption(option string) string {
	name, value, hasValue := strings.Cut(strings.TrimLeft(option, "-"), "=")
	for part := range strings.SplitSeq(name, "-") {
		if llvmWords[part] {
			return isUnknown
		}
	}
	if option == name || hasValue && value != "true" && value != "false" && !isDecimal(value) {
		return isUnknown
	}
	return ""
}

var llvmWords = func() map[string]bool {
	words := map[string]bool{}
	for _, word := range strings.Fields("file files filename path dir directory list load plugin record trace report remark remarks diagnostics " +
		"profile prof stats stat statistics dump print debug view views dot time timing log save output input crash exec replay channel " +
		"interactive summary graph cfg viewer json yaml csv bugpoint reproducer help version") {
		words[word] = true
	}
	return words
}()

func isDecimal(s string) bool { return s != "" && strings.Trim(s, "-0123456789.") == "" }

func isWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_+.,", r)
	}) < 0
}
