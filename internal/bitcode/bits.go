// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathbits "math/bits"
	"slices"
)

// windowSize is how much of a file is read at a time, in bytes. Identifying a
// module jumps over nearly all of it, so a large window reads what nobody looks
// at; 8 KiB takes the records in front of an ordinary module's functions in one
// or two reads.
const windowSize = 8 << 10

// bits reads little-endian fields of up to 64 bits, from bytes in memory or
// through a window that moves over a file.
//
// Errors stick: the first one is kept in err, and from then on every read
// returns zero and moves nothing, so a caller may read several fields and look
// at err once. Whoever loops over a count from the input looks at it each time.
type bits struct {
	src   io.ReaderAt // nil if data is the whole stream
	data  []byte      // the stream, or the window
	whole uint64      // the places in data from which eight bytes can be had
	base  int64       // where data begins in the stream, in bytes
	size  int64       // of the stream, in bytes
	pos   uint64      // the next bit to read; at most limit
	limit uint64      // the end of the innermost open block, in bits
	err   error
}

// inMemory returns the bits of b.
func inMemory(b []byte) bits {
	n := int64(len(b))
	return bits{data: b, whole: wholeWords(b), size: n, limit: uint64(n) * 8}
}

func wholeWords(b []byte) uint64 { return uint64(max(0, len(b)-7)) }

// word returns the bits from the current position on, the lowest 57 of them or
// more; false means that the window or the stream ends too early for that. It
// does not look at limit. Most reads are of a few bits somewhere inside, and this
// is small enough to be put into the code that calls it.
func (b *bits) word() (uint64, bool) {
	return b.wordAt(b.pos)
}

func (b *bits) wordAt(pos uint64) (uint64, bool) {
	if at := pos>>3 - uint64(b.base); at < b.whole {
		return binary.LittleEndian.Uint64(b.data[at:]) >> (pos & 7), true
	}
	return 0, false
}

// wordBits is how many bits word gives at least.
const wordBits = 57

// read returns the next n bits, n from 1 to 64.
func (b *bits) read(n uint) uint64 {
	if v, ok := b.word(); ok && n <= wordBits && uint64(n) <= b.limit-b.pos {
		b.pos += uint64(n)
		return v & (1<<(n&63) - 1)
	}
	return b.readAcross(n)
}

// readAcross is read where a word does not hold all bits.
func (b *bits) readAcross(n uint) uint64 {
	if uint64(n) > b.limit-b.pos {
		b.failf("%d bits wanted, the block ends after %d", n, b.limit-b.pos)
		return 0
	}
	var tail [16]byte
	from := b.load(&tail)
	if from == nil {
		return 0
	}
	shift := uint(b.pos & 7)
	v := binary.LittleEndian.Uint64(from) >> shift
	if shift+n > 64 {
		v |= uint64(from[8]) << (64 - shift)
	}
	b.pos += uint64(n)
	return v & (1<<n - 1)
}

// load returns at least nine bytes from the current position on, moving the
// window if need be. What lies past the end of the stream reads as zero; limit
// keeps read from using it.
func (b *bits) load(tail *[16]byte) []byte {
	at := int64(b.pos >> 3)
	inside := at >= b.base && at < b.base+int64(len(b.data))
	last := b.base+int64(len(b.data)) == b.size
	if b.src != nil && (!inside || !last) && !b.fill(at) {
		return nil
	}
	from := b.data[at-b.base:]
	if len(from) < 9 {
		copy(tail[:], from)
		from = tail[:]
	}
	return from
}

// fill moves the window to byte at of the stream.
func (b *bits) fill(at int64) bool {
	if cap(b.data) == 0 {
		b.data = make([]byte, min(windowSize, b.size))
	}
	b.data = b.data[:min(int64(cap(b.data)), b.size-at)]
	b.base = at
	n, err := b.src.ReadAt(b.data, at)
	if n < len(b.data) {
		b.data = b.data[:0]
		b.fail(fmt.Errorf("bitcode at byte %d: %w", at+int64(n), unexpected(err)))
	}
	b.whole = wholeWords(b.data)
	return b.err == nil
}

// unexpected turns the end of a file that was said to be longer into an error
// that nobody can take for a proper end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// vbr reads an integer of variable length in chunks of n bits, n from 1 to 64, the
// highest bit of each chunk saying that another one follows.
func (b *bits) vbr(n uint) uint64 {
	word, ok := b.word()
	if !ok || n > wordBits {
		return b.vbrAcross(n)
	}
	v, used := chunks(word, n)
	if used-1 >= b.limit-b.pos { // 0 is none
		return b.vbrAcross(n)
	}
	b.pos += used
	return v
}

