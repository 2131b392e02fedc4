// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"
)

// chunkSize is how much of a table is read at a time, in bytes.
const chunkSize = 64 << 10

// Numbers of the ELF format.
const (
	elfHeader32   = 52 // bytes
	elfHeader64   = 64
	secHeader32   = 40
	secHeader64   = 64
	secNoBits     = 8      // sh_type of a section without contents
	secExtended   = 0xffff // e_shstrndx: the number is in section 0
	secNull       = 0      // e_shstrndx: no names
	secCompressed = 0x800  // sh_flags: SHF_COMPRESSED
	elfMagicSize  = len("\x7fELF") + 2
)

// Section finds the first section called name in the ELF file in the first size
// bytes of r, and returns where its contents are. ok is false if there is none.
// Contents that can not be used as they stand (compressed, or of a section that
// has none in the file) are an error, as is a malformed file.
//
// It reads the table of section names, and the section headers only if the name
// is in it, a piece at a time.
func Section(r io.ReaderAt, size int64, name string) (offset, length int64, ok bool, err error) {
	f, err := openELF(r, size)
	if err != nil || f.count == 0 || f.names == secNull {
		return 0, 0, false, err
	}
	names, err := f.section(f.names)
	if err != nil {
		return 0, 0, false, err
	}
	found, err := f.find(names, name)
	if err != nil || len(found) == 0 {
		return 0, 0, false, err
	}
	s, ok, err := f.named(found)
	if err != nil || !ok {
		return 0, 0, false, err
	}
	if err := s.usable(name); err != nil {
		return 0, 0, false, err
	}
	if err := f.inside(s); err != nil {
		return 0, 0, false, err
	}
	return s.offset, s.size, true, nil
}

// An elfFile is what the ELF header says of the sections.
type elfFile struct {
	r        io.ReaderAt
	size     int64
	order    binary.ByteOrder
	wide     bool  // 64-bit
	sections int64 // where the section headers are
	count    int64 // how many
	names    int64 // which one is the table of their names
}

// A section is what is used of a section header.
type section struct {
	at           int64 // of the header
	name         uint32
	kind, link   uint32
	flags        uint64
	offset, size int64
}

func openELF(r io.ReaderAt, size int64) (*elfFile, error) {
	var h [elfHeader64]byte
	head := h[:max(0, min(size, elfHeader64))]
	if err := readAt(r, head, 0); err != nil {
		return nil, err
	}
	f := &elfFile{r: r, size: size}
	if Identify(head) != ELF || len(head) < elfMagicSize || !f.ident(head[4], head[5]) {
		return nil, malformed(0, "not an ELF file")
	}
	if size < elfHeader32 || f.wide && size < elfHeader64 {
		return nil, malformed(0, "ELF file ends inside of its header")
	}
	return f, f.header(head)
}

// ident takes the class and the byte order.
func (f *elfFile) ident(class, data byte) bool {
	f.wide = class == 2
	f.order = binary.LittleEndian
	if data == 2 {
		f.order = binary.BigEndian
	}
	return (class == 1 || class == 2) && (data == 1 || data == 2)
}

func (f *elfFile) header(h []byte) error {
	var entry uint16
	if f.wide {
		f.sections = int64(f.order.Uint64(h[40:]))
		h = h[58:]
	} else {
		f.sections = int64(f.order.Uint32(h[32:]))
		h = h[46:]
	}
	entry, f.count, f.names = f.order.Uint16(h), int64(f.order.Uint16(h[2:])), int64(f.order.Uint16(h[4:]))
	if f.sections == 0 { // none
		f.count = 0
		return nil
	}
	if int64(entry) != f.headerSize() {
		return malformed(0, "section headers of %d bytes", entry)
	}
	return f.extended()
}

func (f *elfFile) headerSize() int64 {
	if f.wide {
		return secHeader64
	}
	return secHeader32
}

