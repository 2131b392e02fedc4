// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"slices"
	"strings"
)

// Command is a linker's command line, read.
type Command struct {
	// Words are the arguments after the program's name, response files expanded.
	Words []string
	// Args are the options and inputs in Words.
	Args []Arg
	// Whole is false when a response file could not be expanded as LLD would.
	Whole bool

	inputs   []inputOrError // nil until Inputs has read them
	remapped *Remap         // what SetRemap set
}

// ReadCommand expands and parses the arguments that follow the linker's name.
func ReadCommand(argv []string) *Command {
	words, whole := ExpandFiles(argv)
	return &Command{Words: words, Args: Parse(words), Whole: whole}
}

// Has says whether an option is given, by its canonical name.
func (c *Command) Has(names ...string) bool {
	for _, arg := range c.Args {
		if !arg.IsInput() && slices.Contains(names, arg.Name) {
			return true
		}
	}
	return false
}

// Last is the value of the last of an option's occurrences.
func (c *Command) Last(name string) (value string, ok bool) {
	for i := len(c.Args) - 1; i >= 0; i-- {
		if c.Args[i].Name == name {
			return c.Args[i].Value, true
		}
	}
	return "", false
}

// Values are an option's values in order.
func (c *Command) Values(name string) []string {
	var values []string
	for _, arg := range c.Args {
		if arg.Name == name {
			values = append(values, arg.Value)
		}
	}
	return values
}

// Enabled is a pair of flags, the last of which counts: --name and --no-name.
func (c *Command) Enabled(name string) bool {
	on := false
	for _, arg := range c.Args {
		switch arg.Name {
		case name:
			on = true
		case "no-" + name:
			on = false
		}
	}
	return on
}

// PIC says whether the output is position-independent, which is what LLD
// takes the relocation model of LTO from, and only that.
func (c *Command) PIC() bool { return c.Has("shared") || c.Enabled("pie") }

// InformationOnly says whether the command only asks the linker about itself.
func (c *Command) InformationOnly() bool { return c.Has("help", "version") }

// IndexOnly says whether the command is a thin link by LLD itself: it writes index
// files and links nothing.
func (c *Command) IndexOnly() bool { return c.Has("thinlto-index-only") }

// IndexMap is the file that a thin link for a build system writes a map to; ok is false
// for other links.
func (c *Command) IndexMap() (file string, ok bool) { return c.Last("thinlto-index") }

// Output is the path of the link's output, "a.out" unless -o says otherwise.
func (c *Command) Output() string {
	if o, ok := c.Last("o"); ok {
		return o
	}
	return "a.out"
}

// Without is the words of the command less those of args for which drop
// returns true.
func (c *Command) Without(drop func(Arg) bool) []string {
	words := make([]string, 0, len(c.Words))
	for _, arg := range c.Args {
		if !drop(arg) {
			words = append(words, c.Words[arg.First:arg.Last+1]...)
		}
	}
	return words
}

// OwnOption says whether arg is one of dtlto's own options, --dtlto-NAME or
// --dtlto-NAME=VALUE, and cuts it.
func OwnOption(arg Arg) (name, value string, ok bool) {
	body, ok := strings.CutPrefix(arg.Name, "dtlto-")
	if !ok {
		return "", "", false
	}
	name, value, _ = strings.Cut(body, "=")
	return name, value, true
}
