// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dtlto/dtlto/bench/measure"
)

// link is a job file that can be distributed again and again.
type link struct {
	bench   *measure.Bench
	jobFile string
	objects string // the folder that the objects go to
	known   string // the folder with the objects that the floor links
	cache   string // dtlto's
}

// distribute has dtlto make the objects, and says how many were compiled.
func (l *link) distribute(ctx context.Context) (cost measure.Cost, compiled int, err error) {
	cost, said, err := measure.Run(ctx, "", []string{
		l.bench.Program("dtlto"), "distribute", "--summary", "--cache-dir=" + l.cache, l.jobFile,
	})
	if err != nil {
		return cost, 0, err
	}
	var jobs, cached int
	if _, err := fmt.Sscanf(said, "dtlto: %d jobs, %d cached, %d compiled", &jobs, &cached, &compiled); err != nil {
		return cost, 0, fmt.Errorf("dtlto said %q", said)
	}
	return cost, compiled, nil
}

// cached is distribute when everything is in the cache.
func (l *link) cached(ctx context.Context) (measure.Cost, error) {
	if err := l.removeObjects(); err != nil {
		return measure.Cost{}, err
	}
	cost, compiled, err := l.distribute(ctx)
	if err == nil && compiled > 0 {
		err = fmt.Errorf("%d modules were compiled", compiled)
	}
	return cost, err
}

// forgotten is cached without a record of the link before.
func (l *link) forgotten(ctx context.Context) (measure.Cost, error) {
	if err := os.RemoveAll(filepath.Join(l.cache, "links")); err != nil {
		return measure.Cost{}, err
	}
	return l.cached(ctx)
}

// floor only links the objects.
func (l *link) floor(ctx context.Context) (measure.Cost, error) {
	if err := l.removeObjects(); err != nil {
		return measure.Cost{}, err
	}
	cost, _, err := measure.Run(ctx, "", []string{l.bench.Program("floor"), l.known, l.jobFile})
	return cost, err
}

// removeObjects does what LLD does at the end of a link.
func (l *link) removeObjects() error {
	if err := os.RemoveAll(l.objects); err != nil {
		return err
	}
	return os.Mkdir(l.objects, 0o755)
}

// keepObjects links the objects to where the floor looks for them.
func (l *link) keepObjects() error {
	if err := os.Mkdir(l.known, 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(l.objects)
	if err != nil {
		return err
	}
	for _, file := range files {
		task, err := measure.Task(file.Name())
		if err != nil {
			return err
		}
		if err := os.Link(filepath.Join(l.objects, file.Name()), filepath.Join(l.known, task+".o")); err != nil {
			return err
		}
	}
	return nil
}
