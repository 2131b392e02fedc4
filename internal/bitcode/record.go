// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "math"

// Operands are a record's operands behind its code. They are a view: valid
// until the next call of the cursor's methods.
type Operands struct {
	Values []uint64
	Blob   []byte // of a record that ends in one
}

// Text returns the values as the bytes of a string.
func (o Operands) Text() string {
	b := make([]byte, len(o.Values))
	for i, v := range o.Values {
		b[i] = byte(v)
	}
	return string(b)
}

// code reads the code of the record with this abbreviation id.
func (c *Cursor) code(id uint64) Entry {
	var code uint64
	if id == unabbrev {
		c.record = nil
		code = c.vbr(unabbreviated6)
	} else if c.record = c.abbrev(id); c.record != nil {
		code = c.scalar(c.record[0])
	}
	if code > math.MaxUint32 {
		c.failf("record code %d", code)
	}
	c.pending = Record
	return Entry{Record, uint32(code)}
}

// Operands reads the operands of the record that Next has just returned. It may
// be called once for a record.
func (c *Cursor) Operands() (Operands, error) {
	if c.pending != Record {
		c.failf("no record to read")
	}
	c.pending = 0
	c.values = c.values[:0]
	if c.err != nil {
		return Operands{}, c.err
	}
	if c.record == nil {
		c.readArray(operand{vbr, unabbreviated6})
		return Operands{Values: c.values}, c.err
	}
	b := c.readFields(c.record)
	return Operands{c.values, b}, c.err
}

func (c *Cursor) readFields(ops []operand) []byte {
	for i := 1; i < len(ops) && c.err == nil; i++ {
		switch ops[i].encoding {
		case array:
			c.readArray(c.element(ops, i))
			return nil
		case blob:
			return c.readBlob(ops, i)
		default:
			c.values = append(c.values, c.scalar(ops[i]))
		}
	}
	return nil
}

// readArray reads a number of elements and the elements.
func (c *Cursor) readArray(element operand) {
	n := c.count(c.vbr(6), element)
	if c.err != nil {
		return
	}
	for range n {
		c.values = append(c.values, c.scalar(element))
		if c.err != nil {
			return
		}
	}
}

func (c *Cursor) readBlob(ops []operand, i int) []byte {
	if i+1 != len(ops) {
		c.failf("blob that is not the last of its abbreviation")
	}
	n := c.vbr(6)
	c.align()
	b := c.bytes(n)
	c.align()
	return b
}

// skipOperands moves past the operands of the record at hand.
func (c *Cursor) skipOperands() {
	if c.record == nil {
		c.skipArray(operand{vbr, unabbreviated6})
		return
	}
	for i, op := range c.record[1:] {
		switch op.encoding {
		case array:
			c.skipArray(c.element(c.record, i+1))
			return
		case blob:
			c.skipBlob(i + 1)
			return
		default:
			c.scalar(op)
		}
	}
}

func (c *Cursor) skipArray(element operand) {
	n := c.count(c.vbr(6), element)
	if c.err != nil {
		return
	}
	if element.encoding != vbr {
		c.skip(n, element.width())
		return
	}
	for ; n > 0 && c.err == nil; n-- {
		c.vbr(uint(element.value))
	}
}

func (c *Cursor) skipBlob(i int) {
	if i+1 != len(c.record) {
		c.failf("blob that is not the last of its abbreviation")
	}
	n := c.vbr(6)
	c.align()
	c.skip(n, 8)
	c.align()
}
