// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"math"

	"github.com/dtlto/dtlto/internal/cas"
)

// reader takes values off the front of rest. After the first that is not there,
// it is broken, with nothing left, and gives zeros.
type reader struct {
	rest   []byte
	broken bool
	left   int // of rest when it broke
}

func (r *reader) fail() {
	if !r.broken {
		r.rest, r.broken, r.left = nil, true, len(r.rest)
	}
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) unsigned() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		v := uint64(r.rest[0])
		r.rest = r.rest[1:]
		return v
	}
	return r.longer()
}

func (r *reader) longer() uint64 {
	var v uint64
	for i, b := range r.rest {
		if b < 0x80 {
			if i == 9 && b > 1 {
				break
			}
			r.rest = r.rest[i+1:]
			return v | uint64(b)<<(7*i)
		}
		if i == 9 {
			break
		}
		v |= uint64(b&0x7f) << (7 * i)
	}
	r.fail()
	return 0
}

// number gives at most [math.MaxInt64].
func (r *reader) number() int64 {
	v := r.unsigned()
	if v > math.MaxInt64 {
		r.fail()
		return 0
	}
	return int64(v)
}

// small gives at most [math.MaxInt32].
func (r *reader) small() int {
	v := r.number()
	if v > math.MaxInt32 {
		r.fail()
		return 0
	}
	return int(v)
}

// signed is a number that was written by [binary.AppendVarint].
func (r *reader) signed() int64 {
	v := r.unsigned()
	return int64(v>>1) ^ -int64(v&1)
}

// count is how many of something follow, each of at least the given size.
func (r *reader) count(size int) int {
	n := r.number()
	if n > int64(len(r.rest)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) take(n int64) []byte {
	if n > int64(len(r.rest)) {
		r.fail()
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) digest() (d cas.Digest) {
	copy(d.Hash[:], r.take(int64(len(d.Hash))))
	d.Size = r.number()
	return d
}
