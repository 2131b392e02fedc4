// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/object"
)

// Input is a file that a link names, by itself or in a linker script, with what
// the options in front of it say of it.
type Input struct {
	// Path is what LLD opens, as it spells it.
	Path string
	// Library is, if Path was found in the -L folders, what finds it there again: a
	// library without a name of its own (DT_SONAME) is then called by the last part of
	// its path, otherwise by all of it.
	Library string
	// Script says that it is a linker script; Lists that it does nothing but name the
	// inputs that come next.
	Script, Lists bool
	State
}

// State is what options change for the inputs behind them.
type State struct {
	AsNeeded    bool // a shared library counts only if it is referred to
	Static      bool // -l finds archives only
	Whole       bool // archives are taken whole
	Lazy        bool // between --start-lib and --end-lib
	Binary      bool // --format=binary: data
	JustSymbols bool // --just-symbols: addresses
}

// positional are the options that only change the State, beside --format.
var positional = map[string]func(*State){
	"as-needed": func(s *State) { s.AsNeeded = true }, "no-as-needed": func(s *State) { s.AsNeeded = false },
	"whole-archive": func(s *State) { s.Whole = true }, "no-whole-archive": func(s *State) { s.Whole = false },
	"Bstatic": func(s *State) { s.Static = true }, "Bdynamic": func(s *State) { s.Static = false },
	"start-lib": func(s *State) { s.Lazy = true }, "end-lib": func(s *State) { s.Lazy = false },
	"start-group": func(*State) {}, "end-group": func(*State) {},
}

// stateReader follows the State along a command line.
type stateReader struct {
	State
	saved []State
}

// read takes an option's effect and says whether it had no other.
func (r *stateReader) read(arg Arg) bool {
	if set, ok := positional[arg.Name]; ok {
		set(&r.State)
		return true
	}
	switch arg.Name {
	case "omagic", "nmagic": // options in their own right, too; --no-nmagic does not undo this
		r.Static = true
		return false
	case "format":
		r.Binary = arg.Value == "binary"
	case "push-state":
		r.saved = append(r.saved, r.State)
	case "pop-state":
		if n := len(r.saved); n > 0 { // what LLD saves
			s := r.saved[n-1]
			r.AsNeeded, r.Static, r.Whole, r.saved = s.AsNeeded, s.Static, s.Whole, r.saved[:n-1]
		}
	default:
		return false
	}
	return true
}

// input is the file that an argument names; ok is false if it names none, or a
// library that is nowhere.
func (c *Command) input(arg Arg, s State) (in Input, ok bool) {
	in = Input{Path: arg.Value, State: s}
	switch arg.Name {
	case "":
	case "just-symbols":
		in.JustSymbols = true
	case "library":
		in.Path = c.library(arg.Value, s.Static)
		in.Library = again(arg.Value, in.Path)
	default:
		return in, false
	}
	ok = c.open(&in)
	return in, ok
}

// again is the ":FILE" of a -l:FILE that finds what a -lNAME found, whatever the
// options in front of it.
func again(name, path string) string {
	if strings.HasPrefix(name, ":") {
		return name
	}
	return ":" + filepath.Base(path)
}

// Inputs are the files that the command line of a link names, in order, each linker
// script followed by what it names. The error is an *Untranslatable for a script
// that names files and does something else.
//
// Files are looked at once, whoever asks how often.
func (c *Command) Inputs() iter.Seq2[Input, error] {
	return func(yield func(Input, error) bool) {
		if c.inputs == nil {
			c.inputs = []inputOrError{}
			for in, err := range c.readInputs() {
				c.inputs = append(c.inputs, inputOrError{in, err})
			}
		}
		for _, n := range c.inputs {
			if !yield(n.input, n.err) {
				return
			}
		}
	}
}

// inputOrError is an input, or why it is none.
type inputOrError struct {
	input Input
	err   error
}

func (c *Command) readInputs() iter.Seq2[Input, error] {
	return func(yield func(Input, error) bool) {
		x := &expansion{command: c, yield: yield}
		var state stateReader
		for _, arg := range c.Args {
			if state.read(arg) {
				continue
			}
			if arg.Name == "script" || arg.Name == "default-script" {
				if !x.onlyCommands(c.included(arg.Value)) {
					return
				}
				continue
			}
			if in, ok := c.input(arg, state.State); ok && !x.add(in, 0) {
				return
			}
		}
	}
}

// OpenedFiles are the files that LLD opens for the inputs of the command line, each
// once, in its order.
func (c *Command) OpenedFiles() []string {
	var files []string
	seen := map[string]bool{}
	add := func(path string) {
		if !seen[path] {
			seen[path] = true
			files = append(files, path)
		}
	}
	for in, err := range c.Inputs() {
		if err == nil {
			add(in.Path)
		}
	}
	return files
}

// ReadFiles are OpenedFiles and the members of thin archives among them.
func (c *Command) ReadFiles() []string {
	files := c.OpenedFiles()
	for _, path := range files {
		files = append(files, thinMembers(path)...)
	}
	return files
}

