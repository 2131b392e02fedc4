// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dtlto/dtlto/bench/measure"
)

// compiler is the clang of the backends.
const compiler = "/usr/bin/clang-22"

// A link can be run again and again, and says how many modules it compiled.
type link interface {
	name() string
	run(ctx context.Context) (cost measure.Cost, compiled int, err error)
}

// inProcess is LLD without a distributor, with a cache of its own.
type inProcess struct {
	argv  []string
	cache string
	known int // entries of the cache
}

func newInProcess(ctx context.Context, bench *measure.Bench, f form) (*inProcess, error) {
	cache := bench.In("lld-cache-" + f.name)
	argv, err := f.command(ctx, bench.In("in-process"), "lld", "--thinlto-cache-dir="+cache)
	return &inProcess{argv: argv, cache: cache}, err
}

func (l *inProcess) name() string { return "in-process" }

func (l *inProcess) run(ctx context.Context) (measure.Cost, int, error) {
	cost, _, err := measure.Run(ctx, "", l.argv)
	if err != nil {
		return cost, 0, err
	}
	entries, err := filepath.Glob(filepath.Join(l.cache, "llvmcache-*"))
	compiled := len(entries) - l.known
	l.known = len(entries)
	return cost, compiled, err
}

// floor is LLD with the least of a distributor.
type floor struct{ argv []string }

// newFloor compiles the objects that the floor is to know.
func newFloor(ctx context.Context, bench *measure.Bench, f form) (*floor, error) {
	kept, objects := bench.In("kept-"+f.name), bench.In("objects-"+f.name)
	for _, folder := range []string{kept, objects} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			return nil, err
		}
	}
	argv, err := f.command(ctx, bench.In("floor"), "lld", distributedBy(bench.Program("naive"), "-keep", kept)...)
	if err != nil {
		return nil, err
	}
	if _, _, err := measure.Run(ctx, "", argv); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(kept)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		task, err := measure.Task(file.Name())
		if err != nil {
			return nil, err
		}
		if err := os.Rename(filepath.Join(kept, file.Name()), filepath.Join(objects, task+".o")); err != nil {
			return nil, err
		}
	}
	argv, err = f.command(ctx, bench.In("floor"), "lld", distributedBy(bench.Program("floor"), objects)...)
	return &floor{argv}, err
}

// distributedBy are LLD's options for a distributor with arguments.
func distributedBy(program string, args ...string) []string {
	flags := make([]string, 0, 2+len(args))
	flags = append(flags, "--thinlto-distributor="+program, "--thinlto-remote-compiler="+compiler)
	for _, arg := range args {
		flags = append(flags, "--thinlto-distributor-arg="+arg)
	}
	return flags
}

func (l *floor) name() string { return "floor" }

func (l *floor) run(ctx context.Context) (measure.Cost, int, error) {
	cost, _, err := measure.Run(ctx, "", l.argv)
	return cost, 0, err
}

// dtlto is ld.dtlto with its cache.
type dtlto struct {
	argv    []string
	modules int // of the last link
}

func newDtlto(ctx context.Context, bench *measure.Bench, f form) (*dtlto, error) {
	argv, err := f.command(ctx, bench.In("dtlto"), "dtlto", "--dtlto-summary")
	return &dtlto{argv: argv}, err
}

func (l *dtlto) name() string { return "dtlto" }

func (l *dtlto) run(ctx context.Context) (measure.Cost, int, error) {
	cost, said, err := measure.Run(ctx, "", l.argv)
	if err != nil {
		return cost, 0, err
	}
	var cached, compiled int
	if _, err := fmt.Sscanf(said, "dtlto: %d jobs, %d cached, %d compiled", &l.modules, &cached, &compiled); err != nil {
		return cost, 0, fmt.Errorf("the link was not distributed: %q", said)
	}
	return cost, compiled, nil
}
