// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"strings"
	"sync"
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

	indexed sync.Once
	index   map[string][]int // places in Args of each option

	responses []string // response files that the arguments name
}

// ReadCommand expands and parses the arguments that follow the linker's name.
func ReadCommand(argv []string) *Command {
	words, whole := ExpandFiles(argv)
	c := &Command{Words: words, Args: Parse(words), Whole: whole}
	for _, word := range argv {
		if file, ok := strings.CutPrefix(word, "@"); ok {
			c.responses = append(c.responses, file)
		}
	}
	return c
}

// Has says whether an option is given, by its canonical name.
func (c *Command) Has(names ...string) bool {
	for _, name := range names {
		if len(c.given(name)) > 0 {
			return true
		}
	}
	return false
}

// given is where in Args an option is. Links have ten thousands of inputs, and of each
// it is asked what options there are.
func (c *Command) given(name string) []int {
	c.indexed.Do(func() {
		c.index = map[string][]int{}
		for i, arg := range c.Args {
			if !arg.IsInput() {
				c.index[arg.Name] = append(c.index[arg.Name], i)
			}
		}
	})
	return c.index[name]
}

// Last is the value of the last of an option's occurrences.
func (c *Command) Last(name string) (value string, ok bool) {
	places := c.given(name)
	if len(places) == 0 {
		return "", false
	}
	return c.Args[places[len(places)-1]].Value, true
}

// Values are an option's values in order.
func (c *Command) Values(name string) []string {
	places := c.given(name)
	values := make([]string, len(places))
	for i, place := range places {
		values[i] = c.Args[place].Value
	}
	return values
}

// Enabled is a pair of flags, the last of which counts: --name and --no-name.
func (c *Command) Enabled(name string) bool {
	on, off := c.given(name), c.given("no-"+name)
	return len(on) > 0 && (len(off) == 0 || on[len(on)-1] > off[len(off)-1])
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
