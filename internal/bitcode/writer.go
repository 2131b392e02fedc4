// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"encoding/binary"
	"slices"
)

// A writer writes a bitstream. Blocks must be ended; nothing is checked.
type writer struct {
	b      []byte // whole bytes written so far
	bits   uint64 // what follows b, from the lowest bit on
	n      uint   // how many bits that is, below 64
	blocks []openBlock
}

// An openBlock is one that has begun and not ended.
type openBlock struct {
	width  uint // of the abbreviation ids inside
	length int  // where its length word stands in writer.b
}

// newWriter returns a writer that has written the magic number.
func newWriter() *writer {
	w := &writer{}
	w.begin()
	return w
}

// begin empties the writer and writes the magic number.
func (w *writer) begin() {
	*w = writer{b: w.b[:0], blocks: w.blocks[:0]}
	w.fixed(rawMagic, 32)
}

// bytes returns what was written, until more is; all blocks must have ended.
func (w *writer) bytes() []byte {
	w.align()
	return w.b
}

// fixed writes the width lowest bits of v, which must have no others set; width
// is at most 64.
func (w *writer) fixed(v uint64, width uint) {
	w.bits |= v << w.n
	if w.n+width < 64 {
		w.n += width
		return
	}
	w.b = binary.LittleEndian.AppendUint64(w.b, w.bits)
	w.bits = v >> (64 - w.n)
	w.n += width - 64
}

// vbr writes an integer of variable length in chunks of width bits. What the
// chunks come to is gathered first: most of a record is numbers like these.
func (w *writer) vbr(v uint64, width uint) {
	more := uint64(1) << (width - 1)
	var bits uint64
	n := uint(0)
	for ; v >= more; v >>= width - 1 {
		bits |= (v&(more-1) | more) << n
		if n += width; n+width > 64 {
			w.fixed(bits, n)
			bits, n = 0, 0
		}
	}
	w.fixed(bits|v<<n, n+width)
}

// align fills up to a multiple of 32 bits.
func (w *writer) align() {
	end := (len(w.b) + int(w.n+7)/8 + 3) &^ 3
	w.b = binary.LittleEndian.AppendUint64(w.b, w.bits)
	w.b = append(w.b, zeros[:]...)[:end]
	w.bits, w.n = 0, 0
}

// width is that of the abbreviation ids of the innermost open block.
func (w *writer) width() uint {
	if len(w.blocks) == 0 {
		return topLevelWidth
	}
	return w.blocks[len(w.blocks)-1].width
}

// enter begins a block whose abbreviation ids have this width.
func (w *writer) enter(id uint64, width uint) {
	w.fixed(enterBlock, w.width())
	w.vbr(id, 8)
	w.vbr(uint64(width), 4)
	w.align()
	w.blocks = append(w.blocks, openBlock{width, len(w.b)})
	w.fixed(0, 32) // the length, which end fills in
	w.align()
}

// end ends the innermost open block.
func (w *writer) end() {
	w.fixed(endBlock, w.width())
	w.align()
	last := len(w.blocks) - 1
	at := w.blocks[last].length
	binary.LittleEndian.PutUint32(w.b[at:], uint32((len(w.b)-at)/4-1))
	w.blocks = w.blocks[:last]
}

// record writes an unabbreviated record.
func (w *writer) record(code uint32, operands ...uint64) {
	w.head(code, len(operands))
	w.operands(operands)
}

// operands writes the operands of an unabbreviated record. This is most of a
// shard, and which numbers are of one chunk and which of two can not be foretold:
// so there is one way for both, without branches.
func (w *writer) operands(operands []uint64) {
	const most = 16 // bytes that one operand takes, with what is written ahead
	b := slices.Grow(w.b, most*len(operands)+most)
	at, b := len(b), b[:cap(b)]
	bits, n := w.bits, w.n
	for _, v := range operands {
		binary.LittleEndian.PutUint64(b[at:], bits)
		at += int(n >> 3)
		bits >>= n & 56
		n &= 7
		for v >= 1<<10 {
			bits |= (v&31 | 32) << n
			v, n = v>>5, n+6
			if n > 40 {
				binary.LittleEndian.PutUint64(b[at:], bits)
				at += int(n >> 3)
				bits >>= n & 56
				n &= 7
			}
		}
		two := uint(v+1<<10-1<<5) >> 10 // 1 if v takes two chunks
		bits |= (v&31 | uint64(two)<<5 | v>>5<<6) << (n & 63)
		n += 6 + 6*two
	}
	w.b, w.bits, w.n = b[:at], bits, n
}

// head writes the head of an unabbreviated record of n operands; a vbr of six
// bits for each of them must follow.
func (w *writer) head(code uint32, n int) {
	if width := w.width(); code < 32 && n < 32 {
		w.fixed(unabbrev|(uint64(code)|uint64(n)<<unabbreviated6)<<width, width+2*unabbreviated6)
		return
	}
	w.fixed(unabbrev, w.width())
	w.vbr(uint64(code), unabbreviated6)
	w.vbr(uint64(n), unabbreviated6)
}

// define defines an abbreviation. The first of a block, unless BLOCKINFO has some
// for it, gets the id firstAbbrevID, the others those that follow.
func (w *writer) define(operands ...operand) {
	w.fixed(defineAbbrev, w.width())
	w.vbr(uint64(len(operands)), 5)
	for _, op := range operands {
		if op.encoding == literal {
			w.fixed(1, 1)
			w.vbr(op.value, 8)
			continue
		}
		w.fixed(0, 1)
		w.fixed(uint64(op.encoding), 3)
		if op.encoding == fixed || op.encoding == vbr {
			w.vbr(op.value, 5)
		}
	}
}

// abbreviated begins a record; what its abbreviation wants for its operands must
// follow.
func (w *writer) abbreviated(id uint64) { w.fixed(id, w.width()) }

// blob writes a record that is a blob, and the abbreviation for it, which must
// be the first of its block: a blob has no unabbreviated form.
func (w *writer) blob(code uint32, content []byte) {
	w.define(operand{literal, uint64(code)}, operand{blob, 0})
	w.abbreviated(firstAbbrevID)
	w.vbr(uint64(len(content)), 6)
	w.align()
	w.b = append(w.b, content...)
	w.b = append(w.b, zeros[:-len(content)&3]...)
}

var zeros [3]byte
