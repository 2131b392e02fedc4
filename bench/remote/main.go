// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command remote measures what `dtlto distribute` itself costs when compiles go to a
// cluster. The link is a real thin link by LLD 22 of many small modules, a hundred of
// which are imported by all others; the cluster is the tests' server, in a process of
// its own on this machine, which makes objects up after a pause. The compiler that is
// sent there is a small program, because a real one would drown what is measured. It
// prints Markdown for docs/performance.md.
//
// usage: go run ./bench/remote [-jobs N] [-imports N] [-slots N] [-sleep D[,D...]] [-n RUNS]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/bench/synthetic"
)

// figures are what is to be measured.
type figures struct {
	jobs, imports int
	slots         int
	ahead         int // compiles that are given to the server at once, more than it has slots
	sleeps        []time.Duration
	spread        float64
	runs          int
}

func main() {
	var f figures
	flag.IntVar(&f.jobs, "jobs", 5000, "compiles in the link")
	flag.IntVar(&f.imports, "imports", 100, "modules that all others import from")
	flag.IntVar(&f.slots, "slots", 256, "compiles that the server runs at once")
	flag.IntVar(&f.ahead, "remote-jobs", 320, "compiles that the client gives it at once")
	flag.IntVar(&f.runs, "n", 3, "how often each is run")
	flag.Float64Var(&f.spread, "spread", 0.5, "in the second of the links with pauses, how much of a pause each may be longer or shorter")
	sleeps := flag.String("sleep", "1s,2s", "how long a compile is, in the links with pauses; empty for none of these")
	folder := flag.String("make", "", "make the link's job file in this new `folder`, print its path and do nothing else")
	flag.Parse()
	err := f.setSleeps(*sleeps)
	if err == nil && *folder != "" {
		err = f.make(context.Background(), *folder)
	} else if err == nil {
		err = f.print(context.Background(), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "remote:", err)
		os.Exit(1)
	}
}

func (f *figures) setSleeps(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		if word == "" {
			continue
		}
		d, err := time.ParseDuration(word)
		if err != nil {
			return err
		}
		f.sleeps = append(f.sleeps, d)
	}
	return nil
}

func (f *figures) make(ctx context.Context, folder string) error {
	jobFile, err := synthetic.Make(ctx, folder, f.jobs, synthetic.Shared(f.imports))
	if err == nil {
		fmt.Println(jobFile)
	}
	return err
}

func (f *figures) print(ctx context.Context, w io.Writer) error {
	bench, err := measure.Open(ctx, "./cmd/dtlto-remote", "./bench/reapiserver")
	if err != nil {
		return err
	}
	defer bench.Close()
	l, err := f.link(ctx, bench)
	if err != nil {
		return err
	}
	if err := f.costs(ctx, w, l); err != nil {
		return err
	}
	if len(f.sleeps) == 0 {
		return nil
	}
	return f.makespans(ctx, w, l)
}
