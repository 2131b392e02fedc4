// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "encoding/binary"

// A writer writes a bitstream. Every record is unabbreviated but for the one
// blob, which has no unabbreviated form. Blocks must be ended; nothing is checked.
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

// newWriter returns a writer that has written the magic number, with room for
// about size bytes.
func newWriter(size int) *writer {
	w := &writer{b: make([]byte, 0, size)}
	w.fixed(rawMagic, 32)
	return w
}

// bytes returns what was written; all blocks must have ended.
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
	if w.n > 32 {
		w.b = binary.LittleEndian.AppendUint64(w.b, w.bits)
	} else if w.n > 0 {
		w.b = binary.LittleEndian.AppendUint32(w.b, uint32(w.bits))
	}
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

// record writes a record.
func (w *writer) record(code uint32, operands ...uint64) {
	w.begin(code, len(operands))
	for _, v := range operands {
		w.vbr(v, unabbreviated6)
	}
}

// begin writes the head of a record of n operands; a vbr of six bits for each of
// them must follow.
func (w *writer) begin(code uint32, n int) {
	w.fixed(unabbrev, w.width())
	w.vbr(uint64(code), unabbreviated6)
	w.vbr(uint64(n), unabbreviated6)
}

// blob writes a record that is a blob, and the abbreviation for it, which must
// be the first of its block.
func (w *writer) blob(code uint32, content []byte) {
	width := w.width()
	w.fixed(defineAbbrev, width)
	w.vbr(2, 5)              // operands
	w.fixed(1, 1)            // the first is a literal
	w.vbr(uint64(code), 8)   //
	w.fixed(0, 1)            // the second is not,
	w.fixed(uint64(blob), 3) // but a blob
	w.fixed(firstAbbrevID, width)
	w.vbr(uint64(len(content)), 6)
	w.align()
	w.b = append(w.b, content...)
	w.b = append(w.b, make([]byte, -len(content)&3)...)
}
