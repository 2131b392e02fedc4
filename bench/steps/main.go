// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command steps measures the links that a build system does in steps, of RE2 with
// Abseil: the thin link and the final link by LLD and by dtlto, and backends by clang and
// by dtlto, taking turns. It prints Markdown for docs/performance.md.
//
// usage: go run ./bench/steps [-llvm VERSION] [-n RUNS] [-backends NUMBER]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/corpus"
)

func main() {
	llvm := flag.Int("llvm", 19, "the LLVM to link with, 17 or newer")
	runs := flag.Int("n", 10, "how often each step is run")
	backends := flag.Int("backends", 20, "how many backends are run, one after the other")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *llvm, *runs, *backends); err != nil {
		fmt.Fprintln(os.Stderr, "steps:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, llvm, runs, backends int) error {
	bench, err := measure.Open(ctx)
	if err != nil {
		return err
	}
	defer bench.Close()
	cache, err := corpus.DefaultCache()
	if err != nil {
		return err
	}
	objects, err := corpus.RE2().Build(ctx, cache, llvm, corpus.ThinLTO()...)
	if err != nil {
		return err
	}
	l, err := newLink(ctx, bench, objects, llvm)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "RE2 with Abseil as objects, LLVM %d, median of %d runs taking turns.\n\n", llvm, runs)
	fmt.Fprintln(w, "| step | by | wall | ratio | processor time | ratio |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, step := range []struct {
		name string
		ways []*measure.Way
	}{
		{"thin link", l.thinLinks()},
		{fmt.Sprintf("%d backends", backends), l.backends(backends)},
		{"final link", l.finalLinks()},
	} {
		if err := measure.TakeTurns(ctx, runs, step.ways, nil); err != nil {
			return err
		}
		for _, way := range step.ways {
			fmt.Fprintf(w, "| %s | %s | %.1f ms | %.2f | %.1f ms | %.2f |\n", step.name, way.Name,
				measure.MS(way.Wall()), measure.Ratio(way.Wall(), step.ways[0].Wall()),
				measure.MS(way.CPU()), measure.Ratio(way.CPU(), step.ways[0].CPU()))
		}
	}
	return nil
}