// chunks returns the integer that a word begins with, and how many bits it takes;
// 0 if it does not end within the word.
func chunks(word uint64, n uint) (v, used uint64) {
	more := uint64(1) << ((n - 1) & 63)
	v = word & (more - 1)
	used = uint64(n)
	for shift := n - 1; word&more != 0; shift += n - 1 {
		if used += uint64(n); used > wordBits {
			return 0, 0
		}
		word >>= n & 63
		v |= word & (more - 1) << (shift & 63)
	}
	return v, used
}

// vbrAcross is vbr where a word does not hold all chunks.
func (b *bits) vbrAcross(n uint) uint64 {
	if v, used := b.twoWords(n); used != 0 {
		b.pos += used
		return v
	}
	more := uint64(1) << (n - 1)
	chunk := b.read(n)
	v := chunk & (more - 1)
	for shift := n - 1; chunk&more != 0; shift += n - 1 {
		chunk = b.read(n)
		part := chunk & (more - 1)
		if shift >= 64 || part<<shift>>shift != part {
			b.failf("integer of more than 64 bits")
			return 0
		}
		v |= part << shift
	}
	return v
}

// twoWords returns the integer of chunks that the next two words hold, and how
// many bits it takes; 0 if they do not. A GUID in chunks of six bits is that long.
func (b *bits) twoWords(n uint) (v, used uint64) {
	word, ok := b.word()
	if !ok || n > wordBits/2 {
		return 0, 0
	}
	low := uint64(1)<<(n-1) - 1
	shift := uint(0)
	for ; used+uint64(n) <= wordBits; used += uint64(n) {
		v |= word & low << shift
		word >>= n
		shift += n - 1
	}
	word, ok = b.wordAt(b.pos + used)
	rest, more := chunks(word, n)
	if used += more; !ok || more == 0 || used > b.limit-b.pos || rest<<shift>>shift != rest {
		return 0, 0
	}
	return v | rest<<shift, used
}

// safe returns the position in front of which a word can be had in memory and does
// not reach past the limit.
func (b *bits) safe() uint64 {
	if b.src != nil || b.limit < 64 || b.whole == 0 {
		return 0
	}
	return min(b.limit-64, b.whole*8)
}

// appendLetters appends n letters of seven or eight bits, which are there.
func (b *bits) appendLetters(text []byte, n int, width uint) []byte {
	from := len(text)
	text = slices.Grow(text, n+8)[:from+n]
	to := text[from : from+n+8] // eight are written at once, a few of them in vain
	for i := 0; i < n; {
		word, ok := b.word()
		if !ok {
			to[i] = byte(b.read(width))
			i++
			continue
		}
		letters := 7
		if width == 7 {
			letters, word = 8, spread(word)
		}
		binary.LittleEndian.PutUint64(to[i:], word)
		letters = min(letters, n-i)
		b.pos += uint64(letters) * uint64(width)
		i += letters
	}
	return text
}

// spread gives each of eight letters of seven bits eight.
func spread(word uint64) uint64 {
	word = word&0x0000_0000_0fff_ffff | word&0x00ff_ffff_f000_0000<<4
	word = word&0x0000_3fff_0000_3fff | word&0x0fff_c000_0fff_c000<<2
	return word&0x007f_007f_007f_007f | word&0x3f80_3f80_3f80_3f80<<1
}

// holds reports whether n fields of width bits are left of the block.
func (b *bits) holds(n, width uint64) bool {
	over, size := mathbits.Mul64(n, width)
	return over == 0 && size <= b.limit-b.pos
}

// skip moves n fields of width bits on, and reports whether they are there.
func (b *bits) skip(n, width uint64) bool {
	if !b.holds(n, width) {
		b.failf("%d times %d bits wanted, the block ends after %d", n, width, b.limit-b.pos)
		return false
	}
	b.pos += n * width
	return true
}

// align moves to the next multiple of 32 bits.
func (b *bits) align() {
	if pad := -b.pos & 31; pad != 0 {
		b.skip(1, pad)
	}
}

// bytes returns the next n bytes; the position must be aligned. The slice is
// the stream's own if that is in memory.
func (b *bits) bytes(n uint64) []byte {
	at := int64(b.pos >> 3)
	if !b.skip(n, 8) {
		return nil
	}
	if b.src == nil {
		return b.data[at : at+int64(n) : at+int64(n)]
	}
	blob := make([]byte, n)
	if got, err := b.src.ReadAt(blob, at); got < len(blob) {
		b.fail(fmt.Errorf("bitcode at byte %d: %w", at+int64(got), unexpected(err)))
		return nil
	}
	return blob
}

// failf records that the stream is malformed at the current position.
func (b *bits) failf(format string, args ...any) {
	b.fail(&Error{b.pos, fmt.Sprintf(format, args...)})
}

// fail keeps the first error and ends the stream here.
func (b *bits) fail(err error) {
	if b.err == nil {
		b.err = err
	}
	b.limit = b.pos
}
