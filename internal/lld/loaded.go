// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/object"
)

// LoadedKind says what a loaded file is to a link.
type LoadedKind uint8

// The kinds of loaded files. An object with a FatLTO section is what that is.
const (
	Native  LoadedKind = iota // an object, or data
	Shared                    // a shared library
	Module                    // bitcode with a ThinLTO module
	Regular                   // bitcode without
)

// Loaded is a file or a member of an archive that a thin link took.
type Loaded struct {
	Kind LoadedKind
	// Path is the file, or the archive, as LLD spells it.
	Path string
	// Member is the member of the archive, nil for a file.
	Member *object.Member
	// ID is a Module's name in index shards.
	ID string
	// Split says that a Module has a part for regular LTO.
	Split bool
	// Triple is what a Module is for.
	Triple string
	// File, Offset and Size are where the contents are; of a FatLTO object, the
	// bitcode.
	File         string
	Offset, Size int64
	// Input is how the command line names the file, nil if it does not: a member, or
	// what a dependent-library record led to.
	Input *Input

	minimized bool      // of a Module: there is no code in it
	hash      [5]uint32 // of a Module, 0 if it has none
}

// Name is the file as LLD prints it, less the offset of a member.
func (l *Loaded) Name() string {
	if l.Member == nil {
		return l.Path
	}
	return l.Path + "(" + l.Member.Name + ")"
}

// Inexact is why a link cannot be done in steps exactly.
type Inexact struct{ File, Why string }

func (e *Inexact) Error() string { return e.File + " " + e.Why }

// A Load is what a thin link loaded, and what it left.
type Load struct {
	// Loaded are in the order in which LLD took them.
	Loaded []Loaded
	// Inputs are the command line's, in order.
	Inputs []Input
	// Rests are what a backend's library calls may still need, in the order of the
	// inputs.
	Rests []Rest
	// Unused and Archives are only of a thin link for a build system (--thinlto-index=): the
	// bitcode files that were not taken, and the archives with bitcode.
	Unused   []Loaded
	Archives []BitcodeArchive

	command  *Command
	archives map[string]*archiveFile
	native   bool   // bitcode is not expected any more
	combined string // what FinalLink was told
}

// ReadLoad finds out what a thin link loaded. trace is what LLD printed for
// --trace, ids are its modules in its order. The error is an *Inexact or
// *Untranslatable if that cannot be told.
func (c *Command) ReadLoad(trace, ids []string) (*Load, error) {
	if c.Has("remap-inputs", "remap-inputs-file") {
		return nil, &Inexact{"--remap-inputs", "may mean files that have other names in steps"}
	}
	l := &Load{command: c, archives: map[string]*archiveFile{}, Loaded: make([]Loaded, 0, len(trace))}
	defer l.closeArchives()
	named, err := l.readInputs()
	if err != nil {
		return nil, err
	}
	for _, line := range trace {
		loaded, err := l.find(line, ids, named)
		if err != nil {
			return nil, err
		}
		if loaded.Kind == Module {
			if len(ids) == 0 || ids[0] != loaded.ID {
				return nil, &Inexact{loaded.Name(), "is not where LLD's list of modules has it"}
			}
			ids = ids[1:]
		}
		l.Loaded = append(l.Loaded, loaded)
	}
	if len(ids) > 0 {
		return nil, &Inexact{ids[0], "is not among the files that LLD says it loaded"}
	}
	if err := l.checkDependent(); err != nil {
		return nil, err
	}
	if err := l.readRests(named); err != nil {
		return nil, err
	}
	if _, ok := c.IndexMap(); ok {
		return l, l.readBitcodeArchives()
	}
	return l, nil
}

// readInputs reads the command line's inputs and returns their indexes by path, lazy ones
// last.
func (l *Load) readInputs() (named map[string][]int, err error) {
	named = map[string][]int{}
	for in, err := range l.command.Inputs() {
		if err != nil {
			return nil, err
		}
		if places := named[in.Path]; len(places) > 0 { // LLD before 19 does not trace data
			if other := &l.Inputs[places[0]]; other.Binary != in.Binary || other.JustSymbols != in.JustSymbols {
				return nil, &Inexact{in.Path, "is linked as two different things"}
			}
		}
		named[in.Path] = append(named[in.Path], len(l.Inputs))
		l.Inputs = append(l.Inputs, in)
	}
	for _, places := range named {
		slices.SortStableFunc(places, l.eagerFirst)
	}
	return named, nil
}

