// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/dtlto/dtlto/bench/measure"
)

// An edit is a change of one source that can be made again and again, each time
// to something new.
type edit struct {
	name   string
	source string
	lines  func(i int) string // added to the source
}

// edits are: in a module that no other imports from, in one that several import
// from, and in the first of the archive so that the offsets of all others move.
func edits() []edit {
	return []edit{
		{"function in a leaf", "vendor/re2/re2/onepass.cc", staticFunction},
		{"function in an imported module", "vendor/re2/re2/prog.cc", staticFunction},
		{"first member grows", "vendor/re2/re2/bitmap256.cc", table},
	}
}

func staticFunction(i int) string {
	return fmt.Sprintf("__attribute__((used)) static int dtlto_edit(int x) { return x * %d; }", 1000+i)
}

// table is an array that is larger each time.
func table(i int) string {
	return "__attribute__((used)) static const int dtlto_edit[] = {" + strings.Repeat("1,", 50*(i+1)) + "};"
}

func edited(ctx context.Context, w io.Writer, bench *measure.Bench, l *library, runs int) error {
	fmt.Fprintf(w, "\nOne module changed before each run: median of %d runs taking turns.\n\n", runs)
	fmt.Fprintln(w, "| change | library as | | compiled | wall | of in-process | processor time | of in-process |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	for _, e := range edits() {
		// The first variant is for the links that fill the caches, the second for the
		// round that is not measured.
		variants, err := l.variants(ctx, e.source, runs+2, e.lines)
		if err != nil {
			return err
		}
		for _, f := range l.forms() {
			if err := editedForm(ctx, w, bench, l, f, e, variants); err != nil {
				return fmt.Errorf("%s, %s: %w", e.name, f.name, err)
			}
		}
	}
	return nil
}

func editedForm(ctx context.Context, w io.Writer, bench *measure.Bench, l *library, f form, e edit, variants []string) error {
	// Caches that have not seen the variants in the other form.
	name := f.name
	f.name = strings.ReplaceAll(e.name, " ", "-") + "-" + name
	first, err := newInProcess(ctx, bench, f)
	if err != nil {
		return err
	}
	second, err := newDtlto(ctx, bench, f)
	if err != nil {
		return err
	}
	second.argv = append(second.argv, "--dtlto-cache-dir="+bench.In("dtlto-cache-"+f.name))
	links := []link{first, second}
	compiled := make([]int, len(links))
	if err := l.replace(ctx, l.object(e.source), variants[0]); err != nil {
		return err
	}
	var ways []*measure.Way
	for i, link := range links {
		if _, _, err := link.run(ctx); err != nil {
			return err
		}
		ways = append(ways, &measure.Way{Name: link.name(), Do: func(ctx context.Context) (measure.Cost, error) {
			cost, n, err := link.run(ctx)
			compiled[i] = max(compiled[i], n)
			return cost, err
		}})
	}
	before := func(round int) error { return l.replace(ctx, l.object(e.source), variants[round+1]) }
	if err := measure.TakeTurns(ctx, len(variants)-2, ways, before); err != nil {
		return err
	}
	for i, way := range ways {
		fmt.Fprintf(w, "| %s | %s | %s | %d | %.1f ms | %.2f | %.1f ms | %.2f |\n", e.name, name, way.Name, compiled[i],
			measure.MS(way.Wall()), measure.Ratio(way.Wall(), ways[0].Wall()),
			measure.MS(way.CPU()), measure.Ratio(way.CPU(), ways[0].CPU()))
	}
	return nil
}
