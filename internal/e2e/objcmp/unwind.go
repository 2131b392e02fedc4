// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package objcmp

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// A reader takes numbers from the front of data. After an error it gives zeros.
type reader struct {
	data []byte
	err  error
}

var errShort = errors.New("ends too early")

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.data, r.err = nil, errShort
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

// little is a little-endian number of n bytes.
func (r *reader) little(n uint64) uint64 {
	var word [8]byte
	copy(word[:], r.bytes(n))
	return binary.LittleEndian.Uint64(word[:])
}

func (r *reader) uleb() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.data, r.err = nil, errShort
		return 0
	}
	r.data = r.data[n:]
	return v
}

// An entry is a CIE or an FDE of .eh_frame.
type entry struct {
	start  uint64
	cie    uint64 // where its CIE starts; its own start if it is one
	body   []byte // after the CIE pointer
	relocs []reloc
}

func (e entry) isCIE() bool { return e.cie == e.start }

func entries(s *section) ([]entry, error) {
	var all []entry
	r := reader{data: s.data}
	for len(r.data) > 0 {
		start := uint64(len(s.data) - len(r.data))
		length := r.little(4)
		back := r.little(4)
		if length < 4 || length >= 0xfffffff0 || back > start+4 {
			return nil, fmt.Errorf("offset %#x: malformed entry", start)
		}
		e := entry{start: start, cie: start + 4 - back, body: r.bytes(length - 4)}
		if back == 0 {
			e.cie = start
		}
		e.relocs = s.relocsIn(start+8, start+4+length)
		all = append(all, e)
	}
	return all, r.err
}

