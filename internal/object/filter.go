// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// maxField is the largest size that a member's header has room for.
const maxField = 9_999_999_999

// errKind says that an archive is of BSD or COFF tools, in good order or not.
var errKind = errors.New("only archives as GNU tools write them can be filtered")

// A Source is what an archive is copied from, such as an open file.
type Source interface {
	io.ReaderAt
	io.ReadSeeker
}

// Filter writes to w the archive in the first size bytes of r with only those of
// its members that keep reports, in the same order and lazy in the same way: if
// r has a symbol table, so has the result, with these members' symbols. LLD 13
// and 14 extract what that table says, and LLD 13 refuses an archive without one.
//
// Contents are copied as they stand, by the kernel if r and w are files; r's
// position is lost. A thin archive gives a thin one, whose members are called
// what name returns for them each time. ThinPath of the archive's absolute path
// makes them good from any folder, but LLD shows these names and matches them in
// linker scripts. For other archives name is not called.
//
// The result is a function of r, keep and name. An archive with tables of BSD or
// COFF tools is an error, and so is a symbol table that does not fit its archive.
// After an error w has any part of the result.
func Filter(w io.Writer, r Source, size int64, keep func(Member) bool, name func(Member) string) error {
	f := filter{archive: archive{r: r, size: size}, source: r, name: name}
	if err := f.scan(keep); err != nil {
		return err
	}
	if err := f.choose(); err != nil {
		return err
	}
	if err := f.place(); err != nil {
		return err
	}
	return f.write(w)
}

// A filter is the state of a Filter.
type filter struct {
	archive
	source Source
	name   func(Member) string

	symbolTable, nameTable Member  // no name: there is none
	entries                []entry // the members, all of them
	symbols                symbolList
	nameSize               int64 // of a thin result's table of names
}

// An entry is a member of the archive.
type entry struct {
	Member
	end    int64 // behind its contents and padding
	kept   bool
	to     int64 // where its header is in the result
	nameAt int64 // thin: where its name is in the result's table
}

// scan walks the archive.
func (f *filter) scan(keep func(Member) bool) error {
	err := f.open()
	for err == nil && f.next < f.size {
		var m Member
		var ok bool
		m, ok, err = f.member()
		switch {
		case err != nil:
		case ok:
			err = f.add(m, keep(m))
		default:
			err = f.addTable(m)
		}
	}
	return err
}

func (f *filter) add(m Member, keep bool) error {
	if !m.Thin && m.Offset != m.HeaderOffset+headerSize { // the name is in the contents
		return fmt.Errorf("member %.100q at offset %d: %w", m.Name, m.HeaderOffset, errKind)
	}
	e := entry{Member: m, end: min(f.next, f.size), kept: keep, nameAt: f.nameSize}
	if keep && m.Thin {
		name := f.name(m)
		if err := checkName(name); err != nil {
			return err
		}
		f.nameSize += int64(len(name + nameEnd))
	}
	f.entries = append(f.entries, e)
	return nil
}

// addTable takes GNU's tables where GNU's tools write them: symbols first, then
// names, then members. COFF has a second table of symbols.
func (f *filter) addTable(m Member) error {
	switch {
	case (m.Name == symbols32 || m.Name == symbols64) && m.HeaderOffset == int64(len(archiveMagic)):
		f.symbolTable = m
	case m.Name == "//" && f.nameTable.Name == "" && len(f.entries) == 0:
		f.nameTable = m
	default:
		return fmt.Errorf("table %s at offset %d: %w", m.Name, m.HeaderOffset, errKind)
	}
	return nil
}

