// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "slices"

// A snapshot is a place in a bitstream, and what the cursor knew there: a cursor
// that went on, or that an error has not ended, can be put back.
type snapshot struct {
	pos      uint64
	frames   []frame
	abbrevs  []abbrev
	operands []operand
}

// snapshot is of a place between the entry at hand and what follows, in the
// innermost open block.
func (c *Cursor) snapshot(pos uint64) *snapshot {
	return &snapshot{pos, slices.Clone(c.frames), slices.Clone(c.abbrevs), slices.Clone(c.operands)}
}

// restore puts the cursor back, unless an error has ended it.
func (c *Cursor) restore(s *snapshot) {
	c.frames = append(c.frames[:0], s.frames...)
	c.abbrevs = append(c.abbrevs[:0], s.abbrevs...)
	c.operands = append(c.operands[:0], s.operands...)
	c.pending = 0
	if c.err == nil {
		c.pos, c.limit = s.pos, c.top().end
	}
}

// moveTo moves the cursor to another place in the innermost open block.
func (c *Cursor) moveTo(pos uint64) error {
	if c.err == nil && pos > c.limit {
		c.failf("place %d, behind the end of the block at %d", pos, c.limit)
	}
	if c.err == nil {
		c.pos, c.pending = pos, 0
	}
	return c.err
}

// openArray begins to read the record that Next has just returned, which must be
// nothing but an array: n values to be read by scalar.
func (c *Cursor) openArray() (n uint64, element operand, err error) {
	element = operand{vbr, unabbreviated6}
	if c.record != nil {
		if len(c.record) != 3 || c.record[1].encoding != array {
			return 0, operand{}, c.malformed("record that is not an array")
		}
		element = c.record[2]
	}
	c.pending = 0
	n = c.count(c.vbr(6), element)
	return n, element, c.err
}

// A span is some bytes of the stream.
type span struct{ at, size uint64 } // in bits, and in bytes

// numbersAndBlob reads a record of numbers and a blob, except for the blob, of
// which it says where it is.
func (c *Cursor) numbersAndBlob(numbers []uint64) (span, error) {
	if len(c.record) != len(numbers)+2 || c.record[len(numbers)+1].encoding != blob {
		return span{}, c.malformed("record that is not %d numbers and a blob", len(numbers))
	}
	c.pending = 0
	for i := range numbers {
		numbers[i] = c.scalar(c.record[i+1])
	}
	b := span{size: c.vbr(6)}
	c.align()
	b.at = c.pos
	c.skip(b.size, 8)
	c.align()
	return b, c.err
}