// unwind compares .eh_frame and, by way of it, the exception tables of code that
// moved. Without such code they are sections like any other.
func (c *comparison) unwind(i int) error {
	if c.a.sections[i].Name != ".eh_frame" || len(c.moved) == 0 {
		return nil
	}
	c.done[i] = true
	p, err := entries(&c.a.sections[i])
	if err != nil {
		return err
	}
	q, err := entries(&c.b.sections[i])
	if err != nil {
		return err
	}
	if len(p) != len(q) {
		return fmt.Errorf("%d and %d entries", len(p), len(q))
	}
	starts := offsets{}
	for n := range p {
		starts[p[n].start] = q[n].start
	}
	for n := range p {
		if starts[p[n].cie] != q[n].cie || p[n].isCIE() != q[n].isCIE() {
			return fmt.Errorf("entry %d: another CIE", n)
		}
		if err := c.entry(p[n], q[n]); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	return nil
}

// entry compares two FDEs, or two CIEs, which must be equal.
func (c *comparison) entry(p, q entry) error {
	if len(p.relocs) > 0 && !p.isCIE() && p.relocs[0].offset == 0 {
		if _, moved := c.moved[p.relocs[0].symbol.Section]; moved {
			return c.movedEntry(p, q)
		}
	}
	if !bytes.Equal(p.body, q.body) || !slices.Equal(p.relocs, q.relocs) {
		return fmt.Errorf("differs")
	}
	return nil
}

// movedEntry compares the FDEs of a function that has grown. LLVM's CIEs for
// x86-64 have relative 32-bit addresses and augmentation data; with others the
// fields would be elsewhere and this fails.
func (c *comparison) movedEntry(p, q entry) error {
	f := function{comparison: c, section: p.relocs[0].symbol.Section}
	f.from = uint64(p.relocs[0].addend)
	var err error
	if f.to, err = c.at(f.section, f.from); err != nil {
		return err
	}
	want := slices.Clone(p.relocs)
	want[0].addend = int64(f.to)
	if !slices.Equal(want, q.relocs) || !want[0].symbol.ofSection() {
		return fmt.Errorf("relocations differ")
	}
	x, y := &reader{data: p.body[min(4, len(p.body)):]}, &reader{data: q.body[min(4, len(q.body)):]}
	if err := f.same(x.little(4), y.little(4)); err != nil {
		return fmt.Errorf("range: %w", err)
	}
	dataX, dataY := x.bytes(x.uleb()), y.bytes(y.uleb())
	if !bytes.Equal(dataX, dataY) {
		return fmt.Errorf("augmentation differs")
	}
	if err := f.frame(x, y); err != nil {
		return err
	}
	return f.exceptions(p.relocs[1:])
}

// A function is one whose code moved, between its starts in a and in b.
type function struct {
	*comparison
	section  elf.SectionIndex
	from, to uint64
}

// same wants two positions, counted from the function's start, to be the same instruction.
func (f function) same(x, y uint64) error {
	to, err := f.at(f.section, f.from+x)
	if err != nil {
		return err
	}
	if to != f.to+y {
		return fmt.Errorf("positions %#x and %#x", x, y)
	}
	return nil
}

// frame compares call frame instructions (DWARF 5, section 6.4.2, and the GNU
// one that LLVM uses).
func (f function) frame(x, y *reader) error {
	var at, to uint64
	for len(x.data) > 0 || len(y.data) > 0 {
		dx, opX := advances(x)
		dy, opY := advances(y)
		at, to = at+dx, to+dy
		if err := f.same(at, to); err != nil {
			return fmt.Errorf("call frame: %w", err)
		}
		if x.err != nil || y.err != nil || !bytes.Equal(opX, opY) {
			return fmt.Errorf("call frame instructions differ: % x and % x", opX, opY)
		}
	}
	return nil
}

// advances takes what moves the position and then one other instruction, if
// there is one.
func advances(r *reader) (delta uint64, other []byte) {
	for len(r.data) > 0 {
		start := r.data
		switch op := r.little(1); {
		case op == 0: // DW_CFA_nop: padding
		case op>>6 == 1: // DW_CFA_advance_loc
			delta += op & 0x3f
		case op >= 2 && op <= 4: // DW_CFA_advance_loc1, 2, 4
			delta += r.little(1 << (op - 2))
		default:
			r.operands(op)
			return delta, start[:len(start)-len(r.data)]
		}
	}
	return delta, nil
}

// operands passes over those of a call frame instruction.
func (r *reader) operands(op uint64) {
	switch {
	case op>>6 == 3, op == 0x0a, op == 0x0b: // restore, remember, restore state
	case op>>6 == 2, op == 0x06, op == 0x07, op == 0x08, op == 0x0d, op == 0x0e, op == 0x13, op == 0x2e:
		r.uleb()
	case op == 0x05, op == 0x09, op == 0x0c, op == 0x11, op == 0x12, op == 0x14, op == 0x15:
		r.uleb()
		r.uleb()
	case op == 0x0f: // DW_CFA_def_cfa_expression
		r.bytes(r.uleb())
	case op == 0x10, op == 0x16: // DW_CFA_expression, DW_CFA_val_expression
		r.uleb()
		r.bytes(r.uleb())
	default:
		r.data, r.err = nil, fmt.Errorf("unknown call frame instruction %#x", op)
	}
}

// exceptions compares the exception table that the FDE's augmentation points to.
func (f function) exceptions(relocs []reloc) error {
	if len(relocs) == 0 {
		return nil
	}
	i := int(relocs[0].symbol.Section)
	if len(relocs) != 1 || !relocs[0].symbol.ofSection() || relocs[0].addend != 0 || i >= len(f.a.sections) || f.done[i] {
		return fmt.Errorf("not a function's own exception table")
	}
	f.done[i] = true
	x, y := &f.a.sections[i], &f.b.sections[i]
	if len(x.data) != len(y.data) || !slices.Equal(x.relocs, y.relocs) {
		return fmt.Errorf("exception tables differ")
	}
	if err := f.table(&reader{data: x.data}, &reader{data: y.data}); err != nil {
		return fmt.Errorf("exception table: %w", err)
	}
	return nil
}

// table compares two language-specific data areas in the form LLVM writes: no
// base for landing pads, call sites in ULEB128.
func (f function) table(x, y *reader) error {
	head := x.little(2)
	if head != y.little(2) || head&0xff != 0xff {
		return fmt.Errorf("encodings differ or are not known")
	}
	if head>>8 != 0xff && x.uleb() != y.uleb() {
		return fmt.Errorf("type tables lie elsewhere")
	}
	if x.little(1) != 1 || y.little(1) != 1 {
		return fmt.Errorf("call sites are not in ULEB128")
	}
	sitesX, sitesY := reader{data: x.bytes(x.uleb())}, reader{data: y.bytes(y.uleb())}
	for len(sitesX.data) > 0 || len(sitesY.data) > 0 {
		if err := f.callSite(&sitesX, &sitesY); err != nil {
			return err
		}
	}
	// The actions and the types.
	if err := errors.Join(x.err, y.err, sitesX.err, sitesY.err); err != nil || !bytes.Equal(x.data, y.data) {
		return errors.Join(err, errors.New("actions or types differ"))
	}
	return nil
}

func (f function) callSite(x, y *reader) error {
	start, end := x.uleb(), y.uleb()
	if err := f.same(start, end); err != nil {
		return err
	}
	if err := f.same(start+x.uleb(), end+y.uleb()); err != nil {
		return err
	}
	padX, padY := x.uleb(), y.uleb()
	if padX != 0 || padY != 0 {
		if err := f.same(padX, padY); err != nil {
			return err
		}
	}
	if x.uleb() != y.uleb() {
		return fmt.Errorf("actions differ")
	}
	return nil
}
