// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"cmp"
	"slices"
	"time"
)

// progress is how far a link is, as far as its events tell.
type progress struct {
	started time.Time // of the link; zero before the first event
	ended   bool
	jobs    []jobProgress // empty before the plan
	done    int           // jobs that are over
	// cached, cluster, here and failed are what became of them.
	cached, cluster, here, failed int
	running                       map[place]run
	phases                        []PhaseStart // under way, in the order of their start
	since                         []Seconds    // when they began
	forecast                      forecast
}

type jobProgress struct {
	over     bool
	attempts int // under way
}

// place is where an attempt is made: no two at the same time have the same.
type place struct {
	where Where
	slot  int
}

// run is an attempt under way.
type run struct {
	job    int
	module string
	start  Seconds
}

// take brings the progress up to date with an event.
func (p *progress) take(at Seconds, e Event) {
	switch e := e.(type) {
	case *Plan:
		p.jobs = make([]jobProgress, max(e.Jobs, 0))
		p.running = map[place]run{}
		p.forecast = newForecast(e)
	case *PhaseStart:
		p.phases, p.since = append(p.phases, *e), append(p.since, at)
	case *Phase:
		p.endPhase(e.Phase)
	case *AttemptStart:
		p.begin(at, e)
	case *Attempt:
		p.end(e)
	case *Job:
		p.finish(e)
	case *End:
		p.ended = true
	}
}

func (p *progress) endPhase(name string) {
	if i := slices.Index(p.phases, PhaseStart{name}); i >= 0 {
		p.phases, p.since = slices.Delete(p.phases, i, i+1), slices.Delete(p.since, i, i+1)
	}
}

// job is what is known of a job; nil if it is none of the plan's.
func (p *progress) job(number int) *jobProgress {
	if number < 0 || number >= len(p.jobs) {
		return nil
	}
	return &p.jobs[number]
}

func (p *progress) begin(at Seconds, e *AttemptStart) {
	if job := p.job(e.Job); job != nil {
		job.attempts++
		p.running[place{e.Where, e.Slot}] = run{e.Job, e.Module, at}
		p.forecast.begin(at)
	}
}

func (p *progress) end(e *Attempt) {
	at := place{e.Where, e.Slot}
	if job := p.job(e.Job); job != nil && p.running[at].job == e.Job {
		job.attempts--
		delete(p.running, at)
		if e.Result == "done" {
			p.forecast.learn(e)
		}
	}
}

func (p *progress) finish(e *Job) {
	job := p.job(e.Job)
	if job == nil || job.over || e.Outcome == NotRun {
		return
	}
	job.over = true
	p.done++
	switch e.Outcome {
	case Cached:
		p.cached++
		p.forecast.skip(e.Job)
	case Compiled, NotKept:
		p.here++
	case RemoteCached, RemoteCompiled:
		p.cluster++
	case Failed:
		p.failed++
	}
}

// phase is the part of the link that began last of those that say more than the jobs do,
// and since when; empty if there is none.
func (p *progress) phase() (name string, since Seconds) {
	for i, phase := range slices.Backward(p.phases) {
		if phase.Phase != "compile" {
			return phase.Phase, p.since[i]
		}
	}
	return "", 0
}

// longest are the attempts that have been under way for longest, at most n, and for at
// least as long as given: names of short ones would flicker by.
func (p *progress) longest(now Seconds, n int, atLeast time.Duration) []run {
	var runs []run
	for _, r := range p.running {
		if now-r.start >= Seconds(atLeast) && !p.jobs[r.job].over {
			runs = append(runs, r)
		}
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.job, b.job)) })
	return runs[:min(n, len(runs))]
}

// left is how long the jobs are still going to take; false if nobody can tell yet.
func (p *progress) left(now Seconds) (time.Duration, bool) {
	name, _ := p.phase()
	rest := remaining{looking: name != ""}
	for i := range p.jobs {
		if job := &p.jobs[i]; !job.over && job.attempts == 0 {
			rest.wait(p.forecast.weights[i])
		}
	}
	for at, r := range p.running {
		if !p.jobs[r.job].over {
			rest.running = append(rest.running, under{at.where, r.job, now - r.start})
		}
	}
	return p.forecast.left(now, &rest)
}
