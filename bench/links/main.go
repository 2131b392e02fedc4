// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command links measures whole links of real programs: in-process by LLD 22,
// through a naive distributor that runs two jobs at a time in file order, and
// through dtlto, taking turns so that whatever else the machine does falls on all
// alike. It also measures what ld.dtlto adds to a link without LTO. It prints
// Markdown for docs/performance.md.
//
// usage: go run ./bench/links [-n RUNS] [-short RUNS]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/corpus"
)

func main() {
	runs := flag.Int("n", 5, "how often each ThinLTO link is run")
	short := flag.Int("short", 40, "how often each link without LTO is run")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *runs, *short); err != nil {
		fmt.Fprintln(os.Stderr, "links:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, runs, short int) error {
	work, err := os.MkdirTemp("", "dtlto-links-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := buildPrograms(ctx, work); err != nil {
		return err
	}
	cache, err := corpus.DefaultCache()
	if err != nil {
		return err
	}
	threads := runtime.NumCPU()
	fmt.Fprintf(w, "%d processors, `--threads=%d`, LLVM 22, library as an archive, median of %d runs taking turns.\n\n",
		threads, threads, runs)
	fmt.Fprintln(w, "| link | modules | | wall | ratio | processor time | ratio |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for _, p := range corpus.All() {
		if err := thinLTO(ctx, w, p, cache, work, runs); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	fmt.Fprintf(w, "\nLinks without LTO, median of %d runs taking turns, the linker called directly.\n\n", short)
	fmt.Fprintln(w, "| link | ld.lld | ld.dtlto | difference | ratio |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	for _, p := range corpus.All() {
		if err := noLTO(ctx, w, p, cache, work, short); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

// buildPrograms builds what is measured into the folder and puts it on PATH.
func buildPrograms(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", dir, "./cmd/dtlto", "./bench/naive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.Symlink("dtlto", filepath.Join(dir, "ld.dtlto")); err != nil {
		return err
	}
	return os.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// A way is one way of linking.
type way struct {
	name  string
	flags []string
	costs []corpus.Cost
}

func thinLTO(ctx context.Context, w io.Writer, p corpus.Program, cache, work string, runs int) error {
	objects, err := p.Build(ctx, cache, 22, corpus.ThinLTO()...)
	if err != nil {
		return err
	}
	common := []string{"-O2", "-flto=thin", fmt.Sprintf("-Wl,--threads=%d", runtime.NumCPU())}
	ways := []*way{
		{name: "in-process", flags: []string{"-fuse-ld=lld"}},
		{name: "naive", flags: []string{"-fuse-ld=lld", "-Wl,--thinlto-distributor=" + filepath.Join(work, "naive"),
			"-Wl,--thinlto-remote-compiler=/usr/bin/clang-22"}},
		{name: "dtlto", flags: []string{"-fuse-ld=dtlto", "-Wl,--dtlto-summary"}},
	}
	var modules int
	for i := range runs + 1 {
		for _, way := range ways {
			output := filepath.Join(work, p.Name)
			cost, said, err := objects.Link(ctx, objects.FromArchive(), output, slices.Concat(common, way.flags)...)
			if err != nil {
				return err
			}
			if way.name == "dtlto" {
				if _, err := fmt.Sscanf(said, "dtlto: %d jobs", &modules); err != nil {
					return fmt.Errorf("the link was not distributed: %q", said)
				}
			}
			if i > 0 { // the first round warms the page cache
				way.costs = append(way.costs, cost)
			}
		}
	}
	for _, way := range ways {
		wall, cpu := way.wall(), way.cpu()
		fmt.Fprintf(w, "| %s | %d | %s | %.2f s | %.2f | %.2f s | %.2f |\n", p.Name, modules, way.name,
			wall.Seconds(), ratio(wall, ways[0].wall()), cpu.Seconds(), ratio(cpu, ways[0].cpu()))
	}
	return nil
}

func noLTO(ctx context.Context, w io.Writer, p corpus.Program, cache, work string, runs int) error {
	objects, err := p.Build(ctx, cache, 22, "-O2")
	if err != nil {
		return err
	}
	argv, err := linkerArgs(ctx, objects, filepath.Join(work, p.Name))
	if err != nil {
		return err
	}
	lld, err := exec.LookPath("ld.lld-22")
	if err != nil {
		return err
	}
	// As clang calls it: nothing but the arguments says which LLD it is.
	ways := []*way{{name: lld}, {name: filepath.Join(work, "ld.dtlto")}}
	for i := range runs + 1 {
		for _, way := range ways {
			start := time.Now()
			if out, err := exec.CommandContext(ctx, way.name, argv...).CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w\n%s", way.name, err, out)
			}
			if i > 0 {
				way.costs = append(way.costs, corpus.Cost{Wall: time.Since(start)})
			}
		}
	}
	plain, ours := ways[0].wall(), ways[1].wall()
	fmt.Fprintf(w, "| %s | %.1f ms | %.1f ms | %.1f ms | %.2f |\n", p.Name, ms(plain), ms(ours), ms(ours-plain), ratio(ours, plain))
	return nil
}

// linkerArgs is the linker command line that clang would run.
func linkerArgs(ctx context.Context, o corpus.Objects, output string) ([]string, error) {
	args := append([]string{"-###", "-fuse-ld=lld", "-o", output}, o.FromArchive()...)
	out, err := exec.CommandContext(ctx, o.Driver, args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s -###: %w\n%s", o.Driver, err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var argv []string
	for _, word := range strings.Fields(lines[len(lines)-1]) {
		// The words are quoted; none of these has a space or a quote in it.
		argv = append(argv, strings.Trim(word, `"`))
	}
	return argv[1:], nil
}

func (w *way) wall() time.Duration {
	return median(w.costs, func(c corpus.Cost) time.Duration { return c.Wall })
}

func (w *way) cpu() time.Duration {
	return median(w.costs, func(c corpus.Cost) time.Duration { return c.CPU })
}

func median(costs []corpus.Cost, of func(corpus.Cost) time.Duration) time.Duration {
	values := make([]time.Duration, 0, len(costs))
	for _, c := range costs {
		values = append(values, of(c))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func ratio(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
