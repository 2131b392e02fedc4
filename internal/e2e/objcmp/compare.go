// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package objcmp compares an object that LLD compiled in-process with the one
// that a backend compile of LLVM's distributed ThinLTO made of the same module.
//
// A summary index shard says nothing of functions and variables that a module
// only declares and imports nothing of, so the backend cannot know that they will
// turn out to be local to the program: it goes through the GOT where in-process
// LTO refers to them directly. That, and the order of the address-significance
// table, are the only differences that LLVM itself makes. Everything else is a
// mistake of somebody's, and this package calls it one.
package objcmp

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
)

// A Verdict says how alike two objects are.
type Verdict int

const (
	// Different objects differ in a way that LLVM's backends do not account for.
	Different Verdict = iota
	// Equivalent objects differ, and only in these ways:
	//
	//   - `lea foo(%rip), R` with a PC32 relocation against `mov foo@GOTPCREL(%rip), R`
	//     with one of the three GOTPCREL ones, of the same undefined symbol, with the
	//     same addend; the opcode's byte is the only other one that differs;
	//   - `mov foo(%rip), R` against `mov foo@GOTPCREL(%rip), T; mov (T), R`, three or
	//     four bytes longer, and what follows from that and nothing else: the
	//     displacements of branches across it, the offsets of relocations after it, the
	//     symbol's size, and positions in the unwind and exception tables;
	//   - the order of the entries of .llvm_addrsig.
	Equivalent
	// Identical objects are equal byte for byte.
	Identical
)

func (v Verdict) String() string {
	return [...]string{"different", "equivalent", "identical"}[v]
}

// Result is what Compare found.
type Result struct {
	Verdict Verdict
	Reason  string // why Different: the first difference that is not accounted for
	GOT     int    // references that go through the GOT in the second object only
	Addrsig bool   // .llvm_addrsig is in another order
}

// Compare compares the object that in-process LTO made with the one that a
// distributed backend made. The error is about files that cannot be read.
func Compare(inProcess, distributed string) (Result, error) {
	a, err := readObject(inProcess)
	if err != nil {
		return Result{}, err
	}
	b, err := readObject(distributed)
	if err != nil {
		return Result{}, err
	}
	if bytes.Equal(a.bytes, b.bytes) {
		return Result{Verdict: Identical}, nil
	}
	c := &comparison{a: a, b: b, moved: map[elf.SectionIndex]offsets{}, done: map[int]bool{}}
	if err := c.run(); err != nil {
		return Result{Verdict: Different, Reason: err.Error()}, nil
	}
	c.result.Verdict = Equivalent
	return c.result, nil
}

// A comparison is one call of Compare that is past the easy case.
type comparison struct {
	a, b   *object
	result Result
	moved  map[elf.SectionIndex]offsets // code that is longer in b
	done   map[int]bool                 // sections that were compared while another was
}

// offsets maps offsets of instructions in a section of a to those in b.
type offsets map[uint64]uint64

// at maps an offset of a to b. In a section that did not move it is the same.
func (c *comparison) at(s elf.SectionIndex, offset uint64) (uint64, error) {
	m, ok := c.moved[s]
	if !ok {
		return offset, nil
	}
	to, ok := m[offset]
	if !ok {
		return 0, fmt.Errorf("%s: offset %#x is not an instruction's", c.a.sections[s].Name, offset)
	}
	return to, nil
}

// run returns the first difference that is not one of LLVM's. Code comes first:
// what it finds decides what the tables that describe the code must say.
func (c *comparison) run() error {
	if err := c.headers(); err != nil {
		return err
	}
	steps := []func(int) error{c.code, c.references, c.unwind, c.rest}
	for _, step := range steps {
		for i := range c.a.sections {
			if err := step(i); err != nil {
				return fmt.Errorf("section %d %s: %w", i, c.a.sections[i].Name, err)
			}
		}
	}
	return c.symbols()
}

// headers wants the same sections in the same order, with the same properties.
func (c *comparison) headers() error {
	if len(c.a.sections) != len(c.b.sections) {
		return fmt.Errorf("%d and %d sections", len(c.a.sections), len(c.b.sections))
	}
	// The ELF header, less where the section table lies (40 to 47).
	if !bytes.Equal(c.a.bytes[:40], c.b.bytes[:40]) || !bytes.Equal(c.a.bytes[48:64], c.b.bytes[48:64]) {
		return fmt.Errorf("ELF headers differ")
	}
	for i := range c.a.sections {
		x, y := c.a.sections[i].SectionHeader, c.b.sections[i].SectionHeader
		// Sizes are compared with the contents, offsets follow from sizes. The number
		// that a group has for its signature is compared as a symbol.
		x.Offset, x.Size, x.FileSize = y.Offset, y.Size, y.FileSize
		if x.Type == elf.SHT_GROUP {
			x.Info = y.Info
		}
		if x != y || !bytes.Equal(c.a.flags(i), c.b.flags(i)) {
			return fmt.Errorf("section %d: headers differ: %+v and %+v", i, x, y)
		}
	}
	return nil
}

