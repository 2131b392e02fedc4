// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command jobserver measures `make -j` of several programs that are linked at once: with
// make's jobserver, with the locks that links share without one, and with neither, taking
// turns. It prints Markdown for docs/performance.md: times, and how many compilers ran at
// once by the links' own events.
//
// usage: go run ./bench/jobserver [-llvm VERSION] [-n RUNS] [-j JOBS] [-links NUMBER]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/report/reporttest"
)

func main() {
	llvm := flag.Int("llvm", 22, "the LLVM to link with")
	runs := flag.Int("n", 3, "how often make is run in each way")
	jobs := flag.Int("j", 2, "make's jobs, and each link's compiles at once")
	links := flag.Int("links", 4, "programs to link")
	flag.Parse()
	if err := run(context.Background(), *llvm, *runs, *jobs, *links); err != nil {
		fmt.Fprintln(os.Stderr, "jobserver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, llvm, runs, jobs, links int) error {
	bench, err := measure.Open(ctx)
	if err != nil {
		return err
	}
	defer bench.Close()
	cache, err := corpus.DefaultCache()
	if err != nil {
		return err
	}
	objects, err := corpus.LevelDB().Build(ctx, cache, llvm, corpus.ThinLTO()...)
	if err != nil {
		return err
	}
	fmt.Printf("`make -j%d` of %d links of LevelDB, LLVM %d, nothing cached, median of %d runs taking turns.\n\n", jobs, links, llvm, runs)
	fmt.Println("| processors shared by | wall | ratio | processor time | ratio | compilers at once, at most |")
	fmt.Println("|---|---|---|---|---|---|")
	ways := []*measure.Way{
		{Name: "nothing (`no-jobserver`)"}, {Name: "locks of links (the recipe has no `+`)"}, {Name: "make's jobserver"},
	}
	most := make([]int, len(ways))
	for i, options := range []struct{ plus, option string }{{"", ",--dtlto-no-jobserver"}, {"", ""}, {"+", ""}} {
		folder := bench.In(strconv.Itoa(i))
		if err := writeMakefile(folder, objects, options.plus, options.option, jobs, links); err != nil {
			return err
		}
		ways[i].Do = func(ctx context.Context) (measure.Cost, error) {
			events := filepath.Join(folder, "events")
			_ = os.Remove(events)
			cost, _, err := measure.Run(ctx, folder, []string{"make", fmt.Sprintf("-j%d", jobs), "-B"})
			if err != nil {
				return cost, err
			}
			text, err := os.ReadFile(events)
			if err != nil {
				return cost, err
			}
			n, _, err := reporttest.MostAtOnce(text)
			most[i] = max(most[i], n)
			return cost, err
		}
	}
	if err := measure.TakeTurns(ctx, runs, ways, nil); err != nil {
		return err
	}
	for i, way := range ways {
		fmt.Printf("| %s | %.2f s | %.2f | %.2f s | %.2f | %d |\n", way.Name, way.Wall().Seconds(),
			measure.Ratio(way.Wall(), ways[0].Wall()), way.CPU().Seconds(), measure.Ratio(way.CPU(), ways[0].CPU()), most[i])
	}
	return nil
}

// writeMakefile makes a folder in which make links one library several times.
func writeMakefile(folder string, objects corpus.Objects, plus, option string, jobs, links int) error {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	var programs []string
	for i := range links {
		programs = append(programs, fmt.Sprintf("program%d", i))
	}
	text := fmt.Sprintf("all: %s\n%s:\n\t%s%s -O2 -flto=thin -fuse-ld=dtlto -Wl,--dtlto-jobs=%d,--dtlto-no-cache,--dtlto-events=events%s %s -o $@\n",
		strings.Join(programs, " "), strings.Join(programs, " "), plus, objects.Driver, jobs, option, strings.Join(objects.FromArchive(), " "))
	return os.WriteFile(filepath.Join(folder, "Makefile"), []byte(text), 0o666)
}
