// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"iter"
	"os"
	"strings"
)

// InputFiles are the files that a link names, in order, as LLD finds them:
// inputs by their path, -l libraries by search, scripts given with -T. A
// library that is nowhere is left out, and so are inputs under --format=binary,
// which LLD takes for data. What linker scripts and dependent-library records
// inside of files name is not among them.
func (c *Command) InputFiles() iter.Seq[string] {
	return func(yield func(string) bool) {
		var state stateReader
		for _, arg := range c.Args {
			if state.read(arg) || state.Binary {
				continue
			}
			in, ok := c.input(arg, state.State)
			if arg.Name == "script" || arg.Name == "default-script" {
				in.Path = c.included(arg.Value)
				ok = in.Path != ""
			}
			if ok && !in.JustSymbols && !yield(in.Path) {
				return
			}
		}
	}
}

// library finds a -l library as LLD does: in each folder the shared one before
// the archive; ":name" is a file name. Empty if there is none.
func (c *Command) library(name string, static bool) string {
	candidates := []string{"lib" + name + ".so", "lib" + name + ".a"}
	if file, ok := strings.CutPrefix(name, ":"); ok {
		candidates = []string{file}
	} else if static {
		candidates = candidates[1:]
	}
	for _, folder := range c.searchPaths() {
		for _, candidate := range candidates {
			if path := under(folder, candidate); exists(path) {
				return path
			}
		}
	}
	return ""
}

// searchPaths are the -L folders, wherever they stand; "=" at the beginning of
// one is the --sysroot.
func (c *Command) searchPaths() []string {
	sysroot, _ := c.Last("sysroot")
	folders := c.Values("library-path")
	for i, folder := range folders {
		if rest, ok := strings.CutPrefix(folder, "="); ok {
			folders[i] = under(sysroot, rest)
		}
	}
	return folders
}

// searched finds a file in the -L folders; empty if there is none.
func (c *Command) searched(name string) string {
	for _, folder := range c.searchPaths() {
		if path := under(folder, name); exists(path) {
			return path
		}
	}
	return ""
}

// included finds a linker script that another one INCLUDEs or -T names: in the
// working directory, or where -l libraries are. Empty if there is none.
func (c *Command) included(name string) string {
	if exists(name) {
		return c.opened(name)
	}
	return c.opened(c.searched(name))
}

// scriptInput finds a file that a linker script names. beside says that it was
// found in the script's folder.
func (c *Command) scriptInput(script, name string) (path string, beside bool) {
	path, where := c.scriptFile(script, name)
	return c.opened(path), where == besideScript
}

// place says how a file that a linker script names was found.
type place uint8

const (
	elsewhere    place = iota
	besideScript       // in the script's folder
	bySearch           // where -l libraries are
)

// scriptFile finds a file that a linker script names, as LLD 13 to 22 do: in the
// system root when absolute and the script lies there, else beside the script, in
// the working directory, or where -l libraries are.
func (c *Command) scriptFile(script, name string) (string, place) {
	if library, ok := strings.CutPrefix(name, "-l"); ok {
		return c.library(library, false), bySearch
	}
	sysroot, _ := c.Last("sysroot")
	if rest, ok := strings.CutPrefix(name, "="); ok {
		if sysroot == "" {
			return rest, elsewhere
		}
		return sysroot + "/" + rest, elsewhere
	}
	if strings.HasPrefix(name, "/") {
		if sysroot != "" && isBelow(script, sysroot) {
			return sysroot + name, elsewhere
		}
		return name, elsewhere
	}
	if slash := strings.LastIndexByte(script, '/'); slash >= 0 {
		if path := under(script[:max(slash, 1)], name); exists(path) {
			return path, besideScript
		}
	}
	if exists(name) {
		return name, elsewhere
	}
	return c.searched(name), bySearch
}

// isBelow says whether a file is below a folder by name, or is it, whatever the
// folder is called on the way.
func isBelow(file, folder string) bool {
	root, err := os.Stat(folder)
	if err != nil {
		return false
	}
	for file != "" {
		if info, err := os.Stat(file); err == nil && os.SameFile(info, root) {
			return true
		}
		parent := file[:strings.LastIndexByte(file, '/')+1]
		if parent == file {
			parent = ""
		}
		if file = strings.TrimRight(parent, "/"); file == "" && parent != "" {
			file = "/"
		}
	}
	return false
}

// under joins as LLD does, which resolves nothing and keeps a leading "./".
func under(folder, name string) string {
	switch {
	case strings.HasSuffix(folder, "/"):
		return folder + strings.TrimLeft(name, "/")
	case folder == "" || strings.HasPrefix(name, "/"):
		return folder + name
	}
	return folder + "/" + name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
