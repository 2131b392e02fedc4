// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"errors"
	"fmt"
	"strings"
)

// mapVersion is the version of dtlto's record in the maps that WriteTo writes.
const mapVersion = 1

// A Map says which file takes the place of which input of a link, as ld.lld 17 and newer
// read it from --remap-inputs-file=. A thin link of dtlto writes one with a record of its
// own in lines that are comments to LLD: the backend compiles to be done and what LLD loaded.
type Map struct {
	Version int      // of dtlto's record; 0 if the file is a plain one that has only entries
	LLVM    int      // major version of the LLD that did the thin link
	Options []string // of the thin link: those that the final link must have in common with it
	Entries []MapEntry
	Jobs    []MapJob
	Load    []MapLoad // what the thin link loaded, in its order
	Add     []string  // objects that the thin link made of what is not ThinLTO
}

// A MapEntry puts the file To in the place of the input From.
type MapEntry struct {
	From string // a name as the command line spells it
	To   string
	Glob bool // From is an LLVM glob pattern that may match several names, written as it stands
}

// A MapJob is a backend compile by its files, as the compiler is to be given them.
type MapJob struct {
	Module  string
	Index   string
	Object  string
	Digest  string   // of the index
	Imports []string // modules
	Unused  bool     // the link does not extract the module: its index says to skip it
}

// A MapLoad is a file that the thin link loaded, or a member of an archive.
type MapLoad struct {
	File    string
	Member  string // "" if File is not an archive
	Offset  int64  // of the member's header in File; 0 if the name says enough
	Unnamed bool   // the command line does not name File: it is another file's dependency
}

// Pattern is the entry's left side as it stands in the file.
func (e MapEntry) Pattern() string {
	if e.Glob {
		return e.From
	}
	return escapeGlob(e.From)
}

// size is what stands in the last line of the record, by which a map that was cut is known.
func (m *Map) size() int64 { return int64(1 + len(m.Entries) + len(m.Jobs) + len(m.Load) + len(m.Add)) }

// wildcards are the characters that make LLD take a left side for a pattern. Without one
// it is a name, in which a backslash and everything else stands for itself.
const wildcards = "?*["

// escapeGlob returns what LLD takes for exactly this name: the name itself, or a pattern in
// which what has a meaning is a class of one character. '{' has none in LLD's patterns up
// to version 22, but has in LLVM's.
func escapeGlob(name string) string {
	special := wildcards + `\{`
	first := name != "" && (name[0] == '#' || strings.IndexByte(trimmed, name[0]) >= 0)
	if !first && !strings.ContainsAny(name, wildcards) {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; i == 0 && first || strings.IndexByte(special, c) >= 0 {
			b.Write([]byte{'[', c, ']'})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescapeGlob returns the name that escapeGlob made pattern of. Another pattern is not ok,
// even one that can match only one name: LLD looks for names before it tries patterns in
// their order, so that a pattern which becomes a name could win where it did not.
func unescapeGlob(pattern string) (name string, ok bool) {
	if !strings.ContainsAny(pattern, wildcards) {
		return pattern, true
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '[' && i+2 < len(pattern) && pattern[i+2] == ']' {
			i++
			b.WriteByte(pattern[i])
			i++
		} else {
			b.WriteByte(pattern[i])
		}
	}
	name = b.String()
	return name, escapeGlob(name) == pattern
}

var (
	errNotEntry  = errors.New("not 'from-glob=to-file'")
	errEmptyName = errors.New("an empty name")
)

// check says why the entry cannot be a line of a map.
func (e MapEntry) check() error {
	switch {
	case e.From == "" || e.To == "":
		return fmt.Errorf("map entry %q=%q: %w", cut(e.From), cut(e.To), errEmptyName)
	case strings.ContainsAny(e.From, "=\n\x00"):
		return fmt.Errorf("%s: a map cannot have this name: it has %s", shown(e.From), unfit(e.From))
	case strings.ContainsAny(e.To, "=\n\x00"):
		return fmt.Errorf("%s: a map cannot have this name: it has %s", shown(e.To), unfit(e.To))
	case strings.IndexByte(trimmed, e.To[len(e.To)-1]) >= 0:
		return fmt.Errorf("%q: a map cannot have this name: it ends in white space", cut(e.To))
	case e.Glob && (e.From[0] == '#' || strings.IndexByte(trimmed, e.From[0]) >= 0):
		return fmt.Errorf("%q: a map cannot have this pattern: it begins with %q", cut(e.From), e.From[0])
	}
	return nil
}

// unfit names the first of the characters that no line of a map can have.
func unfit(name string) string {
	switch name[strings.IndexAny(name, "=\n\x00")] {
	case '=':
		return "a '='"
	case '\n':
		return "a line end"
	}
	return "a NUL byte"
}
