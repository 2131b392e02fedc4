// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"math"
	"time"
)

// forecast says how long the jobs of a link are still going to take. Each has a weight,
// in seconds or in proportion to them. How many seconds a unit of weight takes, the pace,
// is learnt from the attempts that have ended, on this machine and on the cluster apart;
// how many go on at once is seen, whatever it is that limits them.
type forecast struct {
	weights  []float64
	measured bool
	here     pace
	cluster  pace
	done     int     // attempts learnt from
	skipped  float64 // weight of what was in the cache
	began    Seconds // the first attempt; 0 before it
	// shown is what was said last, and when: it changes slowly, but for the time that
	// passes.
	shown   float64
	shownAt Seconds
}

// pace is what attempts took, in seconds, and what they weigh.
type pace struct{ took, weight float64 }

// remaining is what is to be done.
type remaining struct {
	waiting  float64 // weight of the jobs that have not begun
	heaviest float64 // of these
	running  []under
	looking  bool // some of the waiting may turn out to be in the cache
}

func (r *remaining) wait(weight float64) {
	r.waiting, r.heaviest = r.waiting+weight, max(r.heaviest, weight)
}

// under is an attempt under way.
type under struct {
	where Where
	job   int
	took  Seconds // so far
}

// These decide when an estimate means something: what past durations are worth compared
// with those of this link (in seconds of compiles); how long it takes to see how many
// compiles go on at once; and without past durations, how many attempts and which part
// of the weight must have been done.
const (
	trust        = 2.0
	firstLook    = Seconds(time.Second)
	fewAttempts  = 3
	smallPart    = 1.0 / 32
	smoothing    = 4.0     // seconds in which most of a change is shown
	overdueShare = 1.0 / 8 // of the time an attempt took so far: what it goes on for if it should be over
)

func newForecast(plan *Plan) forecast {
	f := forecast{weights: make([]float64, max(plan.Jobs, 0)), measured: plan.Measured && len(plan.Weights) > 0}
	sum, known := 0.0, 0
	for i := range f.weights {
		if i < len(plan.Weights) && plan.Weights[i] > 0 {
			f.weights[i] = plan.Weights[i].Seconds()
			sum, known = sum+f.weights[i], known+1
		}
	}
	usual := 1.0
	if known > 0 {
		usual = sum / float64(known)
	}
	for i, w := range f.weights {
		if w == 0 {
			f.weights[i] = usual
		}
	}
	return f
}

// begin takes note that an attempt has begun.
func (f *forecast) begin(at Seconds) {
	if f.began == 0 {
		f.began = max(at, 1)
	}
}

// learn takes note of an attempt that has ended with a result.
func (f *forecast) learn(e *Attempt) {
	p := f.pace(e.Where)
	p.took += time.Duration(max(e.End-e.Start, 0)).Seconds()
	p.weight += f.weights[e.Job]
	f.done++
}

// skip takes note of a job that needed no attempt.
func (f *forecast) skip(job int) { f.skipped += f.weights[job] }

func (f *forecast) pace(w Where) *pace {
	if w == Cluster {
		return &f.cluster
	}
	return &f.here
}

// left is how long it takes to do what remains; false if nothing says so yet.
func (f *forecast) left(now Seconds, rest *remaining) (time.Duration, bool) {
	estimate, ok := f.estimate(rest)
	dt := time.Duration(now - f.shownAt).Seconds()
	switch {
	case f.shown == 0 && (!ok || !f.means(now, rest)):
		return 0, false
	case f.shown == 0:
		f.shown = estimate
	case ok:
		f.shown += (estimate-(f.shown-dt))*(1-math.Exp(-dt/smoothing)) - dt
	default:
		f.shown -= dt
	}
	f.shown, f.shownAt = max(f.shown, 0.1), now
	return time.Duration(min(f.shown, 1e9) * float64(time.Second)), true
}

// means says whether an estimate is more than a guess.
func (f *forecast) means(now Seconds, rest *remaining) bool {
	if f.began == 0 || now-f.began < firstLook {
		return false
	}
	done := f.here.weight + f.cluster.weight
	all := done + rest.waiting
	for _, r := range rest.running {
		all += f.weights[r.job]
	}
	return f.measured || f.done >= fewAttempts && done >= all*smallPart
}

// estimate is what remains divided by how fast it goes, at least what the longest single
// job takes. It is false if nothing is under way, or nothing is known of its pace.
func (f *forecast) estimate(rest *remaining) (seconds float64, ok bool) {
	here, cluster, ok := f.paces(rest.running)
	if !ok || len(rest.running) == 0 {
		return 0, false
	}
	var work, speed, longest float64
	for _, r := range rest.running {
		unit := here
		if r.where == Cluster {
			unit = cluster
		}
		took := time.Duration(r.took).Seconds()
		left := max(f.weights[r.job]*unit-took, took*overdueShare)
		work, speed, longest = work+left/unit, speed+1/unit, max(longest, left)
	}
	waiting, heaviest := f.waiting(rest)
	longest = max(longest, heaviest*float64(len(rest.running))/speed)
	return max((work+waiting)/speed, longest), true
}

// waiting is the weight of what has not begun, and of the heaviest job that certainly
// has to be done.
func (f *forecast) waiting(rest *remaining) (all, heaviest float64) {
	if !rest.looking || f.skipped == 0 {
		return rest.waiting, rest.heaviest
	}
	needed := f.here.weight + f.cluster.weight
	for _, r := range rest.running {
		needed += f.weights[r.job]
	}
	return rest.waiting * needed / (needed + f.skipped), 0
}

// paces are the seconds that a unit of weight takes here and on the cluster. Attempts
// that take longer than they should count as well, before they end.
func (f *forecast) paces(running []under) (here, cluster float64, ok bool) {
	h, c := f.here, f.cluster
	if f.measured {
		h, c = pace{h.took + trust, h.weight + trust}, pace{c.took + trust, c.weight + trust}
	}
	h, c = f.withOverdue(h, Here, running), f.withOverdue(c, Cluster, running)
	// Nothing is done in no time: that would be a speed without limit.
	here, cluster = max(h.took, 1e-6)/h.weight, max(c.took, 1e-6)/c.weight
	switch {
	case h.weight == 0 && c.weight == 0:
		return 0, 0, false
	case h.weight == 0:
		here = cluster
	case c.weight == 0:
		cluster = here
	}
	return here, cluster, true
}

// withOverdue is a pace with the attempts that have taken longer so far than they should.
func (f *forecast) withOverdue(p pace, where Where, running []under) pace {
	all := p
	for _, r := range running {
		if took, w := time.Duration(r.took).Seconds(), f.weights[r.job]; r.where == where && took*p.weight > w*p.took {
			all = pace{all.took + took, all.weight + w}
		}
	}
	return all
}
