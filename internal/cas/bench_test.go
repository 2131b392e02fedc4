// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/cas/castest"
)

// objectSize is that of a small native object, in bytes.
const objectSize = 20_000

// known is a store with n actions, each with an object of its own.
func known(b *testing.B, n, size int, options cas.Options) (*cas.Disk, string) {
	b.Helper()
	d := open(b, filepath.Join(b.TempDir(), "cache"), options)
	in := filepath.Join(b.TempDir(), "in")
	data := castest.Blob(1, size)
	for seed := range n {
		copy(data, strconv.Itoa(seed))
		if err := os.WriteFile(in, data, 0o666); err != nil {
			b.Fatal(err)
		}
		digest, err := d.Put(b.Context(), in)
		if err != nil {
			b.Fatal(err)
		}
		r := cas.Result{Outputs: []cas.Output{{Name: "o", Digest: digest}}, Duration: 1}
		if err := d.Publish(b.Context(), castest.Key(seed), r); err != nil {
			b.Fatal(err)
		}
	}
	return d, b.TempDir()
}

func modes(b *testing.B, run func(*testing.B, cas.Options)) {
	b.Run("copy", func(b *testing.B) { run(b, cas.Options{}) })
	b.Run("link", func(b *testing.B) { run(b, cas.Options{HardLinks: true}) })
}

// hit is what a linker sees of one: the object appears, is read and is removed.
func hit(b *testing.B, d *cas.Disk, key cas.ActionKey, path string) {
	if _, err := cas.Restore(b.Context(), d, key, []cas.Place{{Name: "o", Path: path}}); err != nil {
		b.Error(err)
	}
}

func BenchmarkHit(b *testing.B) {
	for _, size := range []int{objectSize, 200_000, 2_000_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			modes(b, func(b *testing.B, options cas.Options) {
				d, out := known(b, 50, size, options)
				var keys []cas.ActionKey
				for seed := range 50 {
					keys = append(keys, castest.Key(seed))
				}
				path := filepath.Join(out, "module.o")
				b.ReportAllocs()
				start := processorTime()
				i := 0
				for b.Loop() {
					hit(b, d, keys[i%50], path)
					if err := os.Remove(path); err != nil {
						b.Fatal(err)
					}
					i++
				}
				b.ReportMetric(float64(processorTime()-start)/float64(i), "cpu-ns/op")
			})
		})
	}
}

func BenchmarkAbsent(b *testing.B) {
	d, _ := known(b, 1, objectSize, cas.Options{})
	key := castest.Key(-1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Result(b.Context(), key); err == nil {
			b.Fatal("found")
		}
	}
}

// One link of 20,000 modules, all known. The objects (400 MB of them) are removed
// between links, outside the measured time: many runs must not fill the disk.
func Benchmark20000Hits(b *testing.B) {
	const n = 20_000
	modes(b, func(b *testing.B, options cas.Options) {
		d, out := known(b, n, objectSize, options)
		keys := make([]cas.ActionKey, n)
		for seed := range n {
			keys[seed] = castest.Key(seed)
		}
		folder := filepath.Join(out, "link")
		var spent time.Duration
		run := 0
		for b.Loop() {
			run++
			if err := os.Mkdir(folder, 0o777); err != nil {
				b.Fatal(err)
			}
			start := processorTime()
			everyKey(n, func(seed int) {
				hit(b, d, keys[seed], fmt.Sprintf("%s/module.%d.native.o", folder, seed))
			})
			spent += processorTime() - start
			b.StopTimer()
			if err := os.RemoveAll(folder); err != nil || b.Failed() {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		b.ReportMetric(float64(spent)/float64(run)/n, "cpu-ns/hit")
	})
}

func everyKey(n int, f func(int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for seed := int(next.Add(1) - 1); seed < n; seed = int(next.Add(1) - 1) {
				f(seed)
			}
		})
	}
	group.Wait()
}

// A put of an object and the publication of its result, each time another of
// 2,000: entries are replaced, so that many runs must not fill the disk.
func BenchmarkPut(b *testing.B) {
	d, out := known(b, 0, objectSize, cas.Options{})
	data := castest.Blob(1, objectSize)
	in := filepath.Join(out, "in")
	b.ReportAllocs()
	for seed := 0; b.Loop(); seed++ {
		b.StopTimer()
		copy(data, strconv.Itoa(seed%2000))
		if err := os.WriteFile(in, data, 0o666); err != nil {
			b.Fatal(err)
		}
		key := castest.Key(seed % 2000)
		b.StartTimer()
		digest, err := d.Put(b.Context(), in)
		if err != nil {
			b.Fatal(err)
		}
		r := cas.Result{Outputs: []cas.Output{{Name: "o", Digest: digest}}, Duration: 1}
		if err := d.Publish(b.Context(), key, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLock(b *testing.B) {
	d := open(b, b.TempDir(), cas.Options{})
	b.ReportAllocs()
	for b.Loop() {
		unlock, err := d.Lock(b.Context(), castest.Key(1))
		if err != nil {
			b.Fatal(err)
		}
		unlock()
	}
}

// Counting a store of 20,000 actions, which Tidy does now and then.
func BenchmarkStat(b *testing.B) {
	d, _ := known(b, 20_000, 100, cas.Options{})
	for b.Loop() {
		if stats, err := d.Stat(b.Context()); err != nil || stats.Blobs != 20_000 {
			b.Fatal(stats, err)
		}
	}
}
