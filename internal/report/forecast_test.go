// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"math"
	"math/rand"
	"slices"
	"testing"
	"time"
)

// imagined is a link whose compiles take as long as one says.
type imagined struct {
	jobs, here, cluster int
	measured            bool
	cached              float64       // part of the jobs, found out in the first second
	hereFactor          float64       // how much longer a compile takes than its weight says
	clusterFactor       float64       // and on the cluster
	longest             time.Duration // of a job besides
}

// play lets the link run and hands on how long it was said to take at each tenth of a
// second, and how long it took.
func (l imagined) play(said func(now, left Seconds, ok bool)) (took Seconds) {
	random := rand.New(rand.NewSource(1))
	plan := &Plan{Jobs: l.jobs, Measured: l.measured}
	for range l.jobs {
		plan.Weights = append(plan.Weights, time.Duration((0.2+random.ExpFloat64())*float64(time.Second)))
	}
	if l.longest > 0 {
		plan.Weights[0] = l.longest
	}
	slices.Sort(plan.Weights)
	slices.Reverse(plan.Weights) // the heaviest first, as in links
	p := &progress{}
	p.take(0, plan)
	p.take(0, &PhaseStart{"look up"})
	next, cached := 0, map[int]bool{}
	for i := 1; i < l.jobs; i++ {
		cached[i] = random.Float64() < l.cached
	}
	ends := map[place]Seconds{}
	for now := Seconds(0); ; now += Seconds(20 * time.Millisecond) {
		if l.lookUp(p, now, cached); p.done == l.jobs {
			return now
		}
		for slot := range l.here + l.cluster {
			at, factor := place{Here, slot}, l.hereFactor
			if slot >= l.here {
				at, factor = place{Cluster, slot}, l.clusterFactor
			}
			if end, busy := ends[at]; busy && now >= end {
				job := p.running[at].job
				p.take(now, &Attempt{Job: job, Where: at.where, Slot: slot, Start: p.running[at].start, End: now, Result: "done"})
				p.take(now, &Job{Job: job, Outcome: Compiled})
				delete(ends, at)
			}
			for next < l.jobs && cached[next] {
				next++
			}
			if _, busy := ends[at]; !busy && next < l.jobs {
				p.take(now, &AttemptStart{Job: next, Where: at.where, Slot: slot})
				noise := 0.7 + 0.6*random.Float64()
				ends[at] = now + Seconds(float64(plan.Weights[next])*factor*noise)
				next++
			}
		}
		if now%Seconds(100*time.Millisecond) == 0 {
			left, ok := p.left(now)
			said(now, Seconds(left), ok)
		}
	}
}

func (l imagined) lookUp(p *progress, now Seconds, cached map[int]bool) {
	if now > Seconds(1100*time.Millisecond) {
		return
	}
	for i := range p.jobs {
		if cached[i] && !p.jobs[i].over && Seconds(time.Second)*Seconds(i)/Seconds(l.jobs) <= now {
			p.take(now, &Job{Job: i, Outcome: Cached})
		}
	}
	if now > Seconds(time.Second) {
		p.take(now, &Phase{Phase: "look up"})
	}
}

