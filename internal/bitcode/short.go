// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "encoding/binary"

// shortArray is the longest array that short reads.
const shortArray = 31

// short reads the fields of a record up to the first that is not as most are:
// fixed, or a few chunks that a word holds, or an array of those that is not long.
// It returns how many values that makes and whether they are all of the record. ops
// says how the record is written, its code, which has been read, first.
//
// Nearly all of a summary is read here. So it keeps the position in a variable,
// and calls nothing that is not inlined.
func (b *bits) short(to []uint64, ops []operand) (n int, done bool) {
	data, pos, safe := b.data, b.pos, b.safe()
	to = to[:len(ops)+shortArray]
	for i := 1; i < len(ops); i++ {
		op := &ops[i]
		width := uint(op.value)
		if pos >= safe || width > wordBits {
			b.pos = pos
			return n, false
		}
		word := binary.LittleEndian.Uint64(data[pos>>3:]) >> (pos & 7)
		v, used := uint64(0), uint64(0)
		switch op.encoding {
		case fixed:
			v, used = word&(1<<(width&63)-1), uint64(width)
		case vbr:
			v, used = chunks(word, width)
		case array:
			b.pos = pos
			if len(ops) != i+2 || ops[i+1].encoding != vbr {
				return n, false
			}
			all := b.shortArray(to[n:], uint(ops[i+1].value))
			return n + max(all, 0), all >= 0
		}
		if used == 0 {
			b.pos = pos
			return n, false
		}
		to[n] = v
		n++
		pos += used
	}
	b.pos = pos
	return n, true
}

// shortArray reads an array of integers in chunks of n bits, each of which a word
// holds. It returns how many they are, or -1, having read nothing, if it is not
// such an array.
func (b *bits) shortArray(to []uint64, n uint) int {
	data, pos, safe := b.data, b.pos, b.safe()
	if pos >= safe || n > wordBits {
		return -1
	}
	count := int(binary.LittleEndian.Uint64(data[pos>>3:]) >> (pos & 7) & 63)
	if count > shortArray {
		return -1
	}
	to = to[:count]
	pos += 6
	for i := range to {
		if pos >= safe {
			return -1
		}
		v, used := chunks(binary.LittleEndian.Uint64(data[pos>>3:])>>(pos&7), n)
		if used == 0 {
			return -1
		}
		to[i] = v
		pos += used
	}
	b.pos = pos
	return count
}
