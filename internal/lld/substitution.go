// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"path"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/object"
)

// members is the words for a run of members of one archive.
func (f *FinalLink) members(run []Loaded) ([]string, error) {
	archive := f.load.archives[run[0].Path]
	if f.isAll(archive, run) {
		return []string{"--whole-archive", archive.path, "--no-whole-archive"}, nil
	}
	s := &substitution{link: f, archive: archive.path}
	for i := range run {
		l := &run[i]
		if (l.Kind == Regular || l.Split) && f.command.Excludes(archive.path) {
			return nil, &Inexact{l.Name(), "is regular LTO in an archive that --exclude-libs means"}
		}
		if l.Kind == Regular {
			continue
		}
		if err := s.add(l); err != nil {
			return nil, err
		}
	}
	s.end()
	if len(s.words) == 0 {
		return nil, nil
	}
	return slices.Concat([]string{"--whole-archive"}, s.words, []string{"--no-whole-archive"}), nil
}

// A substitution makes thin archives for a run of members of an archive, more than one
// if names come again.
type substitution struct {
	link    *FinalLink
	archive string
	words   []string
	to      *folder // of the archive that is being made
	members []string
}

func (s *substitution) add(l *Loaded) error {
	prefix, base := path.Split(s.archive)
	name := path.Base(l.Member.Name)
	switch {
	case name == base:
		return &Inexact{l.Name(), "has its archive's name"}
	case !IsFileName(name):
		return &Inexact{l.Name(), "has a name that no file can have"}
	}
	if s.to == nil || s.to.used[name] {
		s.end()
		s.to = s.link.folderFor(prefix, base, name)
	}
	s.to.used[name] = true
	if name != l.Member.Name {
		s.to.shown[base+"("+name+")"] = base + "(" + l.Member.Name + ")"
	}
	s.members = append(s.members, name)
	s.link.place(l, path.Join(s.to.path, name))
	return nil
}

// IsFileName says whether a file can have the last part of a member's name.
func IsFileName(name string) bool {
	const longest = 255 // bytes
	return name != "." && name != ".." && name != "/" && len(name) <= longest && !strings.ContainsAny(name, "\x00\n")
}

func (s *substitution) end() {
	if len(s.members) > 0 {
		substitute := Substitute{path.Join(s.to.path, path.Base(s.archive)), s.members}
		s.link.Archives = append(s.link.Archives, substitute)
		s.words = append(s.words, substitute.Path)
	}
	s.to, s.members = nil, nil
}

// place has a member put at a path: as an object that is still to be made, or a copy.
func (f *FinalLink) place(l *Loaded, to string) {
	switch {
	case l.Kind == Module:
		f.Objects = append(f.Objects, to)
	case l.Member.Thin:
		f.Copies = append(f.Copies, Copy{To: to, From: l.File, Size: -1})
	default:
		f.Copies = append(f.Copies, Copy{to, l.File, l.Offset, l.Size})
	}
}

// isAll says whether a run is an archive without bitcode from its beginning to its
// end. Members of one in the place of the user's must have their names, not those of files
// in folders: linker scripts choose members by name.
func (f *FinalLink) isAll(a *archiveFile, run []Loaded) bool {
	mapped := f.isMapped(a.path)
	return len(run) == len(a.all) && slices.EqualFunc(run, a.all, func(l Loaded, m object.Member) bool {
		return l.Kind == Native && l.Member.HeaderOffset == m.HeaderOffset && (!mapped || !strings.Contains(m.Name, "/"))
	})
}

// isMapped says whether a file is in the place of an input.
func (f *FinalLink) isMapped(file string) bool {
	if remap := f.command.remapped; f.mapped == nil && remap != nil {
		f.mapped = map[string]bool{}
		for _, to := range remap.names {
			f.mapped[to] = true
		}
		for _, pattern := range remap.patterns {
			f.mapped[pattern.to] = true
		}
	}
	return f.mapped[file]
}
