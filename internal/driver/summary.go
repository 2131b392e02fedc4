// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/report"
	"github.com/dtlto/dtlto/internal/settings"
)

// conclude keeps what there is to know of the link, which ended with err, for the next
// one, and says it to whoever asked.
func (b *backends) conclude(err error) {
	begun := b.runner.Slots > 0
	if begun {
		b.remember()
	}
	s := b.settings
	if b.view.log == nil && !s.Summary && !s.Statistics {
		return
	}
	end := b.statistics(err)
	b.view.end(end)
	if !begun || ExitCode(err) == ExitInterrupted {
		return
	}
	b.view.clear()
	switch {
	case !s.Summary && !s.Statistics:
	case s.JSON:
		_, _ = b.view.messages.Write(report.MarshalEnd(end))
	default:
		if s.Statistics {
			report.PrintStatistics(b.view.messages, end)
		}
		if s.Summary {
			_, _ = fmt.Fprintln(b.view.messages, summaryOf(end))
		}
	}
}

// tellPlan tells what is to be done.
func (b *backends) tellPlan(weights []time.Duration, measured bool) {
	if b.view.log == nil {
		return
	}
	plan := &report.Plan{
		Jobs: len(b.jobs.Jobs), Slots: b.runner.Slots, ClusterSlots: b.runner.Away, Jobserver: b.turns,
		Weights: weights, Measured: measured,
	}
	if measured {
		for _, w := range weights {
			plan.Expected += report.Seconds(w)
		}
	}
	b.view.log.Add(plan)
}

// statistics are what there is to say of the link as a whole.
func (b *backends) statistics(err error) *report.End {
	b.mu.Lock()
	defer b.mu.Unlock()
	end := &report.End{
		Jobs:   len(b.jobs.Jobs),
		Cached: b.counts[record.Cached], Compiled: b.counts[record.Compiled] + b.counts[record.Uncached],
		NotKept: b.counts[record.Uncached], WhyNot: b.whyUncached(), Failed: b.counts[record.Failed],
		CPU: report.Seconds(b.cpu), OwnCPU: report.Seconds(ownCPU()), Memory: b.memory,
		PeakSlots: b.runner.MostRunning, HeldBack: b.runner.HeldBack,
	}
	if err != nil {
		end.Error = err.Error()
	}
	for i := range b.done {
		switch job := &b.done[i]; {
		case job.Outcome == record.NotRun:
			end.NotRun++
		case job.Outcome.FromCache():
			end.Saved += report.Seconds(job.Duration)
		}
	}
	if b.cluster != nil {
		u := b.usage()
		end.Cluster = &report.ClusterUse{
			Cached: b.counts[record.RemoteCached], Compiled: b.counts[record.Executed], Undone: u.Undone, PeakSlots: u.PeakClusterSlots,
			Calls: u.Calls, Sent: u.Sent, Received: u.Received, Uploaded: u.Uploaded, Fetched: u.Fetched, Retries: u.Retries,
		}
	}
	return end
}

// usage is what the link took, as its record has it.
func (b *backends) usage() record.Usage {
	u := record.Usage{
		CPU: b.cpu, OwnCPU: ownCPU(),
		PeakSlots: b.runner.MostRunning, PeakClusterSlots: b.runner.MostAway, HeldBack: b.runner.HeldBack,
	}
	if b.cluster != nil {
		t := b.cluster.client.Traffic()
		u.Undone = int(b.cluster.undone.Load())
		u.Calls, u.Retries, u.Sent, u.Received, u.Uploaded, u.Fetched = t.Calls, t.Retries, t.Sent, t.Received, t.Uploaded, t.Fetched
	}
	return u
}

// clusterAddress is the address of the cluster as anybody may see it.
func clusterAddress(s *settings.Settings) string {
	address := s.Shown("remote-executor")
	if address == "" {
		address = s.Shown("remote-cache")
	}
	scheme, rest, ok := strings.Cut(address, "://")
	if i := strings.IndexAny(rest, "/?#"); ok && i >= 0 && scheme != "unix" {
		address = scheme + "://" + rest[:i] // what follows belongs to no address, and may be anything
	}
	return address
}

// summaryOf is one line. The processor time of dtlto itself stands apart: it is what
// distributing costs.
func summaryOf(end *report.End) string {
	var notes strings.Builder
	if end.NotKept > 0 {
		fmt.Fprintf(&notes, " (%d not kept: %s)", end.NotKept, end.WhyNot)
	}
	if c := end.Cluster; c != nil {
		fmt.Fprintf(&notes, ", on the cluster %d cached and %d compiled, up to %d at a time (%s, %s sent, %s received)",
			c.Cached, c.Compiled, c.PeakSlots, count(int(c.Calls), "call"), megabytes(c.Sent), megabytes(c.Received))
		if c.Undone > 0 {
			fmt.Fprintf(&notes, ", %d came back undone", c.Undone)
		}
	}
	if end.Failed > 0 {
		fmt.Fprintf(&notes, ", %d failed", end.Failed)
	}
	if end.PeakSlots > 0 {
		fmt.Fprintf(&notes, ", up to %d at a time", end.PeakSlots)
	}
	if end.HeldBack > 0 {
		fmt.Fprintf(&notes, " (%d waited for memory)", end.HeldBack)
	}
	return fmt.Sprintf("dtlto: %s, %d cached, %d compiled%s, %s; processor time %s in compilers, %s in dtlto (%s)",
		count(end.Jobs, "job"), end.Cached, end.Compiled, notes.String(),
		seconds(time.Duration(end.Wall)), seconds(time.Duration(end.CPU)), seconds(time.Duration(end.OwnCPU)), filepath.Base(end.Output))
}

// count is a number of things, in words.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
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
