// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/object"
)

// archiveFile is an archive of a link, and which of its members are loaded.
type archiveFile struct {
	path  string
	file  *os.File
	all   []object.Member
	named map[string][]*object.Member // those that are not taken yet
	taken map[int64]bool              // by HeaderOffset
	known map[int64]Loaded            // what members are that were looked at, likewise
}

func (a *archiveFile) take(l Loaded) Loaded {
	a.taken[l.Member.HeaderOffset] = true
	name := l.Member.Name
	a.named[name] = slices.DeleteFunc(a.named[name], func(m *object.Member) bool { return m == l.Member })
	return l
}

// archive opens an archive, once; nil for what is none, or one that is broken: then
// LLD has said so.
func (l *Load) archive(path string) *archiveFile {
	if a, ok := l.archives[path]; ok {
		return a
	}
	a := openArchive(path)
	l.archives[path] = a
	return a
}

func openArchive(path string) *archiveFile {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	a := &archiveFile{path: path, file: f, named: map[string][]*object.Member{}, taken: map[int64]bool{}, known: map[int64]Loaded{}}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || !a.read(info.Size()) {
		_ = f.Close()
		return nil
	}
	return a
}

func (a *archiveFile) read(size int64) bool {
	switch kindOf(a.file) {
	case object.Archive, object.ThinArchive:
	default:
		return false
	}
	for m, err := range object.Members(a.file, size) {
		if err != nil {
			return false
		}
		a.all = append(a.all, m)
	}
	for i := range a.all {
		m := &a.all[i]
		a.named[m.Name] = append(a.named[m.Name], m)
	}
	return true
}

// hasSymbolTable says whether an archive begins with one.
func (a *archiveFile) hasSymbolTable() bool {
	var name [16]byte // of the first member, behind the magic
	_, err := a.file.ReadAt(name[:], 8)
	table := strings.TrimRight(string(name[:]), " ")
	return err == nil && (table == "/" || table == "/SYM64/")
}

func (l *Load) closeArchives() {
	for _, a := range l.archives {
		if a != nil {
			_ = a.file.Close()
		}
	}
}

// A Rest is native code that the thin link did not load: an archive, or an object
// between --start-lib and --end-lib.
type Rest struct {
	Path string
	// Mixed says that an archive has bitcode, too: it must not come as it is.
	Mixed bool
	keep  map[int64]bool // members by HeaderOffset; nil for an object
	files []string       // instead of a thin archive without a symbol table, which LLD 13 refuses
}

// readRests finds what is left of the inputs. named are the inputs that were not found
// in the trace, by path, lazy ones last.
func (l *Load) readRests(named map[string][]int) error {
	loaded := map[string]bool{} // by an input of that name
	for i := range l.Loaded {
		if in := l.Loaded[i].Input; in != nil {
			loaded[in.Path] = true
		}
	}
	seen := map[string]bool{}
	for i := range l.Inputs {
		path := l.Inputs[i].Path
		if seen[path] || len(named[path]) == 0 {
			continue
		}
		seen[path] = true
		in := &l.Inputs[named[path][0]]
		if in.Binary || in.JustSymbols || in.Script || in.Lazy && loaded[path] {
			continue // the link has of the file what it needs
		}
		rest, err := l.restOf(in)
		if err != nil {
			return err
		}
		if rest != nil {
			l.Rests = append(l.Rests, *rest)
		}
	}
	return nil
}

// restOf is what is left of an input that the trace does not have; nil if that is
// nothing.
func (l *Load) restOf(in *Input) (*Rest, error) {
	if l.archive(in.Path) != nil {
		if in.Whole {
			return nil, nil
		}
		return l.rest(in.Path)
	}
	loaded := Loaded{Path: in.Path, File: in.Path, Input: in}
	if err := l.look(&loaded); err != nil {
		return nil, err
	}
	switch {
	case loaded.Kind == Module || loaded.Kind == Regular:
		return nil, l.leave(loaded)
	case loaded.Kind == Native && in.Lazy:
		return &Rest{Path: in.Path}, nil
	}
	return nil, &Inexact{in.Path, "is not among the files that the thin link loaded, or is there once more"}
}

// leave notes bitcode that the link has no use for.
func (l *Load) leave(loaded Loaded) error {
	if l.native {
		return &Inexact{loaded.Name(), "is bitcode that the thin link did not have"}
	}
	if _, ok := l.command.IndexMap(); ok {
		l.Unused = append(l.Unused, loaded)
	}
	return nil
}

// Keep says whether a member belongs to the rest.
func (r *Rest) Keep(m object.Member) bool { return r.keep[m.HeaderOffset] }

// archiveHeader is the length of a member's header. Only BSD's format has something, the
// name, between it and the contents.
const archiveHeader = 60

// rest is what is left of an archive; nil if that is nothing.
func (l *Load) rest(path string) (*Rest, error) {
	a := l.archive(path)
	if a == nil {
		return nil, &Inexact{path, "is an archive that cannot be read"}
	}
	r := &Rest{Path: path, keep: map[int64]bool{}}
	foreign, indexed := false, a.hasSymbolTable()
	for _, m := range a.all {
		foreign = foreign || !m.Thin && m.Offset != m.HeaderOffset+archiveHeader
		native, err := l.isNative(a, m)
		if err != nil {
			return nil, err
		}
		r.Mixed = r.Mixed || !native
		switch {
		case a.taken[m.HeaderOffset]:
		case native:
			r.keep[m.HeaderOffset] = true
			if m.Thin && !indexed {
				r.files = append(r.files, object.ThinPath(path, m))
			}
		case l.native:
			return nil, &Inexact{path + "(" + m.Name + ")", "is bitcode that the thin link did not have"}
		}
	}
	switch {
	case len(r.keep) == 0:
		return nil, nil
	case r.Mixed && foreign:
		return nil, &Inexact{path, "is an archive of bitcode and other objects in BSD's format"}
	}
	return r, nil
}

// isNative says whether a member is not bitcode.
func (l *Load) isNative(a *archiveFile, m object.Member) (bool, error) {
	fat := l.command.Enabled("fat-lto-objects")
	var r io.ReaderAt = io.NewSectionReader(a.file, m.Offset, m.Size)
	size := m.Size
	if m.Thin {
		f, err := os.Open(object.ThinPath(a.path, m))
		if err != nil {
			return true, nil //nolint:nilerr // LLD says so, if it wants the member
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return false, err
		}
		r, size = f, info.Size()
	}
	kind, _, _, err := bitcodeIn(r, size, fat)
	return err != nil || kind != object.Bitcode, nil //nolint:nilerr // likewise
}
