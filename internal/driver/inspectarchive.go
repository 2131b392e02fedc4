// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/object"
)

// archiveFacts are what is known of an archive.
type archiveFacts struct {
	Thin    bool          `json:"thin"` // its members are files elsewhere
	Members int           `json:"members"`
	Bitcode int           `json:"bitcode"` // members with bitcode in them
	ThinLTO int           `json:"thinlto"` // of these, those that a linker compiles as ThinLTO
	Native  int           `json:"native"`  // objects without
	Other   int           `json:"other"`
	Missing int           `json:"missing"` // files of a thin archive that cannot be read
	LLVM    []int         `json:"llvm"`    // major versions that made the bitcode
	List    []memberFacts `json:"list"`
	LeftOff int           `json:"left_off,omitzero"` // members that are not listed
}

// memberFacts are what is known of a member.
type memberFacts struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"` // of its header, as in LLD's names
	Size   int64  `json:"size"`
	Kind   string `json:"kind"` // as of files, or "missing"
	FatLTO bool   `json:"fat_lto,omitzero"`
	LTO    string `json:"lto,omitzero"`
	LLVM   int    `json:"llvm,omitzero"`
}

func (i *inspector) archive(found *inspection, s *source, kind object.Kind) {
	facts := &archiveFacts{Thin: kind == object.ThinArchive, LLVM: []int{}, List: []memberFacts{}}
	found.is("archive", "archive")
	if facts.Thin {
		found.is("thin-archive", "thin archive, whose members are files elsewhere")
	}
	found.Archive = facts
	versions := map[int]bool{}
	for m, err := range object.Members(s, s.size) {
		if err == nil && facts.Members == maxMembers {
			err = fmt.Errorf("only the first %d members were looked at", maxMembers)
		}
		if err != nil {
			found.Problem = err.Error()
			break
		}
		member := i.memberFacts(s, m)
		facts.add(member)
		if member.LLVM > 0 {
			versions[member.LLVM] = true
		}
	}
	facts.LLVM = append(facts.LLVM, slices.Sorted(maps.Keys(versions))...)
}

func (a *archiveFacts) add(m memberFacts) {
	a.Members++
	switch {
	case m.Kind == "bitcode", m.FatLTO:
		a.Bitcode++
	case m.Kind == "missing":
		a.Missing++
	case m.Kind == "unknown":
		a.Other++
	default:
		a.Native++
	}
	if m.LTO == "thin" {
		a.ThinLTO++
	}
	if len(a.List) < maxListed {
		a.List = append(a.List, m)
	} else {
		a.LeftOff++
	}
}

// memberFacts looks at a member.
func (i *inspector) memberFacts(archive *source, m object.Member) memberFacts {
	facts := memberFacts{Name: m.Name, Offset: m.HeaderOffset, Size: m.Size, Kind: "missing"}
	_ = i.withMember(archive, m, func(s *source) { i.look(&facts, s) })
	return facts
}

// withMember calls f with the contents of a member, which may be in a file of its own.
func (i *inspector) withMember(archive *source, m object.Member, f func(*source)) error {
	name := fmt.Sprintf("%s(%s at %d)", archive.path, m.Name, m.HeaderOffset)
	if !m.Thin {
		f(&source{io.NewSectionReader(archive, m.Offset, m.Size), archive.path, name, m.Size})
		return nil
	}
	path := object.ThinPath(archive.path, m)
	s, done, err := i.open(path)
	if err != nil {
		return err
	}
	defer done()
	f(s)
	return nil
}

// look tells no more of a member than a list has.
func (i *inspector) look(facts *memberFacts, s *source) {
	head, err := s.head(object.HeadSize)
	if err != nil {
		return
	}
	kind := object.Identify(head)
	facts.Kind = "unknown"
	switch name, native := otherKinds[kind]; {
	case native:
		facts.Kind = name
	case kind == object.ELF:
		facts.Kind = "elf"
		offset, length, ok, err := object.Section(s, s.size, ltoSection)
		if err == nil && ok {
			facts.FatLTO = true
			i.identify(facts, &source{io.NewSectionReader(s, offset, length), s.path, s.name, length})
		}
	case kind == object.Bitcode:
		facts.Kind = "bitcode"
		i.identify(facts, s)
	}
}

func (i *inspector) identify(m *memberFacts, s *source) {
	if s.size > maxBitcode {
		return
	}
	id, err := bitcode.IdentifyAt(s, s.size)
	if m.LLVM = id.LLVMMajor(); err != nil || len(id.Modules) == 0 {
		return
	}
	m.LTO = ltoNames[id.Modules[0].LTO]
	if id.ThinLTO() {
		m.LTO = "thin"
	}
}

// memberName reads "libx.a(m.o)" or "libx.a(m.o at 86)"; without an offset that is -1.
func memberName(name string) (archive, member string, offset int64, ok bool) {
	rest, ok := strings.CutSuffix(name, ")")
	at := strings.LastIndexByte(rest, '(')
	if !ok || at <= 0 || at == len(rest)-1 {
		return "", "", 0, false
	}
	archive, member, offset = rest[:at], rest[at+1:], -1
	if m, number, has := cutLast(member, " at "); has {
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			member, offset = m, n
		}
	}
	return archive, member, offset, true
}

func cutLast(s, by string) (before, after string, ok bool) {
	if at := strings.LastIndex(s, by); at >= 0 {
		return s[:at], s[at+len(by):], true
	}
	return s, "", false
}

// member looks at a member of an archive, the first of the name if the offset is -1.
func (i *inspector) member(archive, member string, offset int64) (found *inspection, err error) {
	name := fmt.Sprintf("%s(%s)", archive, member)
	if offset >= 0 {
		name = fmt.Sprintf("%s(%s at %d)", archive, member, offset)
	}
	err = i.inArchive(archive, member, offset, func(s *source) {
		found = &inspection{File: name, Size: s.size}
		i.contents(found, s)
	})
	if errors.Is(err, errNoMember) {
		err = &UsageError{fmt.Errorf("%s: %w (dtlto inspect ARCHIVE lists them)", plain(name), err)}
	}
	return found, err
}

// inArchive calls f with a member of an archive.
func (i *inspector) inArchive(archive, member string, offset int64, f func(*source)) error {
	s, done, err := i.open(archive)
	if err != nil {
		return err
	}
	defer done()
	n := 0
	for m, err := range object.Members(s, s.size) {
		if n++; err != nil || n > maxMembers {
			return errors.Join(errNoMember, err)
		}
		if m.Name == member && (offset < 0 || m.HeaderOffset == offset) {
			return i.withMember(s, m, f)
		}
	}
	return errNoMember
}

// withBitcode calls f with a module, by the name that it has in a link: a file's or a
// member's.
func (i *inspector) withBitcode(name string, f func(*source)) error {
	s, done, err := i.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if archive, member, offset, ok := memberName(name); ok {
			return i.inArchive(archive, member, offset, f)
		}
	}
	if err != nil {
		return err
	}
	defer done()
	f(s)
	return nil
}
