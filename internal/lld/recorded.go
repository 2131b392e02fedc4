// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"path"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/object"
)

// Recorded is what a thin link loaded, as another link finds it again in whose inputs
// objects have taken the place of bitcode.
type Recorded struct {
	File    string // or the archive, as the link spells it
	Member  string // its name in the archive, empty for a file
	Offset  int64  // of the member's header; 0 if there is only one of that name
	Unnamed bool   // the command line does not name the file, or the archive
}

// Recall is ReadLoad for a link without bitcode, from what was recorded of a thin link. The
// error is an *Inexact if the two are not of the same inputs.
func (c *Command) Recall(records []Recorded) (*Load, error) {
	l := &Load{command: c, archives: map[string]*archiveFile{}, Loaded: make([]Loaded, 0, len(records)), native: true}
	defer l.closeArchives()
	named, err := l.readInputs()
	if err == nil {
		err = c.findLibraries()
	}
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if strings.HasPrefix(r.File, "-") || strings.HasPrefix(r.File, "@") {
			return nil, &Inexact{r.File, "has a name that is an option"}
		}
		loaded, err := l.recall(r, named)
		if err != nil {
			return nil, err
		}
		if loaded.Kind == Module || loaded.Kind == Regular {
			return nil, &Inexact{loaded.Name(), "is bitcode, and not an object"}
		}
		l.Loaded = append(l.Loaded, loaded)
	}
	return l, l.readRests(named)
}

// MemberNames says how many members of an archive that the link opened have each name.
func (l *Load) MemberNames(archive string) map[string]int {
	names := map[string]int{}
	if a := l.archives[archive]; a != nil {
		for i := range a.all {
			names[a.all[i].Name]++
		}
	}
	return names
}

// Excludes says whether --exclude-libs names an archive.
func (c *Command) Excludes(archive string) bool {
	for _, value := range c.Values("exclude-libs") {
		for name := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == ':' }) {
			if name == "ALL" || name == path.Base(archive) {
				return true
			}
		}
	}
	return false
}

func (l *Load) recall(r Recorded, named map[string][]int) (Loaded, error) {
	if r.Member != "" {
		if _, ok := named[r.File]; !r.Unnamed && !ok {
			return Loaded{}, notNamed(r.File)
		}
		return l.recallMember(r)
	}
	loaded := Loaded{Path: r.File, File: r.File}
	if !r.Unnamed {
		places := named[r.File]
		if len(places) == 0 {
			return loaded, notNamed(r.File)
		}
		named[r.File] = places[1:]
		loaded.Input = &l.Inputs[places[0]]
	}
	return loaded, l.look(&loaded)
}

// NotNamed is why a link is not the one of a record: the Inexact's file, or what has its
// place, is not an input.
const NotNamed = "was loaded by the thin link, and this command line does not name it, or by another name"

func notNamed(file string) error { return &Inexact{file, NotNamed} }

// findLibraries makes sure that all -l libraries are somewhere: LLD is not shown them again.
func (c *Command) findLibraries() error {
	var state stateReader
	for _, arg := range c.Args {
		if state.read(arg) || arg.Name != "library" {
			continue
		}
		if c.library(arg.Value, state.Static) == "" {
			return &Inexact{"-l" + arg.Value, "is a library that is in none of the -L folders"}
		}
	}
	return nil
}

func (l *Load) recallMember(r Recorded) (Loaded, error) {
	a := l.archive(r.File)
	if a == nil {
		return Loaded{}, &Inexact{r.File, "is an archive that cannot be read"}
	}
	left := a.named[r.Member]
	i := slices.IndexFunc(left, func(m *object.Member) bool { return r.Offset == 0 || m.HeaderOffset == r.Offset })
	if i < 0 {
		return Loaded{}, &Inexact{r.File + "(" + r.Member + ")", "was loaded by the thin link, and is not there now"}
	}
	loaded, err := l.lookMember(a, left[i])
	if err != nil {
		return loaded, err
	}
	return a.take(loaded), nil
}
