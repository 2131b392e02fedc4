// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dtlto/dtlto/bench/measure"
)

// makespans prints how long links take, cold, when compiles take their time: compared to
// what the server alone would take if it always had work. First each compile takes as
// long as the others, so that all slots are free at the same time, round after round;
// then each has its own time.
func (f *figures) makespans(ctx context.Context, w io.Writer, l *link) error {
	fmt.Fprintf(w, "\n%d jobs, %d slots, %d given to the server at once.\n\n", f.jobs, f.slots, f.ahead)
	fmt.Fprintln(w, "| a compile takes | ideal | wall | of ideal | first compile begins after | all slots busy after | after the last compile | processor time, a job | server's, a job | both, of two processors | most memory | round trips, a job |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, sleep := range f.sleeps {
		for _, spread := range []float64{0, f.spread} {
			if err := f.makespan(ctx, w, l, sleep, spread); err != nil {
				return fmt.Errorf("compiles of %v: %w", sleep, err)
			}
		}
	}
	return nil
}

func (f *figures) makespan(ctx context.Context, w io.Writer, l *link, sleep time.Duration, spread float64) error {
	server, err := startServer(ctx, l.bench, f.slots, sleep, spread)
	if err != nil {
		return err
	}
	defer server.stop()
	if err := l.forget(); err != nil {
		return err
	}
	c, err := l.distribute(ctx, server, fmt.Sprintf(states()[0].outcome, f.jobs))
	if err != nil {
		return err
	}
	length := sleep.String()
	if spread > 0 {
		length = fmt.Sprintf("%v to %v", scale(sleep, 1-spread), scale(sleep, 1+spread))
	}
	fmt.Fprintf(w, "| %s | %.2f s | %.2f s | %.3f | %.2f s | %.2f s | %.2f s | %.0f µs | %.0f µs | %.0f %% | %d MiB | %.2f |\n", length, c.server.Ideal.Seconds(),
		c.Wall.Seconds(), measure.Ratio(c.Wall, c.server.Ideal),
		c.server.First.Sub(c.begin).Seconds(), c.server.Full.Sub(c.begin).Seconds(), c.end.Sub(c.server.Last).Seconds(), l.micros(c.CPU), l.micros(c.server.CPU),
		50*measure.Ratio(c.CPU+c.server.CPU, c.Wall), c.Memory>>20, l.each(c.server.calls()))
	return nil
}

func scale(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * by).Round(time.Millisecond)
}
