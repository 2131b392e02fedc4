// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command links measures whole links of real programs: in-process by LLD, through a
// naive distributor that runs two jobs at a time in file order (LLVM 22), and
// through dtlto, natively (22) and in steps, taking turns so that whatever else the
// machine does falls on all alike. It also measures what ld.dtlto adds to a link
// without LTO. It prints Markdown for docs/performance.md.
//
// usage: go run ./bench/links [-llvm VERSION] [-n RUNS] [-short RUNS]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/corpus"
)

func main() {
	runs := flag.Int("n", 5, "how often each ThinLTO link is run")
	llvm := flag.Int("llvm", 22, "the LLVM to link with")
	short := flag.Int("short", 40, "how often each link without LTO is run")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *llvm, *runs, *short); err != nil {
		fmt.Fprintln(os.Stderr, "links:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, llvm, runs, short int) error {
	bench, err := measure.Open(ctx, "./bench/naive")
	if err != nil {
		return err
	}
	defer bench.Close()
	cache, err := corpus.DefaultCache()
	if err != nil {
		return err
	}
	threads := runtime.NumCPU()
	fmt.Fprintf(w, "%d processors, `--threads=%d`, LLVM %d, library as an archive, median of %d runs taking turns.\n\n",
		threads, threads, llvm, runs)
	fmt.Fprintln(w, "| link | modules | | wall | ratio | processor time | ratio |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for _, p := range corpus.All() {
		if err := thinLTO(ctx, w, p, cache, bench, llvm, runs); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	fmt.Fprintf(w, "\nLinks without LTO, median of %d runs taking turns, the linker called directly.\n\n", short)
	fmt.Fprintln(w, "| link | ld.lld | ld.dtlto | difference | ratio |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	for _, p := range corpus.All() {
		if err := noLTO(ctx, w, p, cache, bench, llvm, short); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

func thinLTO(ctx context.Context, w io.Writer, p corpus.Program, cache string, bench *measure.Bench, llvm, runs int) error {
	objects, err := p.Build(ctx, cache, llvm, corpus.ThinLTO()...)
	if err != nil {
		return err
	}
	var modules int
	link := func(name string, flags ...string) *measure.Way {
		argv := slices.Concat([]string{objects.Driver, "-O2", "-flto=thin", fmt.Sprintf("-Wl,--threads=%d", runtime.NumCPU())},
			flags, objects.FromArchive(), []string{"-o", bench.In(p.Name)})
		return &measure.Way{Name: name, Do: func(ctx context.Context) (measure.Cost, error) {
			cost, said, err := measure.Run(ctx, "", argv)
			if err != nil || !strings.HasPrefix(name, "dtlto") {
				return cost, err
			}
			if _, err := fmt.Sscanf(said, "dtlto: %d jobs", &modules); err != nil {
				return cost, fmt.Errorf("the link was not distributed: %q", said)
			}
			return cost, nil
		}}
	}
	ways := []*measure.Way{link("in-process", "-fuse-ld=lld")}
	if llvm >= 22 {
		ways = append(ways, link("naive", "-fuse-ld=lld", "-Wl,--thinlto-distributor="+bench.Program("naive"),
			fmt.Sprintf("-Wl,--thinlto-remote-compiler=/usr/bin/clang-%d", llvm)),
			link("dtlto, native", "-fuse-ld=dtlto", "-Wl,--dtlto-no-cache,--dtlto-summary"))
	}
	ways = append(ways, link("dtlto, staged", "-fuse-ld=dtlto", "-Wl,--dtlto-no-cache,--dtlto-summary,--dtlto-mode=staged"))
	if err := measure.TakeTurns(ctx, runs, ways, nil); err != nil {
		return err
	}
	for _, way := range ways {
		wall, cpu := way.Wall(), way.CPU()
		fmt.Fprintf(w, "| %s | %d | %s | %.2f s | %.2f | %.2f s | %.2f |\n", p.Name, modules, way.Name,
			wall.Seconds(), measure.Ratio(wall, ways[0].Wall()), cpu.Seconds(), measure.Ratio(cpu, ways[0].CPU()))
	}
	return nil
}

func noLTO(ctx context.Context, w io.Writer, p corpus.Program, cache string, bench *measure.Bench, llvm, runs int) error {
	objects, err := p.Build(ctx, cache, llvm, "-O2")
	if err != nil {
		return err
	}
	argv, err := measure.LinkerCommand(ctx, objects.Driver, append([]string{"-fuse-ld=lld", "-o", bench.In(p.Name)}, objects.FromArchive()...)...)
	if err != nil {
		return err
	}
	lld, err := exec.LookPath(fmt.Sprintf("ld.lld-%d", llvm))
	if err != nil {
		return err
	}
	var ways []*measure.Way
	for _, linker := range []string{lld, bench.Program("ld.dtlto")} {
		// As clang calls it: nothing but the arguments says which LLD it is.
		argv := append([]string{linker}, argv[1:]...)
		ways = append(ways, &measure.Way{Name: linker, Do: func(ctx context.Context) (measure.Cost, error) {
			cost, _, err := measure.Run(ctx, "", argv)
			return cost, err
		}})
	}
	if err := measure.TakeTurns(ctx, runs, ways, nil); err != nil {
		return err
	}
	plain, ours := ways[0].Wall(), ways[1].Wall()
	fmt.Fprintf(w, "| %s | %.1f ms | %.1f ms | %.1f ms | %.2f |\n", p.Name,
		measure.MS(plain), measure.MS(ours), measure.MS(ours-plain), measure.Ratio(ours, plain))
	return nil
}
