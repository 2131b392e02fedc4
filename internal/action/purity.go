// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"fmt"
	"slices"
	"strings"
)

// Impure is an argument because of which an action says too little of what its
// command does: the result must not be kept, and the command must run where it
// was meant to.
type Impure struct{ Arg, Why string }

func (e *Impure) Error() string { return fmt.Sprintf("the argument %s %s", e.Arg, e.Why) }

// Check returns an *Impure if the command may read a file that is not among the
// inputs, may make one that is not among the outputs, or depends on the machine
// that it runs on. It goes by what is known to do none of that: what it has not
// heard of is impure.
func (a *Action) Check() error {
	names := make(map[string]bool, len(a.Inputs)+len(a.Outputs))
	for _, input := range a.Inputs {
		names[input.Name] = true
	}
	for _, output := range a.Outputs {
		names[output] = true
	}
	for i := 1; i < len(a.Args); i++ {
		arg := a.Args[i]
		switch {
		case names[arg], arg == "-c", arg == "-o", arg == "--no-default-config":
		case arg == "-mllvm" || arg == "-Xclang" || arg == "-x":
			if i++; i == len(a.Args) {
				return &Impure{arg, isNotKnown}
			}
			if why := impureValue(arg, a.Args[i], names); why != "" {
				return &Impure{arg + " " + a.Args[i], why}
			}
		default:
			if why := impureOption(arg, names); why != "" {
				return &Impure{arg, why}
			}
		}
	}
	return nil
}

const (
	mayNameFile  = "may name a file that is not among the job's inputs (declare it with --input=FILE)"
	mayMakeFile  = "may make or read files that the job does not name"
	isNotKnown   = "is not known to leave other files alone"
	isOfThisHost = "depends on the machine"
)

// impureValue looks at the word after -mllvm, -Xclang or -x.
func impureValue(option, word string, names map[string]bool) string {
	switch {
	case option == "-x" && word == "ir", names[word]:
		return ""
	case option == "-x":
		return isNotKnown
	case !strings.HasPrefix(word, "-"): // the value of the -Xclang option before
		return impureText(word)
	case option == "-Xclang" && strings.HasPrefix(word, "-fprofile-instrument-path="):
		return "" // goes into the object; nothing is read or made
	case option == "-Xclang" && strings.HasPrefix(word, "-fprofile-instrument="):
		return ""
	}
	return impureName(word, names)
}

// impureOption looks at an option of the compiler's driver.
func impureOption(arg string, names map[string]bool) string {
	for _, prefix := range []string{"-Wa,", "-Wl,", "-Wp,", "-gsplit-dwarf", "-gcc", "-fuse-ld", "-MD", "-MMD"} {
		if strings.HasPrefix(arg, prefix) {
			return isNotKnown
		}
	}
	if strings.HasPrefix(arg, "--target=") {
		return impureText(strings.ReplaceAll(arg, ".", ""))
	}
	if strings.HasPrefix(arg, "-W") {
		return impureText(arg)
	}
	for _, prefix := range []string{"-O", "-f", "-m", "-g"} {
		if strings.HasPrefix(arg, prefix) {
			return impureName(arg, names)
		}
	}
	return isNotKnown
}

// fileWords are in the names of options, Clang's and LLVM's, that have to do with
// files or with printing.
var fileWords = strings.Fields("file files path dir directory list plugin pass record trace report remarks diagnostics " +
	"profile stats dump print debug view dot time log save output input modules module crash proc optimization load include")

// hasFileWord says whether one of the parts of an option's name, less the letter
// that Clang's begin with, is a file word.
func hasFileWord(name string) bool {
	for i, part := range strings.Split(strings.TrimLeft(name, "-"), "-") {
		if slices.Contains(fileWords, part) || i == 0 && part != "" && slices.Contains(fileWords, part[1:]) {
			return true
		}
	}
	return false
}

// impureName looks at an option that has its value, if any, behind an '='.
func impureName(arg string, names map[string]bool) string {
	name, value, hasValue := strings.Cut(arg, "=")
	for rest, ok := value, hasValue; ok; _, rest, ok = strings.Cut(rest, "=") {
		if names[rest] {
			return ""
		}
	}
	if hasValue && value == "native" {
		return isOfThisHost
	}
	if hasFileWord(name) {
		return mayMakeFile
	}
	return impureText(arg)
}

// impureText looks for what a name of a file may have: a path, or an ending.
// Numbers may have a point.
func impureText(text string) string {
	_, value, _ := strings.Cut(text, "=")
	for i := range len(text) {
		c := text[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-+,=:", c) >= 0
		if !letter && (c != '.' || strings.Trim(value, "-0123456789.") != "") {
			return mayNameFile
		}
	}
	return ""
}
