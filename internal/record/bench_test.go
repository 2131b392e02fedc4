// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// sizes of links, in modules: what four times the modules cost should be four
// times as much.
var sizes = []int{5_000, 20_000}

func BenchmarkSave(b *testing.B) {
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			l, folder := sampleLink(n), b.TempDir()
			b.ReportAllocs()
			start := processorTime()
			for b.Loop() {
				if err := l.Save(folder); err != nil {
					b.Fatal(err)
				}
			}
			reportProcessor(b, start)
			list, err := List(folder)
			if err != nil || len(list) != 1 {
				b.Fatal(list, err)
			}
			b.ReportMetric(float64(list[0].Bytes)/2, "file-bytes") // of two that are equal
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			l, folder := sampleLink(n), b.TempDir()
			if err := l.Save(folder); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			start := processorTime()
			for b.Loop() {
				if l, err := Load(folder, l.Output); err != nil || len(l.Jobs) != n {
					b.Fatal(err)
				}
			}
			reportProcessor(b, start)
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			l := sampleLink(n)
			modules := make([]string, n)
			for i := range modules {
				modules[i] = l.Jobs[i].Module
			}
			b.ReportAllocs()
			start := processorTime()
			for b.Loop() {
				if found := l.Match(modules); found[n-1] != &l.Jobs[n-1] {
					b.Fatal("not found")
				}
			}
			reportProcessor(b, start)
		})
	}
}

// The files of a link of which nothing has changed: all known.
func BenchmarkDigestsKnown(b *testing.B) {
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			folder := b.TempDir()
			later := time.Now().Add(time.Hour)
			paths := make([]string, n)
			first := NewDigests(nil, later, nil, nil)
			for i := range paths {
				paths[i] = filepath.Join(folder, fmt.Sprintf("component.source_file_%d.o", i))
				if err := os.WriteFile(paths[i], []byte(paths[i]), 0o666); err != nil {
					b.Fatal(err)
				}
				if _, err := first.Of(paths[i]); err != nil {
					b.Fatal(err)
				}
			}
			known := first.Files(nil)
			b.ReportAllocs()
			start := processorTime()
			for b.Loop() {
				d := NewDigests(known, later, nil, nil)
				for _, path := range paths {
					if _, err := d.Of(path); err != nil {
						b.Fatal(err)
					}
				}
				if files := d.Files(nil); len(files) != n {
					b.Fatal(len(files))
				}
			}
			reportProcessor(b, start)
		})
	}
}

// reportProcessor adds what the clock does not tell on a busy machine. It counts
// the garbage collector, which may run beside.
func reportProcessor(b *testing.B, start time.Duration) {
	b.ReportMetric(float64(processorTime()-start)/float64(b.N), "cpu-ns/op")
}
