// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

// How an operand of an abbreviation is written. Apart from literal the numbers
// are those of the format.
const (
	literal uint8 = 0
	fixed   uint8 = 1
	vbr     uint8 = 2
	array   uint8 = 3
	char6   uint8 = 4
	blob    uint8 = 5
)

// Bounds on abbreviations. LLVM's longest have about 20 operands and a module
// defines about 50 abbreviations.
const (
	maxAbbrevOps   = 128     // operands of one abbreviation
	maxLiveOps     = 1 << 16 // operands of all abbreviations in force
	maxWidth       = 64      // bits of a fixed field or a chunk
	maxIDWidth     = 32      // bits of an abbreviation id
	char6Alphabet  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"
	firstAbbrevID  = 4 // after END_BLOCK, ENTER_SUBBLOCK, DEFINE_ABBREV, UNABBREV_RECORD
	topLevelWidth  = 2 // bits of an abbreviation id outside all blocks
	unabbreviated6 = 6 // chunk of everything in an unabbreviated record
)

// An operand says how one operand is written; value is the literal, or the
// width of a fixed field or a chunk.
type operand struct {
	encoding uint8
	value    uint64
}

// An abbrev is a range of Cursor.operands: how a record is written, its code
// first.
type abbrev struct{ from, to int32 }

// defineAbbrev reads an abbreviation. One that could never be used is accepted,
// as LLVM accepts it, as long as nobody uses it.
func (c *Cursor) defineAbbrev() abbrev {
	n := c.vbr(5)
	if n == 0 || n > maxAbbrevOps || len(c.operands)+int(n) > maxLiveOps {
		c.failf("abbreviation of %d operands, with %d in force", n, len(c.operands))
		return abbrev{}
	}
	from := len(c.operands)
	for range n {
		c.operands = append(c.operands, c.operand())
	}
	return abbrev{int32(from), int32(len(c.operands))}
}

func (c *Cursor) operand() operand {
	if op, used := shortOperand(c.word()); used != 0 && used <= c.limit-c.pos {
		c.pos += used
		return op
	}
	if c.read(1) == 1 {
		return operand{literal, c.vbr(8)}
	}
	encoding := uint8(c.read(3))
	switch encoding {
	case fixed, vbr:
		width := c.vbr(5)
		if width == 0 { // a field of no bits is a zero
			return operand{literal, 0}
		}
		if width > maxWidth {
			c.failf("field of %d bits", width)
		}
		return operand{encoding, width}
	case array, char6, blob:
		return operand{encoding, 0}
	}
	c.failf("operand encoding %d", encoding)
	return operand{}
}

// shortOperand returns the operand that a word begins with if it is of the usual
// length, and how many bits it takes, else 0. Every block of every small index
// defines some abbreviations.
func shortOperand(word uint64, ok bool) (op operand, used uint64) {
	encoding := uint8(word >> 1 & 7)
	width := word >> 4 & 31 // of one chunk up to 15
	switch {
	case !ok:
	case word&1 != 0:
		if word>>8&1 == 0 {
			return operand{literal, word >> 1 & 127}, 9
		}
	case encoding == array || encoding == char6:
		return operand{encoding, 0}, 4
	case (encoding == fixed || encoding == vbr) && width > 0 && width < 16:
		return operand{encoding, width}, 9
	}
	return operand{}, 0
}

// abbrev returns the operands of the abbreviation with this id, which must be
// defined.
func (c *Cursor) abbrev(id uint64) []operand {
	ops := c.defined(id)
	if ops == nil {
		c.failf("abbreviation %d is not defined", id)
	}
	return ops
}

// defined returns the operands of the abbreviation with this id, nil if there is
// none: first come those that BLOCKINFO registers for the block, then the block's
// own.
func (c *Cursor) defined(id uint64) []operand {
	f := c.top()
	i := id - firstAbbrevID // huge for the ids that every block has
	if n := uint64(len(f.registered)); i >= n {
		i += uint64(f.abbrevs) - n
		if id < firstAbbrevID || i >= uint64(len(c.abbrevs)) {
			return nil
		}
		a := c.abbrevs[i]
		return c.operands[a.from:a.to]
	}
	a := f.registered[i]
	return c.operands[a.from:a.to]
}

// scalar reads one operand that is not an array or a blob.
func (c *Cursor) scalar(op operand) uint64 {
	switch op.encoding {
	case literal:
		return op.value
	case fixed:
		return c.read(uint(op.value))
	case vbr:
		return c.vbr(uint(op.value))
	case char6:
		return uint64(char6Alphabet[c.read(6)])
	}
	c.failf("array or blob where a single value belongs")
	return 0
}

// width returns the least number of bits that an operand takes, zero for one
// that can not be an array's element.
func (op operand) width() uint64 {
	switch op.encoding {
	case fixed, vbr:
		return op.value
	case char6:
		return 6
	}
	return 0
}

// count checks a number of elements from the input against what is left of it.
// A record may have as many operands as the stream has bytes, LLVM's own rule:
// without it fields of one bit would grow 64-fold in memory.
func (c *Cursor) count(n uint64, element operand) uint64 {
	width := element.width()
	if width == 0 {
		c.failf("array whose elements have no size")
		return 0
	}
	if !c.holds(n, width) || n > uint64(c.size) {
		c.failf("%d elements of %d bits, the block ends after %d", n, width, c.limit-c.pos)
		return 0
	}
	return n
}

// element returns how the elements of the array at ops[i] are written.
func (c *Cursor) element(ops []operand, i int) operand {
	if i+2 != len(ops) {
		c.failf("array that is not the last but one of its abbreviation")
		return operand{}
	}
	return ops[i+1]
}
