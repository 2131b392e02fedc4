// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

// A bitstream is built field by field, to make what no LLVM would write.
type bitstream struct {
	b    []byte
	bits uint
}

func newBitstream() *bitstream { return (&bitstream{}).fixed(rawMagic, 32) }

func (s *bitstream) fixed(v uint64, width uint) *bitstream {
	for i := range width {
		if s.bits%8 == 0 {
			s.b = append(s.b, 0)
		}
		s.b[s.bits/8] |= byte(v>>i&1) << (s.bits % 8)
		s.bits++
	}
	return s
}

func (s *bitstream) vbr(v uint64, width uint) *bitstream {
	for more := uint64(1) << (width - 1); v >= more; v >>= width - 1 {
		s.fixed(v&(more-1)|more, width)
	}
	return s.fixed(v, width)
}

func (s *bitstream) align() *bitstream { return s.fixed(0, -s.bits%32) }

// enter begins a block from within one whose abbreviation ids have this width.
func (s *bitstream) enter(width uint, id uint64, newWidth, words uint64) *bitstream {
	return s.fixed(enterBlock, width).vbr(id, 8).vbr(newWidth, 4).align().fixed(words, 32)
}

func (s *bitstream) end(width uint) *bitstream { return s.fixed(endBlock, width).align() }

// define begins an abbreviation of n operands.
func (s *bitstream) define(width uint, n uint64) *bitstream {
	return s.fixed(defineAbbrev, width).vbr(n, 5)
}

func (s *bitstream) literal(v uint64) *bitstream { return s.fixed(1, 1).vbr(v, 8) }

func (s *bitstream) encoding(e uint8) *bitstream { return s.fixed(0, 1).fixed(uint64(e), 3) }

func (s *bitstream) field(e uint8, width uint64) *bitstream { return s.encoding(e).vbr(width, 5) }

func (s *bitstream) pad(words int) []byte {
	return append(s.align().b, make([]byte, 4*words)...)
}

// wrapped returns a wrapper header and n zero bytes.
func wrapped(offset, size uint64, n int) []byte {
	s := (&bitstream{}).fixed(wrapperMagic, 32).fixed(0, 32).fixed(offset, 32).fixed(size, 32).fixed(7, 32)
	return append(s.b, make([]byte, n)...)
}
