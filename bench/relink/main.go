// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command relink measures linking RE2 with Abseil again: with nothing changed, and
// with one module changed. It compares LLD's in-process ThinLTO with a warm
// --thinlto-cache-dir, with LLVM 22 LLD's DTLTO with a distributor that only
// hard-links known objects (bench/floor), and ld.dtlto with a warm cache. They take turns,
// and the linker is called directly, as clang would call it. It prints Markdown
// for docs/performance.md.
//
// usage: go run ./bench/relink [-llvm VERSION] [-n RUNS] [-edits RUNS]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/corpus"
)

func main() {
	runs := flag.Int("n", 40, "how often each relink without a change is run")
	edits := flag.Int("edits", 20, "how often each relink after an edit is run")
	llvm := flag.Int("llvm", 22, "the LLVM to link with")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *llvm, *runs, *edits); err != nil {
		fmt.Fprintln(os.Stderr, "relink:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, llvm, runs, edits int) error {
	bench, err := measure.Open(ctx, "./bench/naive", "./bench/floor")
	if err != nil {
		return err
	}
	defer bench.Close()
	library, err := openLibrary(ctx, bench, llvm)
	if err != nil {
		return err
	}
	if runs > 0 {
		fmt.Fprintf(w, "Nothing changed: median of %d runs taking turns.\n\n", runs)
		base := "in-process"
		if llvm >= 22 {
			base = "the floor"
		}
		fmt.Fprintf(w, "| library as | modules | | wall | of %s | processor time | of %s |\n", base, base)
		fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
		for _, form := range library.forms() {
			if err := unchanged(ctx, w, bench, form, llvm, runs); err != nil {
				return fmt.Errorf("%s: %w", form.name, err)
			}
		}
	}
	if edits > 0 {
		return edited(ctx, w, bench, library, edits)
	}
	return nil
}

// unchanged measures relinks of one form of the library without a change.
func unchanged(ctx context.Context, w io.Writer, bench *measure.Bench, f form, llvm, runs int) error {
	inProcess, err := newInProcess(ctx, bench, f)
	if err != nil {
		return err
	}
	dtlto, err := newDtlto(ctx, bench, f)
	if err != nil {
		return err
	}
	// A first link fills the caches; in all later ones nothing may be compiled.
	links, base := []link{inProcess, dtlto}, 0
	if llvm >= 22 {
		floor, err := newFloor(ctx, bench, f)
		if err != nil {
			return err
		}
		links, base = []link{inProcess, floor, dtlto}, 1
	}
	for _, l := range links {
		if _, _, err := l.run(ctx); err != nil {
			return err
		}
	}
	var ways []*measure.Way
	for _, l := range links {
		ways = append(ways, &measure.Way{Name: l.name(), Do: func(ctx context.Context) (measure.Cost, error) {
			cost, compiled, err := l.run(ctx)
			if err == nil && compiled > 0 {
				err = fmt.Errorf("%d modules were compiled", compiled)
			}
			return cost, err
		}})
	}
	if err := measure.TakeTurns(ctx, runs, ways, nil); err != nil {
		return err
	}
	for _, way := range ways {
		fmt.Fprintf(w, "| %s | %d | %s | %.1f ms | %.2f | %.1f ms | %.2f |\n", f.name, dtlto.modules, way.Name,
			measure.MS(way.Wall()), measure.Ratio(way.Wall(), ways[base].Wall()),
			measure.MS(way.CPU()), measure.Ratio(way.CPU(), ways[base].CPU()))
	}
	return nil
}

// A form is one way of giving the library to the linker.
type form struct {
	name   string
	driver string
	inputs []string
}

// command is the linker's command line for the form.
func (f form) command(ctx context.Context, output, linker string, flags ...string) ([]string, error) {
	args := slices.Concat(corpus.ThinLTO(), []string{"-fuse-ld=" + linker, "-o", output}, f.inputs)
	argv, err := measure.LinkerCommand(ctx, f.driver, args...)
	return append(argv, flags...), err
}