// flags is the 64-bit field that package elf keeps only half of.
func (o *object) flags(i int) []byte {
	at := binary.LittleEndian.Uint64(o.bytes[40:]) + 64*uint64(i) + 8
	return o.bytes[at : at+8]
}

// code compares sections of instructions.
func (c *comparison) code(i int) error {
	x, y := &c.a.sections[i], &c.b.sections[i]
	if !x.executable() {
		return nil
	}
	if len(x.data) == len(y.data) {
		return c.sameLength(x, y)
	}
	return c.longer(i)
}

// references looks at what code refers to. -4 is the addend of a reference to the
// start of a section, the program counter being past the four bytes of the field.
func (c *comparison) references(i int) error {
	if !c.a.sections[i].executable() {
		return nil
	}
	return c.settled(c.a.sections[i].relocs, -4)
}

// rest compares every other section.
func (c *comparison) rest(i int) error {
	x, y := &c.a.sections[i], &c.b.sections[i]
	if c.done[i] || x.executable() {
		return nil
	}
	switch x.Type {
	case relocations, elf.SHT_SYMTAB, elf.SHT_STRTAB:
		return nil // compared with the sections they apply to, as symbols, and as names
	case elf.SHT_GROUP:
		return c.group(x, y)
	case shtAddrsig:
		return c.addrsig(x, y)
	}
	if x.Size != y.Size || !bytes.Equal(x.data, y.data) {
		return fmt.Errorf("contents differ")
	}
	if !slices.Equal(x.relocs, y.relocs) {
		return fmt.Errorf("relocations differ")
	}
	return c.settled(x.relocs, 0)
}

// settled refuses relocations that point into the middle of code that moved by
// way of its section: whether such an addend is right is not known here.
func (c *comparison) settled(relocs []reloc, addend int64) error {
	for _, r := range relocs {
		if _, moved := c.moved[r.symbol.Section]; moved && r.symbol.ofSection() && r.addend != addend {
			return fmt.Errorf("offset %#x: relocation into code that moved", r.offset)
		}
	}
	return nil
}

func (c *comparison) group(x, y *section) error {
	if int(x.Info) >= len(c.a.symbols) || int(y.Info) >= len(c.b.symbols) {
		return fmt.Errorf("signature out of range")
	}
	if c.a.symbols[x.Info].id != c.b.symbols[y.Info].id {
		return fmt.Errorf("signatures differ")
	}
	if !bytes.Equal(x.data, y.data) {
		return fmt.Errorf("members differ")
	}
	return nil
}

// shtAddrsig is SHT_LLVM_ADDRSIG, whose contents are symbol numbers in ULEB128.
const shtAddrsig elf.SectionType = 0x6fff4c03

func (c *comparison) addrsig(x, y *section) error {
	p, err := c.a.numbered(x.data)
	if err != nil {
		return err
	}
	q, err := c.b.numbered(y.data)
	if err != nil {
		return err
	}
	if slices.Equal(p, q) {
		return nil
	}
	c.result.Addrsig = true
	if !slices.Equal(sortedSymbols(p), sortedSymbols(q)) {
		return fmt.Errorf("entries differ, not only their order")
	}
	return nil
}

// numbered returns which symbols the numbers in data are, without their places.
func (o *object) numbered(data []byte) ([]symbol, error) {
	var symbols []symbol
	r := reader{data: data}
	for len(r.data) > 0 {
		n := r.uleb()
		if r.err != nil || n >= uint64(len(o.symbols)) {
			return nil, fmt.Errorf("%s: bad symbol number", o.path)
		}
		symbols = append(symbols, symbol{id: o.symbols[n].id})
	}
	return symbols, nil
}

// symbols compares the symbol tables as sets, with every attribute.
func (c *comparison) symbols() error {
	p := slices.Clone(c.a.symbols)
	for i, s := range p {
		from, err := c.at(s.Section, s.Value)
		if err != nil {
			return fmt.Errorf("symbol %s: %w", s.Name, err)
		}
		to, err := c.at(s.Section, s.Value+s.Size)
		if err != nil {
			return fmt.Errorf("symbol %s: %w", s.Name, err)
		}
		p[i].Value, p[i].Size = from, to-from
	}
	p, q := sortedSymbols(p), sortedSymbols(c.b.symbols)
	if len(p) != len(q) {
		return fmt.Errorf("%d and %d symbols", len(p)-1, len(q)-1)
	}
	for i := range p {
		if p[i] != q[i] {
			return fmt.Errorf("symbols differ: %+v and %+v", p[i], q[i])
		}
	}
	return nil
}
