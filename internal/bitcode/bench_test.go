// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/corpus"
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

// programShards are the shards of a real program, linked by LLVM 22 from its
// archive.
func programShards(b *testing.B, p corpus.Program) [][]byte {
	b.Helper()
	cache, err := corpus.DefaultCache()
	if err != nil {
		b.Fatal(err)
	}
	o, err := p.Build(b.Context(), cache, 22, corpus.ThinLTO()...)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	_, _, err = o.Link(b.Context(), o.FromArchive(), filepath.Join(dir, "program"), "-fuse-ld=lld", "-flto=thin",
		"-Wl,--thinlto-index-only="+filepath.Join(dir, "modules"), "-Wl,--thinlto-prefix-replace=/;"+dir+"/")
	if err != nil {
		b.Fatal(err)
	}
	var shards [][]byte
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".bc" {
			shards = append(shards, read(b, path))
		}
		return err
	})
	if err != nil || len(shards) == 0 {
		b.Fatalf("%d shards, %v", len(shards), err)
	}
	return shards
}

// BenchmarkCanonicalise reads and canonicalises shards one after the other, as is
// done for the jobs of a link: all those of a real program, or always the same.
func BenchmarkCanonicalise(b *testing.B) {
	for name, shard := range benchmarkShards(b) {
		b.Run(name, func(b *testing.B) { canonicaliseAll(b, [][]byte{shard}) })
	}
	for _, p := range corpus.All() {
		b.Run(p.Name, func(b *testing.B) { canonicaliseAll(b, programShards(b, p)) })
	}
}

func canonicaliseAll(b *testing.B, shards [][]byte) {
	size, modules := 0, 0
	for _, shard := range shards {
		size += len(shard)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var x Index
	for b.Loop() {
		modules = 0
		for _, shard := range shards {
			if err := x.Read(shard); err != nil {
				b.Fatal(err)
			}
			modules += len(x.Modules())
			if s, err := x.Canonicalise(same, Options{}); err != nil || s.Form != Canonical {
				b.Fatal(s, err)
			}
		}
	}
	b.ReportMetric(float64(len(shards)), "shards/op")
	b.ReportMetric(float64(modules), "modules/op")
}