// thinMembers are the files that are members of a thin archive, none if it is no such.
func thinMembers(path string) (files []string) {
	f, size, err := openFile(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if kindOf(f) != object.ThinArchive {
		return nil
	}
	for m, err := range object.Members(f, size) {
		if err == nil {
			files = append(files, object.ThinPath(path, m))
		}
	}
	return files
}

// OnceOnly is an *Untranslatable if the command names something that is read and can be
// read only once, such as a pipe: in steps it would be read several times.
func (c *Command) OnceOnly() error {
	for _, arg := range c.Args {
		file := c.opened(arg.Value)
		if file == "" || file == os.DevNull || !arg.IsInput() && !readOptions[arg.Name] {
			continue
		}
		if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
			return &Untranslatable{arg.Value, "is no regular file, and a link in steps reads it several times"}
		}
	}
	return nil
}

// readOptions are the options whose value is a file that is read.
var readOptions = map[string]bool{
	"script": true, "default-script": true, "version-script": true, "dynamic-list": true, "symbol-ordering-file": true,
	"call-graph-ordering-file": true, "retain-symbols-file": true, "export-dynamic-symbol-list": true, "just-symbols": true,
	"lto-sample-profile": true, "lto-cs-profile-file": true, "lto-basic-block-sections": true, "section-ordering-file": true,
	"irpgo-profile": true, "bp-startup-sort": true, "remap-inputs-file": true, "in-implib": true,
}

// OptionFiles are the files that options name for the linker to read.
func (c *Command) OptionFiles() []string {
	files := slices.Clone(c.responses)
	for _, arg := range c.Args {
		switch {
		case arg.IsInput() || !readOptions[arg.Name] || arg.Value == "":
		case arg.Name == "script" || arg.Name == "default-script" || arg.Name == "version-script":
			files = append(files, arg.Value, c.included(arg.Value))
		default:
			files = append(files, arg.Value)
		}
	}
	return slices.DeleteFunc(files, func(file string) bool { return file == "" })
}

// FinalState is the State behind the last argument.
func (c *Command) FinalState() State {
	var state stateReader
	for _, arg := range c.Args {
		state.read(arg)
	}
	return state.State
}

// expansion replaces scripts by what they name. Its methods return false when the
// walk is over.
type expansion struct {
	command *Command
	yield   func(Input, error) bool
}

// maxScriptDepth is how deep scripts may name each other.
const maxScriptDepth = 16

func (x *expansion) add(in Input, depth int) bool {
	if in.Binary || in.JustSymbols {
		return x.yield(in, nil)
	}
	text, ok := scriptText(in.Path)
	if !ok {
		return x.yield(in, nil)
	}
	script := readScript(text)
	in.Script, in.Lists = true, script.names != nil
	switch {
	case depth == maxScriptDepth:
		return x.refuse(in.Path, "is one of too many linker scripts that name each other")
	case !in.Lists && x.refuseCommands(in.Path, text, script):
		return false
	case in.Lists && (script.other || len(script.includes) > 0):
		return x.refuse(in.Path, doesMore)
	}
	if !x.yield(in, nil) {
		return false
	}
	for _, named := range script.names {
		next, ok := x.named(in, named)
		if ok && !x.add(next, depth+1) {
			return false
		}
	}
	return true
}

const doesMore = "is a linker script that names inputs and does more"

// named is a file that a script names.
func (x *expansion) named(script Input, named scriptName) (in Input, ok bool) {
	in = Input{State: script.State}
	in.AsNeeded = in.AsNeeded || named.asNeeded
	if library := named.library(); library != "" {
		in.Path = x.command.library(library, in.Static)
		in.Library = again(library, in.Path)
		ok = x.command.open(&in)
		return in, ok
	}
	var found place
	if in.Path, found = x.command.scriptFile(script.Path, named.name); found == bySearch {
		in.Library = ":" + named.name
	}
	ok = x.command.open(&in)
	return in, ok
}

// onlyCommands looks at a script given with -T.
func (x *expansion) onlyCommands(path string) bool {
	text, ok := scriptText(path)
	script := readScript(text)
	if ok && script.names != nil {
		return x.refuse(path, doesMore)
	}
	return !ok || !x.refuseCommands(path, text, script)
}

// refuseCommands refuses a script that does not list inputs and yet changes what they
// are, or that would not mean the same with files in other folders.
func (x *expansion) refuseCommands(path, text string, s script) bool {
	var why string
	switch {
	case len(text) == maxScript:
		why = "is a linker script of a megabyte or more"
	case len(s.includes) > 0:
		why = "is a linker script that includes others"
	case s.searches:
		why = "is a linker script that says where libraries are"
	case s.folders:
		why = "is a linker script that tells files apart by their folders, which are others in steps"
	default:
		return false
	}
	x.refuse(path, why)
	return true
}

func (x *expansion) refuse(path, why string) bool {
	x.yield(Input{}, &Untranslatable{path, why})
	return false
}

// scriptText is a file's text unless it is an object, an archive or too large.
func scriptText(path string) (string, bool) {
	f, _, err := openFile(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	if kindOf(f) != object.Unknown {
		return "", false
	}
	text, err := io.ReadAll(io.LimitReader(f, maxScript))
	return string(text), err == nil
}
