// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package objcmp

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
)

// x86-64 encodings. Both instructions are REX.W, opcode, ModRM, 32-bit
// displacement; the relocation is at the displacement.
const (
	opMov = 0x8b // mov r64, r/m64
	opLea = 0x8d // lea r64, m
)

func isGOT(k elf.R_X86_64) bool {
	return k == elf.R_X86_64_GOTPCREL || k == elf.R_X86_64_GOTPCRELX || k == elf.R_X86_64_REX_GOTPCRELX
}

// throughGOT says whether two relocations are the two ways to refer to one
// symbol which the module only declares.
func throughGOT(x, y reloc) bool {
	return x.kind == elf.R_X86_64_PC32 && isGOT(y.kind) && x.symbol.declared() &&
		x.symbol == y.symbol && x.offset == y.offset && x.addend == -4 && y.addend == -4
}

// ripRelative decodes `REX.W op reg, disp32(%rip)`.
func ripRelative(ins []byte) (op, reg byte, ok bool) {
	if len(ins) != 7 || ins[0]&^4 != 0x48 || ins[2]&0xc7 != 5 {
		return 0, 0, false
	}
	return ins[1], ins[2]>>3&7 | ins[0]&4<<1, true
}

// leaAgainstMov says whether x takes an address where y loads it from the GOT, the
// opcode being all that is different.
func leaAgainstMov(x, y []byte) bool {
	p, _, ok := ripRelative(x)
	q, _, ok2 := ripRelative(y)
	return ok && ok2 && p == opLea && q == opMov && x[0] == y[0] && bytes.Equal(x[2:], y[2:])
}

// loadThrough is `mov (from), to` as LLVM encodes it.
func loadThrough(from, to byte) []byte {
	ins := []byte{0x48 | to>>3<<2 | from>>3, opMov, to&7<<3 | from&7}
	switch from & 7 {
	case 4: // rsp, r12: only with a SIB byte
		ins = append(ins, 0x24)
	case 5: // rbp, r13: only with a displacement
		ins[2] |= 0x40
		ins = append(ins, 0)
	}
	return ins
}

// sameLength compares code that did not grow: only a lea may have become a mov.
func (c *comparison) sameLength(x, y *section) error {
	if len(x.relocs) != len(y.relocs) {
		return fmt.Errorf("%d and %d relocations", len(x.relocs), len(y.relocs))
	}
	text := slices.Clone(x.data)
	for i, r := range x.relocs {
		if r == y.relocs[i] {
			continue
		}
		from, to := r.offset-3, r.offset+4
		if !throughGOT(r, y.relocs[i]) || r.offset < 3 || to > uint64(len(text)) ||
			!leaAgainstMov(x.data[from:to], y.data[from:to]) {
			return fmt.Errorf("relocations differ: %+v and %+v", r, y.relocs[i])
		}
		text[from+1] = opMov
		c.result.GOT++
	}
	if !bytes.Equal(text, y.data) {
		return fmt.Errorf("code differs")
	}
	return nil
}

// longer compares code that grew, instruction by instruction.
func (c *comparison) longer(i int) error {
	w := walk{x: &c.a.sections[i], y: &c.b.sections[i], at: offsets{}}
	var err error
	if w.p, err = instructions(c.a, i); err != nil {
		return err
	}
	if w.q, err = instructions(c.b, i); err != nil {
		return err
	}
	for len(w.p) > 1 && len(w.q) > 1 {
		if err := w.step(); err != nil {
			return fmt.Errorf("offsets %#x and %#x: %w", w.p[0], w.q[0], err)
		}
	}
	if len(w.p) != 1 || len(w.q) != 1 {
		return fmt.Errorf("one ends before the other")
	}
	w.at[w.p[0]] = w.q[0]
	c.result.GOT += w.got
	c.moved[elf.SectionIndex(i)] = w.at
	return w.checkBranches()
}

// A walk goes through two versions of one section of code.
type walk struct {
	x, y     *section
	p, q     []uint64 // where the instructions to come begin; last, where the code ends
	at       offsets
	branches [][2]uint64 // where branches go in x and in y
	got      int
}

