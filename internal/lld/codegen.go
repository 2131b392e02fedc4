// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"fmt"
	"strings"
)

// A spelling turns the value of a code generation option into the arguments
// that make a backend compile by Clang do the same. It returns nil and false
// if this value has none. A boolean given without value comes as "".
type spelling func(value string) ([]string, bool)

// codegenOptions are the options that LLVM's codegen-flags and MC-flags
// libraries (llvm/lib/CodeGen/CommandFlags.cpp, llvm/lib/MC/
// MCTargetOptionsCommandFlags.cpp) register in LLD, which turns them into
// target options. Clang either does not register them, and stops at
// "-mllvm NAME", or registers and never reads them, so -mllvm must not carry
// them. nil means that Clang has no spelling that gives the same object.
//
// That each spelling gives the same objects as in-process LTO is tested, by
// TestCodegenSpellings, wherever the option has an effect on x86-64.
var codegenOptions = map[string]spelling{
	// LLD sets these itself after reading its options: no effect.
	"addrsig": nothing, "function-sections": nothing, "data-sections": nothing, "basic-block-address-map": nothing,
	"unique-basic-block-section-names": nothing,

	"mcpu":                      cpu,
	"mattr":                     features,
	"target-abi":                cc1("-target-abi"),
	"relocation-model":          oneOf(map[string]string{"static": "-fno-pic", "pic": "-fpic"}),
	"code-model":                joinValue("-mcmodel="),
	"large-data-threshold":      joinValue("-mlarge-data-threshold="),
	"tls-size":                  cc1Join("-mtls-size="),
	"align-loops":               joinValue("-falign-loops="),
	"basic-block-sections":      joinValue("-fbasic-block-sections="),
	"emulated-tls":              onOff("-femulated-tls", "-fno-emulated-tls"),
	"enable-tlsdesc":            onOff("-mtls-dialect=gnu2", "-mtls-dialect=gnu"),
	"split-machine-functions":   onOff("-fsplit-machine-functions", "-fno-split-machine-functions"),
	"unique-section-names":      onOff("-funique-section-names", "-fno-unique-section-names"),
	"separate-named-sections":   onOff("-fseparate-named-sections", "-fno-separate-named-sections"),
	"stack-size-section":        onOff("-fstack-size-section", "-fno-stack-size-section"),
	"nozero-initialized-in-bss": onOff("-fno-zero-initialized-in-bss", "-fzero-initialized-in-bss"),
	"use-ctors":                 onOff("-fno-use-init-array", "-fuse-init-array"),
	"force-dwarf-frame-section": onOff("-fforce-dwarf-frame", "-fno-force-dwarf-frame"),
	"strict-dwarf":              onOff("-gstrict-dwarf", "-gno-strict-dwarf"),
	"debugger-tune":             debuggerTuning,

	"align-all-functions": nil, "call-graph-section": nil, "debug-entry-values": nil, "denormal-fp-math": nil,
	"denormal-fp-math-f32": nil, "disable-tail-calls": nil, "emit-call-site-info": nil, "enable-jmc-instrument": nil,
	"enable-no-infs-fp-math": nil, "enable-no-nans-fp-math": nil, "enable-no-signed-zeros-fp-math": nil,
	"enable-no-trapping-fp-math": nil, "enable-unsafe-fp-math": nil, "enable-approx-func-fp-math": nil,
	"enable-sign-dependent-rounding-fp-math": nil, "exception-model": nil, "filetype": nil, "float-abi": nil,
	"fp-contract": nil, "frame-pointer": nil, "ignore-xcoff-visibility": nil, "march": nil, "meabi": nil,
	"mxcoff-roptr": nil, "no-integrated-as": nil, "partition-static-data-sections": nil, "stack-symbol-ordering": nil,
	"stackrealign": nil, "swift-async-fp": nil, "tailcallopt": nil, "thread-model": nil, "trap-func": nil,
	"vec-extabi": nil, "vector-library": nil, "xcoff-traceback-table": nil, "xray-function-index": nil, "no-xray-index": nil,
	"pseudo-probe-for-profiling": nil, "lower-global-dtors-via-cxa-atexit": nil, "relax-elf-relocations": nil,

	"as-secure-log-file-name": nil, "crel": nil, "dwarf-version": nil, "dwarf64": nil, "emit-dwarf-unwind": nil,
	"emit-compact-unwind-non-canonical": nil, "emit-sframe": nil, "fatal-warnings": nil, "fdpic": nil, "gsframe": nil,
	"implicit-mapsyms": nil, "incremental-linker-compatible": nil, "large-code-model": nil, "mc-relax-all": nil,
	"no-deprecated-warn": nil, "no-type-check": nil, "no-warn": nil, "W": nil, "preserve-as-comments": nil,
	"asm-show-inst": nil, "show-mc-inst": nil, "x86-relax-relocations": nil, "x86-sse2avx": nil, "save-temp-labels": nil,
}

