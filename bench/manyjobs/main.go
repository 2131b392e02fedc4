// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command manyjobs measures `dtlto distribute` on links of 5,000 and of 20,000
// modules whose objects are all in the cache, without and with a record of the
// link before, beside a distributor that only makes the hard links. The thin
// links are real ones, by LLD 22, of small modules with about 20 inputs a job; the
// compiler that fills the cache only copies. It prints Markdown for
// docs/performance.md.
//
// usage: go run ./bench/manyjobs [-n RUNS]
//
//	go run ./bench/manyjobs -make FOLDER [-jobs N]
//
// The second leaves a link's job file in a new folder, for profiles, and prints
// its path.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/bench/synthetic"
)

func main() {
	runs := flag.Int("n", 5, "how often each distribution is run")
	folder := flag.String("make", "", "make a link's job file in this new `folder` and do nothing else")
	jobs := flag.Int("jobs", 20_000, "with -make: how many jobs")
	flag.Parse()
	ctx := context.Background()
	var err error
	if *folder != "" {
		var jobFile string
		if jobFile, err = synthetic.Make(ctx, *folder, *jobs, synthetic.Around); err == nil {
			fmt.Println(jobFile)
		}
	} else {
		err = run(ctx, os.Stdout, *runs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "manyjobs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, runs int) error {
	bench, err := measure.Open(ctx, "./bench/floor")
	if err != nil {
		return err
	}
	defer bench.Close()
	fmt.Fprintf(w, "All from the cache: median of %d runs taking turns.\n\n", runs)
	fmt.Fprintln(w, "| jobs | | wall | processor time | a job | most memory | a job, of the smaller link |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	var smaller []*measure.Way
	for _, jobs := range []int{5_000, 20_000} {
		ways, err := measureLink(ctx, bench, jobs, runs)
		if err != nil {
			return fmt.Errorf("%d jobs: %w", jobs, err)
		}
		for i, way := range ways {
			growth := "|"
			if smaller != nil {
				growth = fmt.Sprintf(" %.2f |", measure.Ratio(way.CPU(), smaller[i].CPU())/4)
			}
			fmt.Fprintf(w, "| %d | %s | %.2f s | %.2f s | %.0f µs | %d MiB |%s\n", jobs, way.Name, way.Wall().Seconds(),
				way.CPU().Seconds(), way.CPU().Seconds()*1e6/float64(jobs), way.Memory()>>20, growth)
		}
		smaller = ways
	}
	return nil
}

// measureLink makes a link and distributes it again and again.
func measureLink(ctx context.Context, bench *measure.Bench, jobs, runs int) ([]*measure.Way, error) {
	folder := bench.In(strconv.Itoa(jobs))
	defer func() { _ = os.RemoveAll(folder) }()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// By another process: a child's memory counts from the most of its parent's.
	_, said, err := measure.Run(ctx, "", []string{self, "-make", folder, "-jobs", strconv.Itoa(jobs)})
	if err != nil {
		return nil, err
	}
	l := &link{
		bench: bench, jobFile: strings.TrimSpace(said), objects: filepath.Join(folder, "objects"),
		known: filepath.Join(folder, "known"), cache: filepath.Join(folder, "cache"),
	}
	if _, compiled, err := l.distribute(ctx); err != nil || compiled != jobs {
		return nil, fmt.Errorf("%d of %d jobs were compiled: %w", compiled, jobs, err)
	}
	if err := l.keepObjects(); err != nil {
		return nil, err
	}
	ways := []*measure.Way{
		{Name: "floor", Do: l.floor},
		{Name: "dtlto, no record", Do: l.forgotten},
		{Name: "dtlto", Do: l.cached},
	}
	return ways, measure.TakeTurns(ctx, runs, ways, nil)
}