// step compares the next instruction of x with the next one or two of y.
func (w *walk) step() error {
	from, to := w.p[0], w.q[0]
	w.at[from] = to
	x, y := w.x.data[from:w.p[1]], w.y.data[to:w.q[1]]
	rx, ry := w.x.relocsIn(from, w.p[1]), w.y.relocsIn(to, w.q[1])
	switch {
	case slices.Equal(rx, ry):
		if err := w.same(x, y, len(rx) > 0); err != nil {
			return err
		}
	case len(rx) != 1 || len(ry) != 1 || !throughGOT(rx[0], ry[0]) || rx[0].offset != 3:
		return fmt.Errorf("relocations differ: %+v and %+v", rx, ry)
	case leaAgainstMov(x, y):
		w.got++
	default:
		w.got++
		if err := w.loadAgainstTwo(x, y); err != nil {
			return err
		}
	}
	w.p, w.q = w.p[1:], w.q[1:]
	return nil
}

// same compares instructions that ought to be equal, except for where a branch goes.
func (w *walk) same(x, y []byte, relocated bool) error {
	opcode := branchOpcode(x)
	if opcode == 0 || relocated {
		if !bytes.Equal(x, y) {
			return fmt.Errorf("code differs: % x and % x", x, y)
		}
		return nil
	}
	if len(x) != len(y) || !bytes.Equal(x[:opcode], y[:opcode]) {
		return fmt.Errorf("branches differ: % x and % x", x, y)
	}
	w.branches = append(w.branches, [2]uint64{
		w.p[1] + displacement(x[opcode:]), w.q[1] + displacement(y[opcode:])})
	return nil
}

// loadAgainstTwo compares `mov foo(%rip), R` with `mov foo@GOTPCREL(%rip), T; mov (T), R`.
func (w *walk) loadAgainstTwo(x, y []byte) error {
	opX, to, okX := ripRelative(x)
	opY, through, okY := ripRelative(y)
	if !okX || !okY || opX != opMov || opY != opMov || !bytes.Equal(x[3:], y[3:]) || len(w.q) < 3 {
		return fmt.Errorf("code differs: % x and % x", x, y)
	}
	next := w.y.data[w.q[1]:w.q[2]]
	if !bytes.Equal(next, loadThrough(through, to)) || len(w.y.relocsIn(w.q[1], w.q[2])) != 0 {
		return fmt.Errorf("code differs: % x and % x % x", x, y, next)
	}
	w.q = w.q[1:]
	return nil
}

func (w *walk) checkBranches() error {
	for _, b := range w.branches {
		if to, ok := w.at[b[0]]; !ok || to != b[1] {
			return fmt.Errorf("branches to %#x and %#x", b[0], b[1])
		}
	}
	return nil
}

// branchOpcode is the length of the opcode of a direct relative branch, or 0.
func branchOpcode(ins []byte) int {
	switch {
	case len(ins) == 2 && (ins[0]&0xf0 == 0x70 || ins[0] == 0xeb):
		return 1 // jcc, jmp with 8 bits
	case len(ins) == 5 && (ins[0] == 0xe8 || ins[0] == 0xe9):
		return 1 // call, jmp with 32 bits
	case len(ins) == 6 && ins[0] == 0x0f && ins[1]&0xf0 == 0x80:
		return 2 // jcc with 32 bits
	}
	return 0
}

// displacement is that of a branch, to be added to the end of the instruction.
func displacement(b []byte) uint64 {
	if len(b) == 1 {
		return uint64(int64(int8(b[0])))
	}
	return uint64(int64(int32(binary.LittleEndian.Uint32(b))))
}

var instruction = regexp.MustCompile(`(?m)^ *([0-9a-f]+):\s`)

// instructions asks LLVM's disassembler where the instructions of a section begin.
func instructions(o *object, i int) ([]uint64, error) {
	s := &o.sections[i]
	for j := range o.sections {
		if j != i && o.sections[j].Name == s.Name {
			return nil, fmt.Errorf("two sections of that name")
		}
	}
	cmd := exec.Command("llvm-objdump-22", "-d", "-z", "--no-show-raw-insn", "--section="+s.Name, o.path)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("llvm-objdump: %w", err)
	}
	var starts []uint64
	for _, m := range instruction.FindAllSubmatch(out, -1) {
		offset, err := strconv.ParseUint(string(m[1]), 16, 64)
		if err != nil {
			return nil, err
		}
		starts = append(starts, offset)
	}
	size := uint64(len(s.data))
	if !slices.IsSorted(starts) || len(starts) == 0 || starts[0] != 0 || starts[len(starts)-1] >= size {
		return nil, fmt.Errorf("llvm-objdump: not a listing of its %d bytes", size)
	}
	return append(starts, size), nil
}
