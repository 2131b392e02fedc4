// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bench

import (
	"os"
	"testing"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/reapi"
	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// BenchmarkDistributeRemote has the job file that DTLTO_BENCH_JOBS names distributed to
// the cluster at DTLTO_BENCH_SERVER, for profiles of what the client does:
//
//	go run ./bench/remote -make FOLDER
//	go run ./bench/reapiserver -simulate -slots 256
//	DTLTO_BENCH_JOBS=FOLDER/….dist-file.json DTLTO_BENCH_SERVER=grpc://127.0.0.1:PORT \
//	  go test -run '^$' -bench DistributeRemote/warm -benchtime 3x -cpuprofile cpu.out ./bench
func BenchmarkDistributeRemote(b *testing.B) {
	jobFile, server := os.Getenv("DTLTO_BENCH_JOBS"), os.Getenv("DTLTO_BENCH_SERVER")
	if jobFile == "" || server == "" {
		b.Skip("DTLTO_BENCH_JOBS names no job file or DTLTO_BENCH_SERVER no server")
	}
	// What is there already is not sent again: only a new server's first link is cold.
	for name, accept := range map[string]string{"warm": "false", "cached": "true"} {
		b.Run(name, func(b *testing.B) {
			distributeRemote(b, jobFile, []settings.Given{
				{Name: "remote-executor", Value: server}, {Name: "remote-jobs", Value: "320"},
				{Name: "remote-local-fallback", Value: "false"}, {Name: "remote-accept-cached", Value: accept},
			})
		})
	}
}

func distributeRemote(b *testing.B, jobFile string, given []settings.Given) {
	jobs, err := thinlto.ReadFile(jobFile)
	if err != nil {
		b.Fatal(err)
	}
	connect := func(o remote.Options) (driver.Cluster, error) { return reapi.Connect(o) }
	distribute := func() {
		b.StopTimer()
		for i := range jobs.Jobs {
			_ = os.Remove(jobs.Jobs[i].Object())
		}
		s := settings.Default()
		given = append(given, settings.Given{Name: "cache-dir", Value: b.TempDir()})
		if err := s.Load(given, func(string) string { return "" }); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := driver.Distribute(b.Context(), jobFile, s, connect, os.Stderr); err != nil {
			b.Fatal(err)
		}
	}
	distribute()
	before := measure.ProcessorTime()
	b.ResetTimer()
	for range b.N {
		distribute()
	}
	n := float64(b.N * len(jobs.Jobs))
	b.ReportMetric(float64((measure.ProcessorTime()-before).Microseconds())/n, "cpu-µs/job")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/n, "µs/job")
}
