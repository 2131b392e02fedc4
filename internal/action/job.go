// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/internal/cas"
)

// IndexName is the name of a job's summary index shard in its action.
const IndexName = "index.thinlto.bc"

// compilerName stands for the compiler in every action.
const compilerName = "clang"

// Source is a job as it is before its names are replaced, with what its files
// have in them.
type Source struct {
	Common    []string // what all jobs' commands begin with, the compiler first
	Args      []string // the rest of the command, with the job's paths
	Outputs   []string // paths in Args, the object first
	Index     string   // path in Args
	Shard     cas.Digest
	Modules   []File            // the job's own first, then those it imports from
	Names     map[string]string // of the modules: see Names
	Extra     []File            // other files that the command reads, as paths in Args
	Env       []string
	Toolchain string
}

// File is a file by its path outside of the action.
type File struct {
	Path   string
	Digest cas.Digest
}

// Of makes the action of a job: every path in the command replaced by a name
// in the action's folder, exactly or behind an '='. In what all jobs have in
// common only extra files are: a module may be called as some option's value is.
func Of(s *Source) *Action {
	a := &Action{Env: s.Env, Toolchain: s.Toolchain}
	names, extra := map[string]string{s.Index: IndexName}, map[string]string{}
	a.Inputs = append(a.Inputs, Input{IndexName, s.Shard})
	for _, m := range s.Modules {
		names[m.Path] = s.Names[m.Path]
		a.Inputs = append(a.Inputs, Input{s.Names[m.Path], m.Digest})
	}
	for i, f := range s.Extra {
		name := ExtraName(i, f.Path)
		names[f.Path], extra[f.Path] = name, name
		a.Inputs = append(a.Inputs, Input{name, f.Digest})
	}
	for i, output := range s.Outputs {
		name := "output" + strconv.Itoa(i) + filepath.Ext(output)
		names[output] = name
		a.Outputs = append(a.Outputs, name)
	}
	slices.SortFunc(a.Inputs, func(x, y Input) int { return cmp.Compare(x.Name, y.Name) })
	a.Args = slices.Concat([]string{compilerName}, Replace(s.Common[1:], extra), Replace(s.Args, names))
	return a
}

// ExtraName is the name of the i-th of an action's extra files. It keeps the ending
// of the path, by which Clang may go.
func ExtraName(i int, path string) string { return "input" + strconv.Itoa(i) + filepath.Ext(path) }

// Replace gives each argument that is a path in names, or ends in '=' and one,
// its name.
func Replace(args []string, names map[string]string) []string {
	replaced := make([]string, len(args))
	for i, arg := range args {
		replaced[i] = arg
		if name, ok := names[arg]; ok {
			replaced[i] = name
			continue
		}
		if !strings.HasPrefix(arg, "-") {
			continue
		}
		for k := range len(arg) {
			if name, ok := names[arg[k+1:]]; ok && arg[k] == '=' {
				replaced[i] = arg[:k+1] + name
				break
			}
		}
	}
	return replaced
}
