// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// largeModule compiles a file of many functions with debug info, about 2 MB of
// bitcode.
func largeModule(b *testing.B) []byte {
	var source strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&source, "int f%d(int *p, int n) { int s = %d; for (int i = 0; i < n; i++) s += p[i] * s; return s; }\n", i, i)
	}
	return read(b, compile(b, "22", "large.c", source.String(), "-flto=thin", "-g"))
}

// A countingReader counts what is read through it.
type countingReader struct {
	r            io.ReaderAt
	reads, bytes int64
}

func (c *countingReader) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.r.ReadAt(b, at)
	c.reads++
	c.bytes += int64(n)
	return n, err
}

// BenchmarkIdentify identifies through a window, as the linker driver does, and
// shows how much of the file that reads.
func BenchmarkIdentify(b *testing.B) {
	small := read(b, compile(b, "22", "small.c", sampleC, "-flto=thin"))
	for name, data := range map[string][]byte{"small": small, "large": largeModule(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := &countingReader{r: bytes.NewReader(data)}
			for b.Loop() {
				if id, err := IdentifyAt(r, int64(len(data))); err != nil || !id.ThinLTO() {
					b.Fatal(id, err)
				}
			}
			b.ReportMetric(float64(r.bytes)/float64(b.N)/float64(len(data)), "read/size")
			b.ReportMetric(float64(r.reads)/float64(b.N), "reads/op")
		})
	}
}

// BenchmarkWalk reads every operand of every record.
func BenchmarkWalk(b *testing.B) {
	data := largeModule(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := NewCursor(data)
		if err == nil {
			err = walk(c, func(Entry, Operands) {})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
