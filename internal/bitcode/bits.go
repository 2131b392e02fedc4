// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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
	base  int64       // where data begins in the stream, in bytes
	size  int64       // of the stream, in bytes
	pos   uint64      // the next bit to read; at most limit
	limit uint64      // the end of the innermost open block, in bits
	err   error
}

// read returns the next n bits, n from 1 to 64.
func (b *bits) read(n uint) uint64 {
	if uint64(n) > b.limit-b.pos {
		b.failf("%d bits wanted, the block ends after %d", n, b.limit-b.pos)
		return 0
	}
	at := int64(b.pos>>3) - b.base
	var tail [16]byte
	var from []byte
	if at >= 0 && at+9 <= int64(len(b.data)) {
		from = b.data[at : at+9]
	} else if from = b.load(&tail); from == nil {
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
	if n, err := b.src.ReadAt(b.data, at); n < len(b.data) {
		b.data = b.data[:0]
		b.fail(fmt.Errorf("bitcode at byte %d: %w", at+int64(n), unexpected(err)))
		return false
	}
	return true
}

// unexpected turns the end of a file that was said to be longer into an error
// that nobody can take for a proper end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// vbr reads an integer of variable length in chunks of n bits, the highest bit
// of each chunk saying that another one follows.
func (b *bits) vbr(n uint) uint64 {
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

// skip moves n fields of width bits on, and reports whether they are there.
func (b *bits) skip(n, width uint64) bool {
	if n > (b.limit-b.pos)/width {
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
