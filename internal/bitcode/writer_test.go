// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestWriter writes numbers of all lengths at all positions and reads them back.
func TestWriter(t *testing.T) {
	var want []string
	w := newWriter()
	w.enter(8, 3)
	for n := range 70 {
		var ops []uint64
		for i := range n {
			ops = append(ops, uint64(1)<<(i%64), uint64(1)<<(i%64)-1, math.MaxUint64>>(i%64))
		}
		w.record(uint32(n*n), ops...)
		want = append(want, fmt.Sprint(n*n, ops, ""))
		w.enter(uint64(n+100), uint(n%31+2))
		w.record(uint32(n), 7)
		w.end()
		want = append(want, fmt.Sprint(n, []uint64{7}, ""))
	}
	w.end()
	for n := range 9 {
		w.enter(23, 3)
		w.blob(1, bytes.Repeat([]byte{'x'}, n))
		w.end()
		want = append(want, fmt.Sprint(1, []uint64(nil), string(bytes.Repeat([]byte{'x'}, n))))
	}
	c, err := NewCursor(w.bytes())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = walk(c, func(e Entry, ops Operands) {
		if e.Kind == Record {
			got = append(got, fmt.Sprint(e.ID, ops.Values, string(ops.Blob)))
		}
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\ngot  %.200q\nwant %.200q", err, got, want)
	}
}

// TestWriterBits holds what the writer writes against fields put together bit by
// bit.
func TestWriterBits(t *testing.T) {
	s, w := newBitstream(), newWriter()
	for width := uint(2); width <= 32; width++ {
		for shift := range uint(64) {
			v := uint64(math.MaxUint64) >> shift
			s.vbr(v, width).fixed(v&(1<<(64-shift)-1), 64-shift)
			w.vbr(v, width)
			w.fixed(v, 64-shift)
		}
	}
	s.align().enter(2, 8, 3, 2).fixed(unabbrev, 3).vbr(77, 6).vbr(1, 6).vbr(12345, 6).end(3)
	w.align()
	w.enter(8, 3)
	w.record(77, 12345)
	w.end()
	s.fixed(unabbrev, 2).vbr(7, 6).vbr(5000, 6)
	ops := make([]uint64, 5000)
	for i := range ops {
		ops[i] = uint64(i)
		if i > 2000 {
			ops[i] = math.MaxUint64 >> (i % 64)
		}
		s.vbr(ops[i], 6)
	}
	w.record(7, ops...)
	if !bytes.Equal(s.pad(0), w.bytes()) {
		t.Errorf("the bits differ")
	}
}

// emptied is a reader of everything in a bitstream.
func emptied(b []byte) error {
	c, err := NewCursor(b)
	if err == nil {
		err = walk(c, func(Entry, Operands) {})
	}
	return err
}
