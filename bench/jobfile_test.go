// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/thinlto"
)

// importsPerJob is far more than common: a job of RE2 with Abseil has 3.2 on average.
const importsPerJob = 100

// appendModule appends the path of a module, about as long as CMake makes them.
func appendModule(b []byte, i int) []byte {
	b = append(b, "lib/Component"...)
	b = strconv.AppendInt(b, int64(i%500), 10)
	b = append(b, "/CMakeFiles/component.dir/source"...)
	b = strconv.AppendInt(b, int64(i), 10)
	return append(b, ".cpp.o"...)
}

// appendObject appends the path of the object for a module, named as LLD does.
func appendObject(b []byte, i int) []byte {
	b = append(appendModule(b, i), '.')
	b = strconv.AppendInt(b, int64(i+1), 10)
	return append(b, ".2704.native.o"...)
}

// appendJob appends job i of n; it imports modules from all over the link.
func appendJob(b []byte, i, n int) []byte {
	b = append(appendModule(append(b, `{"args":["`...), i), `","-fthinlto-index=`...)
	b = append(appendObject(b, i), `.thinlto.bc","-o","`...)
	b = append(appendObject(b, i), `"],"inputs":["`...)
	b = append(appendModule(b, i), `","`...)
	b = append(appendObject(b, i), `.thinlto.bc"`...)
	for k := range importsPerJob {
		b = append(appendModule(append(b, `,"`...), (i*7919+k*104729+1)%n), '"')
	}
	b = append(b, `],"outputs":["`...)
	return append(appendObject(b, i), `"]}`...)
}

// writeJobFile writes the job file of a link of n modules, never holding more than a job.
func writeJobFile(out io.Writer, n int) error {
	w := bufio.NewWriterSize(out, 64<<10)
	_, _ = w.WriteString(`{"common":{"linker_output":"p","args":["clang","-c","-O2"],"inputs":[]},"jobs":[`)
	var b []byte
	for i := range n {
		b = appendJob(b[:0], i, n)
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.Write(b)
	}
	_, _ = w.WriteString("]}")
	return w.Flush() // reports the first error of all
}

// A memoryWatch notes the most memory that the Go runtime holds, sampled every 2 ms: the
// heap with its garbage and fragmentation, stacks and the runtime's own.
type memoryWatch struct{ stop, done chan struct{} }

func held() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// watchMemory starts a watch that keeps the largest value seen in peak until it ends.
func watchMemory(peak *uint64) memoryWatch {
	w := memoryWatch{make(chan struct{}), make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			*peak = max(*peak, held())
			select {
			case <-w.stop:
				return
			case <-tick.C:
			}
		}
	}()
	return w
}

func (w memoryWatch) end() { close(w.stop); <-w.done }

// live returns the bytes of heap that are in use, after a collection.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkReadJobFile(b *testing.B) {
	for _, n := range []int{1_000, 50_000} {
		b.Run(fmt.Sprintf("jobs=%d", n), func(b *testing.B) { benchmarkReadJobFile(b, n) })
	}
}

func benchmarkReadJobFile(b *testing.B, n int) {
	path := filepath.Join(b.TempDir(), "jobs.json")
	out, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := writeJobFile(out, n); err != nil {
		b.Fatal(err)
	}
	size, err := out.Seek(0, io.SeekCurrent)
	if err != nil || out.Close() != nil {
		b.Fatal("job file not written: ", err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	var peak uint64
	var f *thinlto.JobFile
	before := live()
	watch := watchMemory(&peak)
	for b.Loop() {
		f = nil //nolint:ineffassign,wastedassign // the last one may go
		if f, err = thinlto.ReadFile(path); err != nil {
			b.Fatal(err)
		}
	}
	watch.end()
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(live()-before)/(1<<20), "live-MiB")
	if len(f.Jobs) != n {
		b.Fatalf("%d jobs", len(f.Jobs))
	}
}

// A link of 50,000 modules must be read within 1 GiB, the reader's garbage included.
func TestReadJobFileMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 300 MB, and -short is set")
	}
	const jobs, limit = 50_000, 1 << 30
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeJobFile(w, jobs)) }()
	var peak uint64
	before := live()
	watch := watchMemory(&peak)
	f, err := thinlto.Read("jobs.json", r)
	watch.end()
	r.Close() // lets the writer go if Read stopped early
	if err != nil {
		t.Fatal(err)
	}
	kept := live() - before
	t.Logf("%d jobs: %d MiB in use afterwards, %d MiB held at most", len(f.Jobs), kept>>20, peak>>20)
	if peak > limit {
		t.Errorf("%d bytes held at most, the limit is %d", peak, limit)
	}
	// Each use of a string is a string header: less would mean that something was dropped.
	if len(f.Jobs) != jobs || kept < jobs*importsPerJob*16 {
		t.Errorf("%d jobs in %d bytes", len(f.Jobs), kept)
	}
	if last := &f.Jobs[jobs-1]; len(last.Imports()) != importsPerJob {
		t.Errorf("the last job has %d imports", len(last.Imports()))
	}
}
