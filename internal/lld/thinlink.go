// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"path"
	"strings"
)

// ThinLink is where a thin link puts what it finds out.
type ThinLink struct {
	List     string // the file that gets the objects' names
	Prefix   string // goes before each module's id in names of files; it ends with "/up" for each level that ids may climb, and "/"
	Combined string // the object of what is regular LTO
}

// notInThinLink are options that a thin link must not see: what they make is the
// final link's.
var notInThinLink = map[string]bool{
	"Map": true, "print-map": true, "cref": true, "v": true, "verbose": true, "trace": true, "dependency-file": true,
	"print-gc-sections": true, "print-icf-sections": true, "print-memory-usage": true, "stats": true,
	"thinlto-index": true, "thinlto-prefix-replace": true, "thinlto-emit-imports-files": true, "lto-obj-path": true, // ours
}

// Words are the argv of the thin link: the user's, and what makes LLD write an index
// for each module and tell what it loads.
func (t *ThinLink) Words(c *Command) []string {
	words := c.Without(func(arg Arg) bool { return notInThinLink[arg.Name] || printsAmongTrace(arg) || !c.ForThinLink(arg) })
	return append(words, "--thinlto-index-only="+t.List, "--thinlto-emit-imports-files",
		"--thinlto-prefix-replace=;"+t.Prefix, "--lto-obj-path="+t.Combined, "--trace")
}

// printsAmongTrace says whether an option prints where we read what is loaded.
func printsAmongTrace(arg Arg) bool {
	return arg.Name == "trace-symbol" || (arg.Name == "why-extract" || arg.Name == "print-archive-stats") && arg.Value == "-"
}

// IDs are the ids of the modules whose objects' names are in a thin link's list.
func (t *ThinLink) IDs(list string) ([]string, error) {
	var ids []string
	seen := map[string]bool{}
	for line := range strings.Lines(list) {
		id, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), t.Prefix)
		switch {
		case !ok:
			return nil, &Inexact{line, "is in LLD's list of objects and not where it was told to put them"}
		case !IsASCII(id):
			return nil, &Untranslatable{id, notASCII}
		case Climbs(id) > t.room():
			return nil, &Inexact{id, "would have its index outside of the working folder"}
		case seen[path.Clean(id)]:
			return nil, &Inexact{id, "is there twice, under names that LLD gives one index"}
		}
		seen[path.Clean(id)] = true
		ids = append(ids, id)
	}
	return ids, nil
}

// room is how many levels an id may climb.
func (t *ThinLink) room() int {
	n := 0
	for rest := strings.TrimSuffix(t.Prefix, "/"); strings.HasSuffix(rest, "/up"); n++ {
		rest = strings.TrimSuffix(rest, "/up")
	}
	return n
}

// Climbs is how many levels above its beginning a relative path comes, at most. A
// Prefix with room for so many keeps what is put behind it from leaving it.
func Climbs(file string) int {
	depth, lowest := 0, 0
	for part := range strings.SplitSeq(file, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
			lowest = min(lowest, depth)
		default:
			depth++
		}
	}
	return -lowest
}

// DeepestClimb is that of all that the link may open.
func (c *Command) DeepestClimb() int {
	deepest := 0
	for _, folder := range c.searchPaths() {
		deepest = max(deepest, Climbs(folder))
	}
	for in, err := range c.Inputs() {
		if err == nil {
			deepest = max(deepest, Climbs(in.Path))
		}
	}
	return deepest
}