// eagerFirst orders inputs of one name: LLD loads all that are not lazy, and of the
// others what it needs.
func (l *Load) eagerFirst(a, b int) int {
	switch lazyA, lazyB := l.Inputs[a].Lazy, l.Inputs[b].Lazy; {
	case lazyA == lazyB:
		return 0
	case lazyA:
		return 1
	}
	return -1
}

// checkDependent makes sure that the files which the command line does not name are
// those of dependent-library records: LLD loads them last.
func (l *Load) checkDependent() error {
	var dependent *Loaded
	for i := range l.Loaded {
		switch loaded := &l.Loaded[i]; {
		case strings.HasPrefix(loaded.Path, "-") || strings.HasPrefix(loaded.Path, "@"):
			return &Inexact{loaded.Path, "has a name that is an option"}
		case loaded.Member != nil:
		case loaded.Input == nil:
			dependent = loaded
			if loaded.Kind == Shared && !hasOwnName(loaded.File) {
				return &Inexact{loaded.Path, "is a shared library without a name, which a dependent-library record names"}
			}
		case dependent != nil && !loaded.Input.Lazy:
			return &Inexact{dependent.Path, "is among the files that LLD says it loaded, and nothing that is known names it"}
		}
	}
	return nil
}

// hasOwnName says whether a shared library has a DT_SONAME.
func hasOwnName(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	names, err := f.DynString(elf.DT_SONAME)
	return err == nil && len(names) > 0
}

// find is the file or member that LLD calls line.
func (l *Load) find(line string, ids []string, named map[string][]int) (Loaded, error) {
	if places := named[line]; len(places) > 0 {
		named[line] = places[1:]
		loaded := Loaded{Path: line, File: line, Input: &l.Inputs[places[0]]}
		return loaded, l.look(&loaded)
	}
	archive, name, err := l.splitMember(line)
	if info, statErr := os.Stat(line); statErr == nil && info.Mode().IsRegular() {
		if archive != nil {
			return Loaded{}, &Inexact{line, "is a file, and could be a member of an archive"}
		}
		loaded := Loaded{Path: line, File: line}
		return loaded, l.look(&loaded)
	}
	if err != nil {
		return Loaded{}, err
	}
	whole := false
	for _, i := range named[archive.path] {
		whole = whole || l.Inputs[i].Whole
	}
	return l.choose(archive, name, whole, ids)
}

// splitMember is the archive and the member's name of a line "ARCHIVE(MEMBER)".
// Both may have parentheses in them.
func (l *Load) splitMember(line string) (found *archiveFile, name string, err error) {
	for i := range len(line) {
		if line[i] != '(' || !strings.HasSuffix(line, ")") {
			continue
		}
		archive := l.archive(line[:i])
		if archive == nil || len(archive.named[line[i+1:len(line)-1]]) == 0 {
			continue
		}
		if found != nil {
			return nil, "", &Inexact{line, "could be a member of two archives"}
		}
		found, name = archive, line[i+1:len(line)-1]
	}
	if found == nil {
		return nil, "", &Inexact{line, "is what LLD says it loaded, and no such file or member is known"}
	}
	return found, name, nil
}

// choose is the member that LLD means by a name which several may have.
func (l *Load) choose(a *archiveFile, name string, whole bool, ids []string) (Loaded, error) {
	var modules, others []Loaded
	for _, m := range a.named[name] {
		loaded, err := l.lookMember(a, m)
		switch {
		case err != nil:
			return Loaded{}, err
		case whole: // one after the other
			return a.take(loaded), nil
		case loaded.Kind != Module:
			others = append(others, loaded)
		case len(ids) > 0 && loaded.ID == ids[0]:
			modules = append(modules, loaded)
		}
	}
	switch {
	case len(modules) == 1 && len(others) == 0:
		return a.take(modules[0]), nil
	case len(modules) == 0 && len(others) == 1:
		return a.take(others[0]), nil
	}
	return Loaded{}, &Inexact{a.path + "(" + name + ")", "is one of several members of that name, and LLD does not say which it loaded"}
}

