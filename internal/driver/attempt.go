// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"time"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/report"
)

// attempt is an attempt at a job, here or on the cluster.
type attempt struct {
	*planned
	run    record.Run
	cached bool // nothing was compiled: a cache had the result
}

// attempt makes an attempt at a job, and tells of it.
func (b *backends) attempt(p *planned, onCluster bool, slot int, do func(*attempt) error) error {
	a := &attempt{planned: p, run: record.Run{Cluster: onCluster, Slot: slot, Start: time.Since(b.started)}}
	log := b.view.log
	if log != nil {
		log.Add(&report.AttemptStart{Job: p.number, Module: record.Readable(p.module), Where: a.where(), Slot: slot})
	}
	err := do(a)
	a.run.End = time.Since(b.started)
	if err == nil {
		b.mu.Lock()
		b.done[p.number].Run = &a.run
		b.mu.Unlock()
	}
	if log != nil {
		log.Add(a.event(err))
		if err == nil || errors.As(err, new(*exec.Failure)) {
			b.tellOver(p.number)
		}
	}
	return err
}

func (a *attempt) where() report.Where {
	if a.run.Cluster {
		return report.Cluster
	}
	return report.Here
}

// ran keeps what a compiler's process used.
func (a *attempt) ran(r exec.Ran) {
	a.run.CPU += r.CPU
	a.run.Memory = max(a.run.Memory, r.Memory)
}

// wasExecuted keeps what the cluster says of a result.
func (a *attempt) wasExecuted(r *remote.Result) {
	a.cached = r.Cached
	if !r.Cached {
		a.run.Worker = printable(r.Worker)
		a.run.Queued, a.run.Fetching, a.run.Executing, a.run.Uploading = r.Queued, r.Fetching, r.Duration, r.Uploading
	}
}

// event is the attempt, which ended with err.
func (a *attempt) event(err error) *report.Attempt {
	r := &a.run
	e := &report.Attempt{
		Job: a.number, Module: record.Readable(a.module), Where: a.where(), Slot: r.Slot, Start: report.Seconds(r.Start), End: report.Seconds(r.End),
		Result: "done", Cached: a.cached && err == nil, CPU: report.Seconds(r.CPU), Memory: r.Memory,
	}
	if r.Cluster && !a.cached && r.Executing+r.Queued+r.Fetching+r.Uploading > 0 {
		e.Remote = &report.Remote{
			Worker: r.Worker, Queued: report.Seconds(r.Queued), Fetching: report.Seconds(r.Fetching),
			Executing: report.Seconds(r.Executing), Uploading: report.Seconds(r.Uploading),
		}
	}
	switch undone, ok := errors.AsType[*exec.NotAway](err); {
	case err == nil:
	case errors.Is(err, exec.ErrLost):
		e.Result = "lost"
	case ok:
		e.Result, e.Reason = "undone", undone.Err.Error()
	default:
		e.Result, e.Reason = "failed", err.Error()
		if failure, ok := errors.AsType[*exec.Failure](err); ok {
			e.Reason = failure.Reason
		}
	}
	return e
}

// tellOver tells that a job is over.
func (b *backends) tellOver(number int) {
	b.mu.Lock()
	job := &b.done[number]
	e := &report.Job{
		Job: number, Module: record.Readable(job.Module), Outcome: outcomes[job.Outcome], Reason: job.Reason,
		Took: report.Seconds(job.Duration), Object: job.Object,
	}
	b.mu.Unlock()
	b.view.log.Add(e)
}

// outcomes are those of records as events have them.
var outcomes = [record.Outcomes]report.Outcome{
	record.NotRun: report.NotRun, record.Cached: report.Cached, record.Compiled: report.Compiled, record.Uncached: report.NotKept,
	record.Failed: report.Failed, record.RemoteCached: report.RemoteCached, record.Executed: report.RemoteCompiled,
}
