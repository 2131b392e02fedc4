// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "io"

// Magic numbers as 32-bit little-endian words.
const (
	rawMagic     = 0xdec04342 // 'B' 'C' 0xC0 0xDE
	wrapperMagic = 0x0b17c0de
)

// wrapperSize is the length of a wrapper header in bytes: magic, version, offset
// and size of the bitcode, CPU type, each a little-endian word.
const wrapperSize = 20

// unwrap steps behind a wrapper header, so that offsets and alignment count from
// the bitcode's own magic number.
func (c *Cursor) unwrap() {
	if c.size < wrapperSize || c.read(32) != wrapperMagic {
		c.pos = 0
		return
	}
	c.read(32) // version
	offset, size := int64(c.read(32)), int64(c.read(32))
	if c.err == nil && (offset < wrapperSize || offset+size > c.size) {
		c.failf("wrapper header points at bytes %d to %d of %d", offset, offset+size, c.size)
	}
	if c.err != nil {
		return
	}
	if c.src == nil {
		c.bits = inMemory(c.data[offset : offset+size])
		return
	}
	c.bits = bits{src: io.NewSectionReader(c.src, offset, size), size: size, limit: uint64(size) * 8}
}
