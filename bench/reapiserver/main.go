// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command reapiserver is the tests' server of the Remote Execution API as a process of
// its own, for benchmarks and for trying things by hand. It prints its address and serves
// until its standard input ends. To each line there, and to the end, it answers with a
// line of JSON: what it was asked for so far (reapitest.Stats), its processor time and
// when what was simulated began and ended. The line "forget" empties its action cache
// before that.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "reapiserver:", err)
		os.Exit(1)
	}
}

func run() error {
	o, plan := options()
	server, err := reapitest.Listen(o)
	if err != nil {
		return err
	}
	defer server.Close()
	fmt.Println(server.Address())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if lines.Text() == "forget" {
			server.EvictResults()
		}
		if err := report(server, plan); err != nil {
			return err
		}
	}
	return report(server, plan)
}

func options() (o reapitest.Options, plan *schedule) {
	flag.IntVar(&o.Slots, "slots", runtime.NumCPU(), "actions that run at once")
	flag.BoolVar(&o.Root, "root", false, "run actions with their inputs as the root folder (needs privileges)")
	flag.BoolVar(&o.CacheOnly, "cache-only", false, "execute nothing")
	flag.BoolVar(&o.Zstd, "zstd", true, "offer compressed byte streams")
	flag.BoolVar(&o.BatchZstd, "batch-zstd", false, "offer compressed batches")
	flag.BoolVar(&o.NoLookup, "no-lookup", false, "never take a result from the action cache for Execute, as Buildbarn")
	flag.StringVar(&o.Instance, "instance", "", "the only instance name that is known")
	simulate := flag.Bool("simulate", false, "run nothing, but wait for each action as -sleep says")
	sleep := flag.Duration("sleep", 0, "with -simulate: how long; more than 0 implies it")
	spread := flag.Float64("spread", 0, "with -simulate: up to so much of -sleep longer or shorter, each action its own time")
	size := flag.Int("size", 20_000, "with -simulate: bytes of each output")
	flag.Parse()
	plan = &schedule{sleep: *sleep, spread: *spread, slots: make([]time.Duration, max(o.Slots, 1))}
	if *simulate || *sleep > 0 {
		o.Simulation = &reapitest.Simulation{Durations: plan.duration, Size: *size}
	}
	return o, plan
}

// report answers. bench/remote reads it.
func report(server *reapitest.Server, plan *schedule) error {
	return json.NewEncoder(os.Stdout).Encode(struct {
		reapitest.Stats
		summary
		CPU time.Duration
	}{server.Stats(), plan.summary(), measure.ProcessorTime()})
}