// clangSince has those codegenOptions whose spelling not every Clang from 13 on
// knows. Of 17 and 18, which were not tried, it claims nothing.
var clangSince = map[string]int{
	"align-loops": 14, "large-data-threshold": 19, "separate-named-sections": 19, "enable-tlsdesc": 19,
}

// linkersOwn are options that Clang takes too and that mean something else there.
var linkersOwn = map[string]string{
	"opt-bisect-limit":  "counts over all modules",
	"debug-counter":     "counts over all modules",
	"lto-embed-bitcode": "has clang put its own options beside the bitcode",
}

func nothing(string) ([]string, bool) { return nil, true }

// cpu bypasses the driver's -march=, which on some targets sets features too:
// LLD sets the processor and nothing else.
func cpu(value string) ([]string, bool) {
	return []string{"-Xclang", "-target-cpu", "-Xclang", value}, value != "" && value != "help" && value != "native"
}

func features(value string) ([]string, bool) {
	var args []string
	for feature := range strings.SplitSeq(value, ",") {
		if feature == "" || feature == "help" {
			return nil, false
		}
		if feature[0] != '+' && feature[0] != '-' {
			feature = "+" + feature
		}
		args = append(args, "-Xclang", "-target-feature", "-Xclang", feature)
	}
	return args, true
}

func debuggerTuning(value string) ([]string, bool) {
	switch value {
	case "gdb", "lldb", "sce", "dbx":
		return []string{"-Xclang", "-debugger-tuning=" + value}, true
	}
	return nil, false
}

func cc1(name string) spelling {
	return func(value string) ([]string, bool) { return []string{"-Xclang", name, "-Xclang", value}, value != "" }
}

// cc1Join is joinValue for options that the driver refuses on some targets
// while LLD takes them for all.
func cc1Join(prefix string) spelling {
	return func(value string) ([]string, bool) { return []string{"-Xclang", prefix + value}, value != "" }
}

func joinValue(prefix string) spelling {
	return func(value string) ([]string, bool) { return []string{prefix + value}, value != "" }
}

func oneOf(values map[string]string) spelling {
	return func(value string) ([]string, bool) {
		arg, ok := values[value]
		return []string{arg}, ok
	}
}

// onOff reads a boolean as llvm::cl does: no value, true, TRUE, True and 1,
// and their opposites.
func onOff(on, off string) spelling {
	return func(value string) ([]string, bool) {
		switch value {
		case "", "1", "true", "TRUE", "True":
			return []string{on}, true
		case "0", "false", "FALSE", "False":
			return []string{off}, true
		}
		return nil, false
	}
}

// llvmArgs translates the -mllvm options of a link, in the order in which LLD
// reads them. known says whether the backend's Clang registers an option of
// LLVM's of that name.
//
// LLD parses each on its own, so that a later one overrides; Clang parses
// those that stay -mllvm together and refuses repetition. Equal repetitions are
// given once.
func llvmArgs(values []string, major int, known func(name string) (bool, error)) ([]string, error) {
	var codegen, rest []string
	last := map[string]string{}
	for i := len(values) - 1; i >= 0; i-- { // from the back: what is overridden is left out
		word := values[i]
		name, value, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
		later, overridden := last[name]
		last[name] = word
		if spell, ok := codegenOptions[name]; ok {
			if overridden && name != "mattr" { // a list: each adds
				continue
			}
			args, ok := spellWith(spell, value)
			if !ok {
				return nil, &Untranslatable{"-mllvm " + word, "has no Clang spelling"}
			}
			if since := clangSince[name]; major < since {
				return nil, &Untranslatable{"-mllvm " + word, fmt.Sprintf("has no Clang spelling before LLVM %d", since)}
			}
			codegen = append(args, codegen...)
			continue
		}
		if overridden && later == word {
			continue
		}
		if overridden {
			return nil, &Untranslatable{"-mllvm " + word, "is given twice with different values"}
		}
		if why := linkersOwn[name]; why != "" {
			return nil, &Untranslatable{"-mllvm " + word, why}
		}
		ok, err := known(name)
		if err != nil {
			return nil, fmt.Errorf("-mllvm %s: %w", word, err)
		}
		if !ok {
			return nil, &Untranslatable{"-mllvm " + word, "is not an option of the backend compiler"}
		}
		rest = append([]string{"-mllvm", word}, rest...)
	}
	return append(codegen, rest...), nil
}

func spellWith(spell spelling, value string) ([]string, bool) {
	if spell == nil {
		return nil, false
	}
	return spell(value)
}