// choose takes the symbols of the kept members from the symbol table.
func (f *filter) choose() error {
	if f.symbolTable.Name == "" {
		return nil
	}
	t := symbolTable{at: f.symbolTable.HeaderOffset, wide: f.symbolTable.Name == symbols64, b: make([]byte, f.symbolTable.Size)}
	if err := readAt(f.r, t.b, f.symbolTable.Offset); err != nil {
		return err
	}
	f.symbols.wide = t.wide
	return t.each(func(i int, offset uint64, name []byte) error {
		owner, ok := slices.BinarySearchFunc(f.entries, offset, func(e entry, offset uint64) int {
			return cmp.Compare(uint64(e.HeaderOffset), offset)
		})
		if !ok {
			return malformed(t.at, "symbol %d is of a member at %d, where there is none", i, offset)
		}
		if f.entries[owner].kept {
			f.symbols.owner = append(f.symbols.owner, owner)
			f.symbols.names = append(f.symbols.names, name...)
		}
		return nil
	})
}

// place finds where the kept members are in the result.
func (f *filter) place() error {
	to := int64(len(archiveMagic))
	if f.symbolTable.Name != "" {
		to += headerSize + f.symbols.size()
	}
	switch {
	case f.nameSize > 0:
		f.nameSize += f.nameSize & 1
		to += headerSize + f.nameSize
	case !f.thin && f.nameTable.Name != "":
		to += headerSize + f.nameTable.Size + f.nameTable.Size&1
	}
	for i := range f.entries {
		if e := &f.entries[i]; e.kept {
			e.to = to
			to += e.copied()
		}
	}
	if f.nameSize > maxField {
		return fmt.Errorf("table of names: %d bytes are too many for an archive", f.nameSize)
	}
	if to > math.MaxUint32 && f.symbolTable.Name == symbols32 { // long names for a thin archive's
		return fmt.Errorf("symbol table of 32 bits: too small for an archive of %d bytes", to)
	}
	return nil
}

// copied is how long e is in the result.
func (e *entry) copied() int64 {
	if e.Thin {
		return headerSize
	}
	return e.end - e.HeaderOffset
}

func (f *filter) write(w io.Writer) error {
	b := bufio.NewWriter(w)
	magic := archiveMagic
	if f.thin {
		magic = thinArchiveMagic
	}
	_, _ = b.WriteString(magic)
	if f.symbolTable.Name != "" {
		_, _ = b.Write(memberHeader(f.symbolTable.Name, f.symbols.size()))
		_, _ = b.Write(f.symbols.contents(func(i int) int64 { return f.entries[i].to }))
	}
	if f.nameSize > 0 {
		f.writeThin(b)
	}
	if err := b.Flush(); err != nil || f.thin {
		return err
	}
	return f.copy(w)
}

// writeThin writes names and headers; b keeps the error.
func (f *filter) writeThin(b *bufio.Writer) {
	_, _ = b.Write(memberHeader("//", f.nameSize))
	n := int64(0)
	for _, e := range f.entries {
		if e.kept {
			name := f.name(e.Member) + nameEnd
			_, _ = b.WriteString(name)
			n += int64(len(name))
		}
	}
	if n < f.nameSize {
		_ = b.WriteByte('\n')
	}
	for _, e := range f.entries {
		if e.kept {
			_, _ = b.Write(memberHeader(longField(e.nameAt), e.Size))
		}
	}
}

// copy copies a regular archive's table of names and members, headers and all:
// the names stay where the headers look for them. What is in one piece in the
// archive is copied in one piece.
func (f *filter) copy(w io.Writer) error {
	var from, to int64
	if t := f.nameTable; t.Name != "" {
		from, to = t.HeaderOffset, min(t.Offset+t.Size+t.Size&1, f.size)
	}
	for _, e := range f.entries {
		if !e.kept {
			continue
		}
		if e.HeaderOffset != to {
			if err := f.copyRange(w, from, to); err != nil {
				return err
			}
			from = e.HeaderOffset
		}
		to = e.end
	}
	return f.copyRange(w, from, to)
}

func (f *filter) copyRange(w io.Writer, from, to int64) error {
	if _, err := f.source.Seek(from, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(w, f.source, to-from)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
