// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"iter"
	"os"
	"path/filepath"
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
			path := arg.Value
			if arg.Name != "script" && arg.Name != "default-script" {
				in, ok := c.input(arg, state.State)
				if !ok || in.JustSymbols {
					continue
				}
				path = in.Path
			}
			if !yield(path) {
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

// searchPaths are the -L folders, wherever they stand; "=" or "$SYSROOT" at
// the beginning of one is the --sysroot.
func (c *Command) searchPaths() []string {
	sysroot, _ := c.Last("sysroot")
	folders := c.Values("library-path")
	for i, folder := range folders {
		if rest, ok := strings.CutPrefix(folder, "="); ok {
			folders[i] = sysroot + rest
		} else if rest, ok := strings.CutPrefix(folder, "$SYSROOT"); ok {
			folders[i] = sysroot + rest
		}
	}
	return folders
}

// included finds a file that a linker script INCLUDEs: in the working
// directory, or where -l libraries are.
func (c *Command) included(name string) string {
	if exists(name) {
		return name
	}
	for _, folder := range c.searchPaths() {
		if path := under(folder, name); exists(path) {
			return path
		}
	}
	return ""
}

// scriptInput finds a file that a linker script names, as LLD does: in the
// system root when absolute, else beside the script, in the working directory,
// or where -l libraries are. beside says that it was found in the first way.
func (c *Command) scriptInput(script, name string) (path string, beside bool) {
	if library, ok := strings.CutPrefix(name, "-l"); ok {
		return c.library(library, false), false
	}
	sysroot, _ := c.Last("sysroot")
	if rest, ok := strings.CutPrefix(name, "="); ok {
		return sysroot + rest, false
	}
	if filepath.IsAbs(name) {
		if path := sysroot + name; exists(path) {
			return path, false
		}
		return name, false
	}
	if strings.ContainsRune(script, '/') {
		if path := filepath.Join(filepath.Dir(script), name); exists(path) {
			return path, true
		}
	}
	if exists(name) {
		return name, false
	}
	for _, folder := range c.searchPaths() {
		if path := under(folder, name); exists(path) {
			return path, false
		}
	}
	return "", false
}

// under joins as LLD does, which keeps a leading "./".
func under(folder, name string) string { return strings.TrimSuffix(folder, "/") + "/" + name }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
