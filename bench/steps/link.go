// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// link is a program that is linked in steps.
type link struct {
	bench *measure.Bench
	argv  []string // of the linker, with the bitcode
	lld   string
	clang string
	jobs  []thinlto.MapJob
}

// newLink does everything once, so that there is something to measure.
func newLink(ctx context.Context, bench *measure.Bench, o corpus.Objects, llvm int) (*link, error) {
	l := &link{bench: bench}
	var err error
	if l.lld, err = exec.LookPath(fmt.Sprintf("ld.lld-%d", llvm)); err != nil {
		return nil, err
	}
	if l.clang, err = exec.LookPath(fmt.Sprintf("clang-%d", llvm)); err != nil {
		return nil, err
	}
	args := append([]string{"-O2", "-flto=thin", "-fuse-ld=lld", "-o", bench.In("program")}, o.FromObjects()...)
	if l.argv, err = measure.LinkerCommand(ctx, o.Driver, args...); err != nil {
		return nil, err
	}
	if _, err := l.linker("ld.dtlto", l.indexes(bench.In("map"))...).Do(ctx); err != nil {
		return nil, err
	}
	file, err := os.Open(bench.In("map"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m, err := thinlto.ReadMap(file, file.Name())
	if err != nil {
		return nil, err
	}
	l.jobs = m.Jobs
	_, err = l.each("", len(l.jobs), nil).Do(ctx)
	return l, err
}

// indexes are the options of the thin link by dtlto.
func (l *link) indexes(file string) []string {
	return []string{"--dtlto-lld=" + l.lld, "--thinlto-index=" + file, "--thinlto-emit-imports-files", "--thinlto-prefix-replace=;" + l.bench.In("steps") + "/"}
}

// linker is the linker's command line by a program, with more options.
func (l *link) linker(program string, more ...string) *measure.Way {
	argv := slices.Concat([]string{program}, l.argv[1:], more)
	return &measure.Way{Name: program, Do: func(ctx context.Context) (measure.Cost, error) {
		cost, _, err := measure.Run(ctx, "", argv)
		return cost, err
	}}
}

func (l *link) thinLinks() []*measure.Way {
	plain := l.linker(l.lld, "--thinlto-index-only="+l.bench.In("list"), "--thinlto-emit-imports-files",
		"--thinlto-prefix-replace=;"+l.bench.In("plain")+"/")
	plain.Name = "ld.lld"
	return []*measure.Way{plain, l.linker("ld.dtlto", l.indexes(l.bench.In("map"))...)}
}

// finalLinks are those of LLD, which leaves out what nothing refers to, and of dtlto.
func (l *link) finalLinks() []*measure.Way {
	plain := l.linker(l.lld, "--remap-inputs-file="+l.bench.In("map"))
	plain.Name = "ld.lld"
	return []*measure.Way{plain, l.linker("ld.dtlto", "--dtlto-lld="+l.lld, "--remap-inputs-file="+l.bench.In("map"))}
}

func (l *link) backends(n int) []*measure.Way {
	return []*measure.Way{
		l.each("clang", n, nil),
		l.each("dtlto backend, not cached", n, []string{"dtlto", "backend", "--no-cache", "--"}),
		l.each("dtlto backend, cached", n, []string{"dtlto", "backend", "--"}),
	}
}

// each runs the first backends one after the other, behind a program.
func (l *link) each(name string, n int, program []string) *measure.Way {
	return &measure.Way{Name: name, Do: func(ctx context.Context) (all measure.Cost, err error) {
		for _, job := range l.jobs[:min(n, len(l.jobs))] {
			argv := slices.Concat(program, []string{l.clang, "-c", "-O2", "-faddrsig", "-ffunction-sections", "-fdata-sections", "-fpic",
				"-fthinlto-index=" + job.Index, "-x", "ir", job.Module, "-o", job.Object})
			cost, _, err := measure.Run(ctx, "", argv)
			if err != nil {
				return all, err
			}
			all.Wall += cost.Wall
			all.CPU += cost.CPU
		}
		return all, nil
	}}
}
