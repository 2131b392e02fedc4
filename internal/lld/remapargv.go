// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/object"
)

// Remapped is the argv that does for an LLD before 17 what the options for a Remap (or
// SetRemap's) do for a newer one: the files that they mean are named instead, in the same
// places. The error is an *Untranslatable if no argv can say that, such as when a linker
// script names a file that is to be another, or of a file of entries.
//
// What is in archives gets other names in what LLD prints.
func (c *Command) Remapped() ([]string, error) {
	r := c.remapped
	if r == nil {
		var err error
		if r, err = c.ReadRemap(); err != nil {
			return nil, err
		}
	}
	switch {
	case r == nil:
		return slices.Clone(c.Words), nil
	case c.Has("chroot"):
		return nil, &Untranslatable{"--chroot", "changes what paths mean"}
	}
	plain := &Command{Words: c.Words, Args: c.Args, Whole: c.Whole}
	w := &rewriting{command: plain, remap: r, seen: map[string]bool{}}
	if err := w.rewrite(); err != nil {
		return nil, err
	}
	return w.words, nil
}

// rewriting is the work of Remapped.
type rewriting struct {
	command  *Command // which is without a Remap
	remap    *Remap
	state    stateReader
	words    []string
	seen     map[string]bool // files that were looked at for what they name
	archives []RemapEntry    // that have other names now
	patterns string          // a script that may tell archives apart by name
}

func (w *rewriting) rewrite() error {
	for _, arg := range w.command.Args {
		if err := w.arg(arg); err != nil {
			return err
		}
	}
	return w.checkArchives()
}

func (w *rewriting) arg(arg Arg) error {
	own := w.command.Words[arg.First : arg.Last+1]
	if isRemap(arg) {
		return nil
	}
	if w.state.read(arg) {
		w.words = append(w.words, own...)
		return nil
	}
	file := w.command.opensFile(arg, w.state.Static)
	to, ok := w.remap.To(file)
	if file == "" || !ok || to == file {
		w.words = append(w.words, own...)
		return w.lookAt(arg, file)
	}
	if err := w.replace(arg, file, to); err != nil {
		return err
	}
	return w.lookAt(arg, to)
}

// opensFile is the path that LLD looks up in a Remap for an argument; empty for none.
func (c *Command) opensFile(arg Arg, static bool) string {
	switch arg.Name {
	case "library":
		return c.library(arg.Value, static)
	case "script", "default-script", "version-script":
		return c.included(arg.Value)
	case "", "just-symbols", "dynamic-list", "export-dynamic-symbol-list", "symbol-ordering-file",
		"call-graph-ordering-file", "retain-symbols-file", "in-implib":
		return arg.Value
	}
	return ""
}

// replace adds an argument's words with another file.
func (w *rewriting) replace(arg Arg, file, to string) error {
	inputs := arg.IsInput() || arg.Name == "library"
	switch {
	case strings.HasPrefix(to, "@") || inputs && strings.HasPrefix(to, "-") || strings.ContainsRune(to, 0):
		return &Untranslatable{to, "has a name that no argument can have, and takes the place of " + file}
	case !inputs && !exists(to): // LLD would search for a script
		return &Untranslatable{to, "is not there, and takes the place of " + file}
	case !inputs && arg.First == arg.Last:
		w.words = append(w.words, "--"+arg.Name+"="+to)
		return nil
	case !inputs:
		w.words = append(w.words, w.command.Words[arg.First], to)
		return nil
	}
	switch kind, shared := kindOfFile(to); {
	case w.state.Binary:
	case kind == object.Archive || kind == object.ThinArchive:
		w.archives = append(w.archives, RemapEntry{file, to})
	case shared && arg.Name == "library" && strings.Contains(to, "/") && !hasOwnName(to):
		return &Untranslatable{to, "is a shared library without a name, in the place of " + file + ", which -l found: its folder would be in its name"}
	}
	w.words = append(w.words, to)
	return nil
}

func kindOfFile(path string) (kind object.Kind, shared bool) {
	f, _, err := openFile(path)
	if err != nil {
		return object.Unknown, false
	}
	defer f.Close()
	kind = kindOf(f)
	return kind, kind == object.ELF && isShared(f, new([18]byte))
}

// checkArchives makes sure that nothing knows an archive by the name that it had.
func (w *rewriting) checkArchives() error {
	for _, a := range w.archives {
		switch {
		case w.command.Excludes(a.From) != w.command.Excludes(a.To):
			return &Untranslatable{a.To, "is in the place of " + a.From + ", and --exclude-libs means one of them by its name"}
		case w.patterns != "":
			return &Untranslatable{a.To, "is in the place of " + a.From + ", whose members " + w.patterns + " may mean by its name"}
		}
	}
	return nil
}