// look finds out what a file is.
func (l *Load) look(loaded *Loaded) error {
	f, err := os.Open(loaded.File)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if in := loaded.Input; in != nil && (in.Binary || in.JustSymbols) {
		return nil
	}
	loaded.Size = info.Size()
	loaded.ID, _ = l.command.whole(loaded.Path)
	if err := l.identify(f, loaded); err != nil {
		return err
	}
	return l.findWhole(loaded)
}

func (l *Load) lookMember(a *archiveFile, m *object.Member) (loaded Loaded, err error) {
	if loaded, ok := a.known[m.HeaderOffset]; ok {
		return loaded, nil
	}
	loaded = Loaded{Path: a.path, Member: m, File: a.path, Offset: m.Offset, Size: m.Size}
	if m.Thin {
		loaded.File = object.ThinPath(a.path, *m)
		err = l.look(&loaded)
	} else {
		err = l.identify(a.file, &loaded)
		if err == nil && loaded.minimized {
			err = &Inexact{loaded.Name(), "is minimized bitcode in an archive, and where the whole is nothing says"}
		}
	}
	if err != nil {
		return loaded, err
	}
	loaded.ID = ""
	if loaded.Kind == Module {
		name, _ := l.command.whole(m.Name)
		loaded.ID = fmt.Sprintf("%s(%s at %d)", a.path, path.Base(name), m.HeaderOffset)
	}
	a.known[m.HeaderOffset] = loaded
	return loaded, nil
}

// identify says what the contents are that a file has where loaded says.
func (l *Load) identify(f io.ReaderAt, loaded *Loaded) error {
	r := io.NewSectionReader(f, loaded.Offset, loaded.Size)
	kind, offset, size, err := bitcodeIn(r, loaded.Size, l.command.Enabled("fat-lto-objects"))
	if err != nil {
		return &Inexact{loaded.Name(), "cannot be read: " + err.Error()}
	}
	switch kind {
	case object.Bitcode:
	case object.ELF:
		if header := [18]byte{}; isShared(r, &header) {
			loaded.Kind = Shared
		}
		loaded.ID = ""
		return nil
	default:
		return &Inexact{loaded.Name(), "is no object that is known"}
	}
	identity, err := bitcode.IdentifyAt(io.NewSectionReader(r, offset, size), size)
	if err != nil {
		return &Inexact{loaded.Name(), "has bitcode that cannot be read: " + err.Error()}
	}
	loaded.Offset, loaded.Size = loaded.Offset+offset, size
	loaded.Kind = Regular
	if identity.ThinLTO() {
		module := identity.Modules[0]
		loaded.Kind, loaded.Split, loaded.Triple, loaded.hash = Module, len(identity.Modules) > 1, module.Triple, module.Hash
		loaded.minimized = identity.Minimized()
	} else {
		loaded.ID = ""
	}
	return nil
}

// bitcodeIn says what a file is, object.Bitcode if it has a FatLTO section and that
// counts, and where in it the bitcode is.
func bitcodeIn(r io.ReaderAt, size int64, fat bool) (kind object.Kind, offset, length int64, err error) {
	kind = kindOf(r)
	if kind == object.ELF && fat {
		offset, length, ok, err := object.Section(r, size, ".llvm.lto")
		if ok && err == nil {
			return object.Bitcode, offset, length, nil
		}
		return kind, 0, size, err
	}
	return kind, 0, size, nil
}

// isShared says whether an ELF file is a shared library, by its e_type.
func isShared(r io.ReaderAt, header *[18]byte) bool {
	if _, err := r.ReadAt(header[:], 0); err != nil {
		return false
	}
	low, high := header[16], header[17]
	if header[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		low, high = high, low
	}
	return elf.Type(low)|elf.Type(high)<<8 == elf.ET_DYN
}
