// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"fmt"
	"io"
	"math"
)

// maxDepth is how deep blocks may nest. LLVM nests four.
const maxDepth = 32

// Abbreviation ids that every block has.
const (
	endBlock     = 0
	enterBlock   = 1
	defineAbbrev = 2
	unabbrev     = 3
)

// BLOCKINFO is the one block that belongs to the bitstream itself.
const (
	blockInfoID = 0
	setBID      = 1 // its record: the block id that the abbreviations after it are for
)

// A Kind says what an [Entry] is.
type Kind uint8

// The kinds of entries.
const (
	Block  Kind = iota + 1 // a block begins: Enter it, or Next skips it
	End                    // the innermost open block ends
	Record                 // a record: read its Operands, or Next skips them
)

// An Entry is one thing found in a bitstream.
type Entry struct {
	Kind Kind
	ID   uint32 // the block's id (that of the block that ends for End), or the record's code
}

// A Cursor walks a bitstream. BLOCKINFO and abbreviations are dealt with inside,
// so its user sees blocks and records only:
//
//	for {
//		e, err := c.Next()
//		if err != nil { … } // io.EOF after the last block
//		switch e.Kind { … }
//	}
//
// What is not entered or read is skipped, a block by its length word. After an
// error the cursor stays where the error was.
type Cursor struct {
	bits
	frames   []frame
	abbrevs  []abbrev  // of all open blocks, the innermost block's last
	operands []operand // of the abbreviations in force
	values   []uint64  // of the record at hand, reused

	at      uint64 // where the entry at hand begins, in bits
	infos   int    // BLOCKINFO blocks met so far
	pending Kind   // what Next returned and nobody has read: Block, Record or none
	block   frame
	record  []operand // how the record at hand is written, its code first; nil if unabbreviated
}

// A frame is an open block, or the top level.
type frame struct {
	id         uint32
	width      uint                // bits of its abbreviation ids
	end        uint64              // the bit after it
	registered []abbrev            // for its id, as BLOCKINFO had it when the block was entered
	abbrevs    int                 // its first own abbreviation in Cursor.abbrevs
	operands   int                 // how many operands were in force before it
	info       map[uint32][]abbrev // from BLOCKINFO; holds for the blocks inside
}

// NewCursor returns a cursor at the first block of b, behind the magic number
// and a wrapper header if there is one.
func NewCursor(b []byte) (*Cursor, error) {
	c := &Cursor{}
	return c, c.reset(inMemory(b))
}

// NewCursorAt is NewCursor for the first size bytes of r. It reads what it is
// asked for and no more than a few kilobytes around it.
func NewCursorAt(r io.ReaderAt, size int64) (*Cursor, error) {
	c := &Cursor{}
	return c, c.reset(bits{src: r, size: size, limit: uint64(max(0, size)) * 8})
}

// reset puts the cursor at the first block of another stream. It keeps the memory
// that it has.
func (c *Cursor) reset(b bits) error {
	*c = Cursor{bits: b, frames: c.frames[:0], abbrevs: c.abbrevs[:0], operands: c.operands[:0], values: c.values[:0]}
	if b.size < 0 || b.size > math.MaxInt64/8 {
		return &Error{0, fmt.Sprintf("size of %d bytes", b.size)}
	}
	c.unwrap()
	if magic := c.read(32); c.err == nil && magic != rawMagic {
		c.pos = 0
		c.failf("magic number %#08x is not that of bitcode", magic)
	}
	c.frames = append(c.frames, frame{id: math.MaxUint32, width: topLevelWidth, end: c.limit})
	return c.err
}

// Offset returns the position in bits from the magic number.
func (c *Cursor) Offset() uint64 { return c.pos }

// Depth returns how many blocks are open.
func (c *Cursor) Depth() int { return len(c.frames) - 1 }

// Next returns the next entry of the innermost open block, skipping what is left
// of the one before. At the top level io.EOF means that no more blocks follow;
// up to eight bytes that are no block may stand at the end, where some archivers
// pad.
func (c *Cursor) Next() (Entry, error) {
	if c.err == nil {
		c.skipPending()
	}
	for c.err == nil {
		if len(c.frames) == 1 && c.limit-c.pos <= 64 {
			return Entry{}, io.EOF
		}
		if e := c.entry(); e.Kind != 0 && c.err == nil {
			return e, nil
		}
	}
	return Entry{}, c.err
}

func (c *Cursor) skipPending() {
	switch c.pending {
	case Block:
		c.pos = c.block.end
	case Record:
		c.skipOperands()
	}
	c.pending = 0
}

