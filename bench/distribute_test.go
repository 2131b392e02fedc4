// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bench

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// BenchmarkDistribute takes every object of RE2 with Abseil from the cache, as in
// a link with nothing changed, for profiles of what dtlto itself does:
//
//	go test -run '^$' -bench 'Distribute/archive' -cpuprofile cpu.out ./bench
func BenchmarkDistribute(b *testing.B) {
	cache, err := corpus.DefaultCache()
	if err != nil {
		b.Fatal(err)
	}
	objects, err := corpus.RE2().Build(b.Context(), cache, 22, corpus.ThinLTO()...)
	if err != nil {
		b.Fatal(err)
	}
	for name, inputs := range map[string][]string{"archive": objects.FromArchive(), "objects": objects.FromObjects()} {
		b.Run(name, func(b *testing.B) {
			args := slices.Concat(corpus.ThinLTO(), []string{"-fuse-ld=lld", "-o", filepath.Join(b.TempDir(), "program")}, inputs)
			argv, err := measure.LinkerCommand(b.Context(), objects.Driver, args...)
			if err != nil {
				b.Fatal(err)
			}
			jobFile, err := measure.SaveJobs(b.Context(), argv, "/usr/bin/clang-22")
			if err != nil {
				b.Fatal(err)
			}
			benchmarkDistribute(b, jobFile)
		})
	}
}

// BenchmarkDistributeSaved does the same for the job file that DTLTO_BENCH_JOBS
// names, with the cache in XDG_CACHE_HOME: "go run ./bench/manyjobs -make FOLDER"
// makes a large one.
func BenchmarkDistributeSaved(b *testing.B) {
	jobFile := os.Getenv("DTLTO_BENCH_JOBS")
	if jobFile == "" {
		b.Skip("DTLTO_BENCH_JOBS names no job file")
	}
	distributeAgain(b, jobFile)
}

func benchmarkDistribute(b *testing.B, jobFile string) {
	b.Setenv("XDG_CACHE_HOME", b.TempDir())
	if err := driver.Distribute(b.Context(), jobFile, settings.Default(), nil, os.Stderr); err != nil {
		b.Fatal(err)
	}
	distributeAgain(b, jobFile)
}

func distributeAgain(b *testing.B, jobFile string) {
	jobs, err := thinlto.ReadFile(jobFile)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		for i := range jobs.Jobs { // LLD removes them too
			_ = os.Remove(jobs.Jobs[i].Object())
		}
		b.StartTimer()
		if err := driver.Distribute(b.Context(), jobFile, settings.Default(), nil, os.Stderr); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(jobs.Jobs)), "µs/job")
}
