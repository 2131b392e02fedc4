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

// benchmarkShards are shards of about 0.5 and 60 KB.
func benchmarkShards(b *testing.B) map[string][]byte {
	var many, calls strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, "int v%d; int f%d(int x) { return v%d += x; }\n", i, i, i)
		fmt.Fprintf(&calls, "int f%d(int); int g%d(int x) { return f%d(x) + f%d(x + 1); }\n", i, i, i, (i*7)%(i+1))
	}
	large := thinLinkAll(b, "22", program{
		files: []string{"many.c", many.String(), "calls.c", calls.String()}, link: []string{"-shared"},
	})
	small := thinLinkAll(b, "22", programs[0])
	return map[string][]byte{"small": small.shard(b, "b/main.c.o"), "large": large.shard(b, "b/calls.c.o")}
}

// BenchmarkCanonicalise canonicalises one shard, as is done for each job.
func BenchmarkCanonicalise(b *testing.B) {
	for name, shard := range benchmarkShards(b) {
		rename, _ := ranks(b, shard)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(shard)))
			b.ReportAllocs()
			for b.Loop() {
				if s, err := Canonicalise(shard, rename, Options{}); err != nil || s.Form != Canonical {
					b.Fatal(s, err)
				}
			}
		})
	}
}

// BenchmarkIndexModules lists a shard's modules.
func BenchmarkIndexModules(b *testing.B) {
	for name, shard := range benchmarkShards(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if paths, err := IndexModules(shard); err != nil || len(paths) < 2 {
					b.Fatal(paths, err)
				}
			}
		})
	}
}