// extended takes what does not fit into the ELF header from section 0, and
// checks that the section headers are in the file.
func (f *elfFile) extended() error {
	first := f.count == 0 || f.names == secExtended
	room := f.size - f.sections
	if f.sections < 0 || room < 0 || f.count > room/f.headerSize() || first && room < f.headerSize() {
		return malformed(0, "%d section headers at %d in a file of %d bytes", f.count, f.sections, f.size)
	}
	if !first {
		return nil
	}
	zero, err := f.readHeader(0)
	if err != nil {
		return err
	}
	if f.names == secExtended {
		f.names = int64(zero.link)
	}
	if f.count == 0 {
		f.count = zero.size
	}
	if f.count < 0 || f.count > room/f.headerSize() {
		return malformed(0, "%d section headers at %d in a file of %d bytes", f.count, f.sections, f.size)
	}
	return nil
}

// section returns section i, whose contents are in the file.
func (f *elfFile) section(i int64) (section, error) {
	if i >= f.count {
		return section{}, malformed(0, "section %d of %d", i, f.count)
	}
	s, err := f.readHeader(i)
	if err == nil {
		err = f.inside(s)
	}
	return s, err
}

func (f *elfFile) inside(s section) error {
	if s.offset < 0 || s.size < 0 || s.offset > f.size || s.size > f.size-s.offset {
		return malformed(s.at, "section of %d bytes at %d in a file of %d", uint64(s.size), uint64(s.offset), f.size)
	}
	return nil
}

// readHeader reads the header of section i.
func (f *elfFile) readHeader(i int64) (section, error) {
	var b [secHeader64]byte
	at := f.sections + i*f.headerSize()
	if err := readAt(f.r, b[:f.headerSize()], at); err != nil {
		return section{}, err
	}
	return f.decode(b[:], at), nil
}

func (f *elfFile) decode(b []byte, at int64) section {
	s := section{at: at, name: f.order.Uint32(b), kind: f.order.Uint32(b[4:])}
	if f.wide {
		s.flags, s.link = f.order.Uint64(b[8:]), f.order.Uint32(b[40:])
		s.offset, s.size = int64(f.order.Uint64(b[24:])), int64(f.order.Uint64(b[32:]))
		return s
	}
	s.flags, s.link = uint64(f.order.Uint32(b[8:])), f.order.Uint32(b[24:])
	s.offset, s.size = int64(f.order.Uint32(b[16:])), int64(f.order.Uint32(b[20:]))
	return s
}

func (s section) usable(name string) error {
	if s.kind == secNoBits {
		return malformed(s.at, "section %s has no contents", name)
	}
	if s.flags&secCompressed != 0 {
		return malformed(s.at, "section %s is compressed", name)
	}
	return nil
}

// find returns every place in a table of names where name stands, in order. It
// can be the end of a longer one: linkers and compilers merge them.
func (f *elfFile) find(table section, name string) ([]uint32, error) {
	want := append([]byte(name), 0)
	var found []uint32
	buf := make([]byte, min(table.size, int64(chunkSize+len(want))))
	end := min(table.size, math.MaxUint32) // names are found by 32-bit numbers
	for from := int64(0); end-from >= int64(len(want)); from += chunkSize {
		b := buf[:min(int64(len(buf)), end-from)]
		if err := readAt(f.r, b, table.offset+from); err != nil {
			return nil, err
		}
		for i := 0; i < chunkSize; i++ {
			j := bytes.Index(b[i:], want)
			if j < 0 || i+j >= chunkSize { // the next piece has it too
				break
			}
			i += j
			found = append(found, uint32(from+int64(i)))
		}
	}
	return found, nil
}

// named returns the first section whose name stands at one of these places.
func (f *elfFile) named(places []uint32) (s section, ok bool, err error) {
	step := f.headerSize()
	buf := make([]byte, min(f.count*step, chunkSize/step*step))
	for i := int64(0); i < f.count; i += int64(len(buf)) / step {
		at := f.sections + i*step
		b := buf[:min(int64(len(buf)), (f.count-i)*step)]
		if err := readAt(f.r, b, at); err != nil {
			return section{}, false, err
		}
		for k := int64(0); k < int64(len(b)); k += step {
			s := f.decode(b[k:], at+k)
			if _, ok := slices.BinarySearch(places, s.name); ok {
				return s, true, nil
			}
		}
	}
	return section{}, false, nil
}