// TestForecast compares what was said with what came.
func TestForecast(t *testing.T) {
	for name, c := range map[string]struct {
		link     imagined
		mean     float64 // of the error, as a part of what the link took
		known    float64 // part of the time in which something is said
		atATenth float64 // error after a tenth of the time
	}{
		"as last time":        {link: imagined{jobs: 400, here: 4, measured: true, hereFactor: 1}, mean: 0.05, known: 0.95, atATenth: 0.15},
		"twice as slow":       {link: imagined{jobs: 400, here: 4, measured: true, hereFactor: 2}, mean: 0.05, known: 0.95, atATenth: 0.15},
		"ten times as fast":   {link: imagined{jobs: 1500, here: 4, measured: true, hereFactor: 0.1}, mean: 0.08, known: 0.9, atATenth: 0.3},
		"sizes only":          {link: imagined{jobs: 400, here: 4, hereFactor: 3.7}, mean: 0.08, known: 0.9, atATenth: 0.2},
		"one slot":            {link: imagined{jobs: 40, here: 1, measured: true, hereFactor: 1}, mean: 0.1, known: 0.9, atATenth: 0.2},
		"half cached":         {link: imagined{jobs: 400, here: 4, measured: true, hereFactor: 1, cached: 0.5}, mean: 0.05, known: 0.9, atATenth: 0.15},
		"nearly all cached":   {link: imagined{jobs: 2000, here: 4, measured: true, hereFactor: 1, cached: 0.95}, mean: 0.08, known: 0.9, atATenth: 0.2},
		"with a cluster":      {link: imagined{jobs: 1000, here: 4, cluster: 40, measured: true, hereFactor: 1, clusterFactor: 2}, mean: 0.12, known: 0.9, atATenth: 0.5},
		"one that takes long": {link: imagined{jobs: 40, here: 8, measured: true, hereFactor: 1, longest: time.Minute}, mean: 0.3, known: 0.9, atATenth: 0.4},
	} {
		type guess struct{ now, left Seconds }
		var guesses []guess
		all := 0
		took := c.link.play(func(now, left Seconds, ok bool) {
			if all++; ok {
				guesses = append(guesses, guess{now, left})
			}
		})
		sum, tenth := 0.0, math.Inf(1)
		for _, g := range guesses {
			off := math.Abs(float64(g.now+g.left-took)) / float64(took)
			sum += off
			if tenth == math.Inf(1) && g.now >= took/10 {
				tenth = off
			}
		}
		known, mean := float64(len(guesses))/float64(all), sum/float64(len(guesses))
		if known < c.known || mean > c.mean || tenth > c.atATenth {
			t.Errorf("%s: took %.1f s, known in %.2f, off by %.3f, after a tenth by %.3f", name, time.Duration(took).Seconds(), known, mean, tenth)
		}
	}
}

// TestForecastKnowsNothing is that nothing is said where it would mean nothing.
func TestForecastKnowsNothing(t *testing.T) {
	second := Seconds(time.Second)
	p := &progress{}
	nothing := func(now Seconds) {
		t.Helper()
		if left, ok := p.left(now); ok {
			t.Errorf("says %s", left)
		}
	}
	nothing(second)
	p.take(0, &Plan{Jobs: 100})
	nothing(second)
	for i := range 2 {
		p.take(second, &AttemptStart{Job: i, Where: Here, Slot: i})
	}
	nothing(9 * second)
	p.take(9*second, &Attempt{Job: 0, Where: Here, Slot: 0, Start: second, End: 9 * second, Result: "undone"})
	p.take(9*second, &Attempt{Job: 1, Where: Here, Slot: 1, Start: second, End: 9 * second, Result: "done"})
	nothing(10 * second)
}

// TestNonsense is that events that contradict each other do no harm.
func TestNonsense(t *testing.T) {
	random := rand.New(rand.NewSource(2))
	number := func() int { return []int{-1, 0, 1, 2, 3, math.MaxInt}[random.Intn(6)] }
	for range 2000 {
		p := &progress{}
		for step := range 30 {
			where := []Where{Here, Cluster, "", "moon"}[random.Intn(4)]
			at := Seconds(random.Int63n(int64(time.Hour))) - Seconds(time.Minute)
			events := []Event{
				&AttemptStart{Job: number(), Where: where, Slot: number()}, &AttemptStart{Job: number(), Where: Here, Slot: number()},
				&Attempt{Job: number(), Where: where, Slot: number(), Start: at, End: -at, Result: "done"}, &Job{Job: number(), Outcome: Cached},
				&Job{Job: number(), Outcome: "odd"}, &PhaseStart{"p"}, &Phase{Phase: "p"}, &Message{},
				&Plan{Jobs: random.Intn(5) - 1, Measured: step%2 == 0, Weights: []time.Duration{-1, 0, math.MaxInt64, math.MaxInt64, 1}[:random.Intn(6)]},
			}
			p.take(at, events[random.Intn(len(events))])
			if got := p.line(at, 100, false); len(got) > 99 {
				t.Fatalf("%q", got)
			}
		}
	}
}
