// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/bench/measure"
)

// state is something that is known before a link, and what then becomes of it.
type state struct {
	name    string
	outcome string // format of what the summary begins with; has the number of jobs
	prepare func(l *link, s *server) error
	costs   []cost
}

func states() []*state {
	emptyHere := func(l *link, _ *server) error { return l.forget() }
	return []*state{
		{name: "cold", prepare: emptyHere, outcome: "0 cached, 0 compiled, on the cluster 0 cached and %d compiled"},
		{name: "warm", outcome: "0 cached, 0 compiled, on the cluster 0 cached and %d compiled", prepare: func(l *link, s *server) error {
			_, err := s.ask("forget")
			return cmp.Or(err, l.forget())
		}},
		{name: "cached", prepare: emptyHere, outcome: "0 cached, 0 compiled, on the cluster %d cached and 0 compiled"},
		{name: "cached here", outcome: "%d cached, 0 compiled, on the cluster 0 cached and 0 compiled"},
	}
}

// costs prints what a job costs the client when the server takes no time.
func (f *figures) costs(ctx context.Context, w io.Writer, l *link) error {
	all := states()
	for range f.runs {
		if err := f.once(ctx, l, all); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "%d jobs, %d shared imports, a server that takes no time, median of %d runs.\n\n", f.jobs, f.imports, f.runs)
	fmt.Fprintln(w, "| | wall | processor time | a job | server's, a job | most memory | blobs sent | all bytes sent | received | round trips, a job |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range all {
		c := median(s.costs)
		fmt.Fprintf(w, "| %s | %.2f s | %.2f s | %.0f µs | %.0f µs | %d MiB | %s | %s | %s | %.2f |\n", s.name, c.Wall.Seconds(), c.CPU.Seconds(),
			l.micros(c.CPU), l.micros(c.server.CPU), c.Memory>>20, megabytes(c.server.BlobsIn), megabytes(c.server.WireIn),
			megabytes(c.server.WireOut), l.each(c.server.calls()))
	}
	for _, s := range all {
		c := median(s.costs)
		fmt.Fprintf(w, "\n%s: %s; %d blobs sent twice", s.name, calls(c.server), c.server.twice())
	}
	fmt.Fprintln(w)
	return nil
}

// once goes through all states with a server of its own.
func (f *figures) once(ctx context.Context, l *link, all []*state) error {
	server, err := startServer(ctx, l.bench, f.slots, 0, 0)
	if err != nil {
		return err
	}
	defer server.stop()
	for _, s := range all {
		if s.prepare != nil {
			if err := s.prepare(l, server); err != nil {
				return err
			}
		}
		c, err := l.distribute(ctx, server, fmt.Sprintf(s.outcome, f.jobs))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		s.costs = append(s.costs, c)
	}
	return nil
}

// median is the link whose processor time is the median, with the most memory of all.
func median(costs []cost) cost {
	sorted := slices.SortedFunc(slices.Values(costs), func(a, b cost) int { return cmp.Compare(a.CPU, b.CPU) })
	c := sorted[len(sorted)/2]
	way := measure.Way{}
	for _, other := range costs {
		way.Costs = append(way.Costs, other.Cost)
	}
	c.Memory = way.Memory()
	return c
}

// calls are how often each method was called.
func calls(r report) string {
	var words []string
	for _, method := range slices.Sorted(maps.Keys(r.Calls)) {
		if n := r.Calls[method]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, method))
		}
	}
	return strings.Join(words, ", ")
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
