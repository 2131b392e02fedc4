// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dtlto/dtlto/bench/measure"
)

// link is a job file that can be distributed again and again.
type link struct {
	bench      *measure.Bench
	jobs       int
	jobFile    string
	objects    string // the folder that the objects go to
	cache      string // dtlto's
	remoteJobs int
}

// link makes it, by another process: a child's memory counts from the most of its
// parent's.
func (f *figures) link(ctx context.Context, bench *measure.Bench) (*link, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	folder := bench.In("link")
	_, said, err := measure.Run(ctx, "", []string{self, "-make", folder, "-jobs", strconv.Itoa(f.jobs), "-imports", strconv.Itoa(f.imports)})
	return &link{
		bench: bench, jobs: f.jobs, jobFile: strings.TrimSpace(said), objects: filepath.Join(folder, "objects"),
		cache: filepath.Join(folder, "cache"), remoteJobs: f.ahead,
	}, err
}

// cost is what a link took, on both sides.
type cost struct {
	measure.Cost
	begin, end time.Time
	server     report // of this link only
}

// distribute has dtlto make all objects with a cluster, which may do so much: the
// link's summary begins with those words.
func (l *link) distribute(ctx context.Context, s *server, outcome string) (c cost, err error) {
	if err := l.removeObjects(); err != nil {
		return c, err
	}
	before, err := s.ask("")
	if err != nil {
		return c, err
	}
	var said string
	c.begin = time.Now()
	c.Cost, said, err = measure.Run(ctx, "", []string{
		l.bench.Program("dtlto"), "distribute", "--summary", "--cache-dir=" + l.cache, "--remote-executor=" + s.address,
		"--remote-jobs=" + strconv.Itoa(l.remoteJobs), "--remote-local-fallback=false", l.jobFile,
	})
	c.end = time.Now()
	if err != nil {
		return c, err
	}
	if want := fmt.Sprintf("dtlto: %d jobs, ", l.jobs) + outcome; !strings.HasPrefix(said, want) {
		return c, fmt.Errorf("dtlto said %q, want %q", said, want)
	}
	after, err := s.ask("")
	c.server = after.since(before)
	return c, err
}

// forget empties the cache on this machine.
func (l *link) forget() error { return os.RemoveAll(l.cache) }

// removeObjects does what LLD does at the end of a link.
func (l *link) removeObjects() error {
	if err := os.RemoveAll(l.objects); err != nil {
		return err
	}
	return os.Mkdir(l.objects, 0o755)
}

// micros is a time by job, in microseconds.
func (l *link) micros(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(l.jobs) }

// each is a number by job.
func (l *link) each(n int) float64 { return float64(n) / float64(l.jobs) }
