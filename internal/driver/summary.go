// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/record"
)

// summarise writes one line. The processor time of dtlto itself stands apart: it
// is what distributing costs.
func (b *backends) summarise(runner *exec.Runner) {
	var notes strings.Builder
	if n := b.counts[record.Uncached]; n > 0 {
		fmt.Fprintf(&notes, " (%d not kept: %s)", n, b.whyUncached())
	}
	if b.cluster != nil {
		b.summariseCluster(&notes, runner)
	}
	if n := b.counts[record.Failed]; n > 0 {
		fmt.Fprintf(&notes, ", %d failed", n)
	}
	if runner.MostRunning > 0 {
		fmt.Fprintf(&notes, ", up to %d at a time", runner.MostRunning)
	}
	if runner.HeldBack > 0 {
		fmt.Fprintf(&notes, " (%d waited for memory)", runner.HeldBack)
	}
	fmt.Fprintf(b.messages, "dtlto: %d jobs, %d cached, %d compiled%s, %s; processor time %s in compilers, %s in dtlto\n",
		len(b.jobs.Jobs), b.counts[record.Cached], b.counts[record.Compiled]+b.counts[record.Uncached], notes.String(),
		seconds(time.Since(b.started)), seconds(b.cpu), seconds(ownCPU()))
}

// summariseCluster says what the cluster did, and what was moved for that.
func (b *backends) summariseCluster(notes *strings.Builder, runner *exec.Runner) {
	traffic := b.cluster.client.Traffic()
	fmt.Fprintf(notes, ", on the cluster %d cached and %d compiled, up to %d at a time (%d calls, %s sent, %s received)",
		b.counts[record.RemoteCached], b.counts[record.Executed], runner.MostAway, traffic.Calls, megabytes(traffic.Sent), megabytes(traffic.Received))
	if n := b.cluster.undone.Load(); n > 0 {
		fmt.Fprintf(notes, ", %d came back undone", n)
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// whyUncached is why the first result that was not kept was not.
func (b *backends) whyUncached() string {
	for i := range b.done {
		if b.done[i].Outcome == record.Uncached {
			return b.done[i].Reason
		}
	}
	return ""
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }
