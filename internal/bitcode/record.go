// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"math"
	"slices"
)

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
	values, b, err := c.appendOperands(c.values[:0])
	c.values = values
	return Operands{values, b}, err
}

// appendOperands is Operands with the values appended to some that are there.
func (c *Cursor) appendOperands(values []uint64) ([]uint64, []byte, error) {
	if c.pending != Record {
		c.failf("no record to read")
	}
	c.pending = 0
	if c.err != nil {
		return values, nil, c.err
	}
	if c.record == nil {
		values = c.appendArray(values, operand{vbr, unabbreviated6})
		return values, nil, c.err
	}
	values, b := c.appendFields(values, c.record)
	return values, b, c.err
}

// appendNext is Next, and Operands if that gives a record, with the values
// appended to some that are there. It is there for those who read record after
// record, and does what both do in fewer steps.
func (c *Cursor) appendNext(values []uint64) (Entry, []uint64, []byte, error) {
	if c.pending == 0 && c.err == nil {
		c.at = c.pos
		word, _ := c.word() // 0, which is END_BLOCK, if it can not be had
		f := c.top()
		ops := c.defined(word & (1<<f.width - 1))
		if len(ops) > 0 && ops[0].encoding == literal && ops[0].value <= math.MaxUint32 && uint64(f.width) <= c.limit-c.pos {
			c.pos += uint64(f.width)
			values, b := c.appendFields(values, ops)
			return Entry{Record, uint32(ops[0].value)}, values, b, c.err
		}
	}
	e, err := c.Next()
	if err != nil || e.Kind != Record {
		return e, values, nil, err
	}
	values, b, err := c.appendOperands(values)
	return e, values, b, err
}

// appendFields reads what an abbreviation says of a record behind its code.
func (c *Cursor) appendFields(values []uint64, ops []operand) ([]uint64, []byte) {
	values = slices.Grow(values, len(ops)+shortArray)
	n, done := c.short(values[len(values):cap(values)], ops)
	values = values[:len(values)+n]
	if done {
		return values, nil
	}
	for i := 1 + n; i < len(ops) && c.err == nil; i++ {
		switch ops[i].encoding {
		case array:
			return c.appendArray(values, c.element(ops, i)), nil
		case blob:
			return values, c.readBlob(ops, i)
		}
		values = append(values, c.scalar(ops[i]))
	}
	return values, nil
}

// appendArray reads a number of elements and the elements.
func (c *Cursor) appendArray(values []uint64, element operand) []uint64 {
	n := c.count(c.vbr(6), element)
	if c.err != nil {
		return values
	}
	values = slices.Grow(values, int(n))
	for ; n > 0 && c.err == nil; n-- {
		values = append(values, c.scalar(element))
	}
	return values
}

// numberAndText reads a record of a number and a string, and appends the string to
// text. It returns how many operands that were.
func (c *Cursor) numberAndText(text []byte) (number uint64, _ []byte, operands int, err error) {
	if c.pending == Record && len(c.record) == 4 && c.record[2].encoding == array {
		if letter := c.record[3]; letter == (operand{fixed, 7}) || letter == (operand{fixed, 8}) {
			c.pending = 0
			number = c.scalar(c.record[1])
			n := int(c.count(c.vbr(6), letter))
			return number, c.appendLetters(text, n, uint(letter.value)), 1 + n, c.err
		}
	}
	ops, err := c.Operands()
	if err != nil {
		return 0, text, 0, err
	}
	if len(ops.Values) == 0 || ops.Blob != nil {
		return 0, text, 0, &Error{c.at, "record that is not a number and a string"}
	}
	for _, v := range ops.Values[1:] {
		text = append(text, byte(v))
	}
	return ops.Values[0], text, len(ops.Values), nil
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
