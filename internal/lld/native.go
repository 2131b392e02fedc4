// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import "strings"

// FirstStaged is the first LLD whose links dtlto does in steps.
const FirstStaged = 13

// FirstNative is the first LLD whose own DTLTO does a whole link: LLD 21 has
// it without archive members.
const FirstNative = 22

// FirstRemapping is the first LLD with --remap-inputs= and --remap-inputs-file=.
const FirstRemapping = 17

// Distributor is who compiles the backends of a link that LLD 22 or newer
// distributes itself.
type Distributor struct {
	Path     string   // of the distributor program
	Args     []string // before the job file
	Compiler string   // path of the Clang that fits the LLD
}

// Native is the argv (without the program) that makes LLD 22 or newer do the
// link with d. What the user chose explicitly, a distributor or a compiler,
// wins: LLD takes the last of several, and ours come first.
func (c *Command) Native(argv []string, d Distributor, b *Backend) []string {
	var words []string
	add := func(option, value string) { words = append(words, "--thinlto-"+option+"="+value) }
	if _, chosen := c.Last("thinlto-distributor"); !chosen {
		add("distributor", d.Path)
		for _, arg := range d.Args {
			add("distributor-arg", arg)
		}
		for _, file := range b.Inputs {
			add("distributor-arg", "--input="+file)
		}
	}
	add("remote-compiler", d.Compiler)
	for _, arg := range b.Args {
		add("remote-compiler-arg", arg)
	}
	return append(words, c.Modern(argv)...)
}

// Modern is argv without dtlto's own options and with those of DTLTO's first
// patches in the spelling of LLD 22. It is argv itself when there are none:
// response files then stay as they are.
func (c *Command) Modern(argv []string) []string {
	if !c.hasAny(func(arg Arg) bool { return isOwn(arg) || c.isOldSpelling(arg) }) {
		return argv
	}
	var words []string
	for _, arg := range c.Args {
		switch {
		case isOwn(arg):
		case c.isOldSpelling(arg):
			words = append(words, modernSpelling(arg)...)
		default:
			words = append(words, c.Words[arg.First:arg.Last+1]...)
		}
	}
	return words
}

// Plain is argv for a link that LLD does in-process. An LLD that may not know
// the options of DTLTO (before 22) is not shown them; a newer one is not shown
// the distributor.
func (c *Command) Plain(argv []string) []string {
	if !c.Whole { // what is in the response files stays as it is, for LLD to refuse
		c = &Command{Words: argv, Args: Parse(argv), Whole: true}
	}
	drop := func(arg Arg) bool {
		return isOwn(arg) || c.isOldSpelling(arg) || strings.HasPrefix(arg.Name, "thinlto-distributor") ||
			strings.HasPrefix(arg.Name, "thinlto-remote-compiler")
	}
	if !c.hasAny(drop) {
		return argv
	}
	return c.Without(drop)
}

func (c *Command) hasAny(is func(Arg) bool) bool {
	for _, arg := range c.Args {
		if is(arg) {
			return true
		}
	}
	return false
}

func isOwn(arg Arg) bool {
	_, _, ok := OwnOption(arg)
	return ok
}

// DistributorArgs are the user's arguments for a distributor.
func (c *Command) DistributorArgs() []string {
	var args []string
	for _, arg := range c.Args {
		switch name, value, old := oldLLVMOption(arg.Value); {
		case arg.Name == "thinlto-distributor-arg":
			args = append(args, arg.Value)
		case arg.Name == "mllvm" && old && name == "thinlto-distributor-arg":
			args = append(args, value)
		}
	}
	return args
}

// isOldSpelling says whether arg is an option of the first DTLTO patches that
// no released LLD has.
func (c *Command) isOldSpelling(arg Arg) bool {
	switch arg.Name {
	case "mllvm":
		_, _, ok := oldLLVMOption(arg.Value)
		return ok
	case "thinlto-remote-compiler", "thinlto-remote-compiler-arg":
		return strings.Contains(c.Words[arg.First], "thinlto-remote-opt-tool")
	}
	return false
}

// oldLLVMOption cuts the two -mllvm options that were DTLTO's.
func oldLLVMOption(word string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(strings.TrimLeft(word, "-"), "=")
	return name, value, ok && (name == "thinlto-distributor-arg" || name == "thinlto-cc1-arg")
}

func modernSpelling(arg Arg) []string {
	if arg.Name != "mllvm" {
		return []string{"--" + arg.Name + "=" + arg.Value}
	}
	name, value, _ := oldLLVMOption(arg.Value)
	if name == "thinlto-cc1-arg" {
		return []string{"--thinlto-remote-compiler-arg=-Xclang", "--thinlto-remote-compiler-arg=" + value}
	}
	return []string{"--thinlto-distributor-arg=" + value}
}