// entry reads one entry and returns none for those that only the cursor needs.
func (c *Cursor) entry() Entry {
	c.at = c.pos
	switch id := c.read(c.top().width); id {
	case endBlock:
		return c.end()
	case enterBlock:
		return c.begin()
	case defineAbbrev:
		c.abbrevs = append(c.abbrevs, c.defineAbbrev())
		return Entry{}
	default:
		return c.code(id)
	}
}

// begin reads the head of a block.
func (c *Cursor) begin() Entry {
	id, width := c.vbr(8), c.vbr(4)
	c.align()
	words := c.read(32)
	switch {
	case c.err != nil:
		return Entry{}
	case id >= math.MaxUint32:
		c.failf("block id %d", id)
	case width == 0 || width > maxIDWidth:
		c.failf("block %d has abbreviation ids of %d bits", id, width)
	case words > (c.limit-c.pos)/32:
		c.failf("block %d of %d words runs past the end of what it is in", id, words)
	}
	c.block = frame{id: uint32(id), width: uint(width), end: c.pos + words*32}
	c.pending = Block
	if id == blockInfoID && c.err == nil {
		c.blockInfo()
		return Entry{}
	}
	return Entry{Block, uint32(id)}
}

// Enter opens the block that Next has just returned.
func (c *Cursor) Enter() error {
	if c.pending != Block {
		c.failf("no block to enter")
	}
	if len(c.frames) > maxDepth {
		c.failf("blocks nested deeper than %d", maxDepth)
	}
	if c.err != nil {
		return c.err
	}
	f := c.block
	f.abbrevs, f.operands, f.info = len(c.abbrevs), len(c.operands), c.top().info
	f.registered = f.info[f.id]
	c.frames = append(c.frames, f)
	c.limit = f.end
	c.pending = 0
	return nil
}

// Leave skips the rest of the innermost open block.
func (c *Cursor) Leave() error {
	if c.err == nil && len(c.frames) == 1 {
		c.failf("no block to leave")
	}
	if c.err != nil {
		return c.err
	}
	c.pos, c.pending = c.top().end, 0
	c.pop()
	return nil
}

// end reads the rest of END_BLOCK and closes the block.
func (c *Cursor) end() Entry {
	f := *c.top()
	if len(c.frames) == 1 {
		c.failf("end of a block outside all blocks")
	}
	c.align()
	if c.err == nil && c.pos != f.end {
		c.failf("block %d ends %d bits before its length says", f.id, f.end-c.pos)
	}
	if c.err != nil {
		return Entry{}
	}
	c.pop()
	return Entry{End, f.id}
}

func (c *Cursor) pop() {
	f := c.top()
	c.abbrevs, c.operands = c.abbrevs[:f.abbrevs], c.operands[:f.operands]
	c.frames = c.frames[:len(c.frames)-1]
	c.limit = c.top().end
}

func (c *Cursor) top() *frame { return &c.frames[len(c.frames)-1] }

// blockInfo reads a BLOCKINFO block into the frame that it stands in, in place
// of an earlier one there.
func (c *Cursor) blockInfo() {
	c.infos++
	info := map[uint32][]abbrev{}
	bid := uint64(math.MaxUint64) // none yet
	depth := len(c.frames)
	for _ = c.Enter(); c.err == nil && len(c.frames) > depth; { // c.err keeps the error
		switch id := c.read(c.top().width); id {
		case endBlock:
			c.endBlockInfo()
		case enterBlock:
			c.failf("block inside of BLOCKINFO")
		case defineAbbrev:
			if bid > math.MaxUint32 {
				c.failf("abbreviation for no block")
			}
			info[uint32(bid)] = append(info[uint32(bid)], c.defineAbbrev())
		default:
			bid = c.blockInfoRecord(id, bid)
		}
	}
	c.top().info = info
}

// endBlockInfo closes BLOCKINFO, but keeps the operands of the abbreviations in
// it: they stay in force until the block around it ends.
func (c *Cursor) endBlockInfo() {
	c.top().operands = len(c.operands)
	c.end()
}

// blockInfoRecord reads one record of BLOCKINFO and returns the block id that
// the abbreviations after it are for. Names of blocks and records are of no use.
func (c *Cursor) blockInfoRecord(id, bid uint64) uint64 {
	e := c.code(id)
	ops, err := c.Operands()
	if err != nil || e.ID != setBID {
		return bid
	}
	if len(ops.Values) == 0 || ops.Values[0] > math.MaxUint32 {
		c.failf("SETBID without a block id")
		return bid
	}
	return ops.Values[0]
}
