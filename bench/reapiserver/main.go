// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command reapiserver is the tests' server of the Remote Execution API as a process of
// its own, for benchmarks and for trying things by hand. It prints its address, serves
// until its standard input ends, and then prints what it was asked for.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/dtlto/dtlto/internal/reapi/reapitest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "reapiserver:", err)
		os.Exit(1)
	}
}

func run() error {
	var o reapitest.Options
	flag.IntVar(&o.Slots, "slots", runtime.NumCPU(), "actions that run at once")
	flag.BoolVar(&o.Root, "root", false, "run actions with their inputs as the root folder (needs privileges)")
	flag.BoolVar(&o.CacheOnly, "cache-only", false, "execute nothing")
	flag.BoolVar(&o.Zstd, "zstd", true, "offer compressed byte streams")
	flag.BoolVar(&o.BatchZstd, "batch-zstd", false, "offer compressed batches")
	flag.BoolVar(&o.NoLookup, "no-lookup", false, "never take a result from the action cache for Execute, as Buildbarn")
	flag.StringVar(&o.Instance, "instance", "", "the only instance name that is known")
	sleep := flag.Duration("sleep", 0, "run nothing, but wait so long for each action")
	size := flag.Int("size", 20_000, "bytes of each output, with -sleep")
	flag.Parse()
	if *sleep > 0 {
		o.Simulation = &reapitest.Simulation{Duration: *sleep, Size: *size}
	}
	server, err := reapitest.Listen(o)
	if err != nil {
		return err
	}
	defer server.Close()
	fmt.Println(server.Address())
	_, _ = io.Copy(io.Discard, os.Stdin)
	fmt.Printf("%+v\n", server.Stats())
	return nil
}
