// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"io"
	"time"
	"unicode/utf8"
)

// What a trace has room for of the words of compilers: a link with a warning in each
// module must not make it unreadable.
const (
	maxMessages = 1000
	maxMessage  = 4 << 10
)

// ChromeTrace keeps what a trace of a link needs: about 400 bytes for each job that is
// compiled. [ChromeTrace.WriteTo] writes it.
type ChromeTrace struct {
	start     Start
	plan      Plan
	end       End
	last      Seconds // the latest that was heard of
	phases    []Phase
	inPhase   []Phase // under way
	attempts  []Attempt
	attempted map[attemptKey]Attempt // under way
	jobs      map[int]Job
	over      []Seconds // when each job was
	messages  []moment
	unkept    int // messages
}

// attemptKey is what an attempt's start and its end have in common.
type attemptKey struct {
	job, slot int
	where     Where
}

// moment is a message and its time.
type moment struct {
	Message
	at Seconds
}

// NewChromeTrace makes a sink that keeps what happens in a link, for a trace of it.
func NewChromeTrace() *ChromeTrace {
	return &ChromeTrace{attempted: map[attemptKey]Attempt{}, jobs: map[int]Job{}}
}

// Take keeps what is shown of an event.
func (c *ChromeTrace) Take(at Seconds, e Event) {
	c.reach(at)
	switch e := e.(type) {
	case *Start:
		c.start = *e
	case *Plan:
		c.plan = *e
		c.plan.Weights = nil
	case *PhaseStart:
		c.inPhase = append(c.inPhase, Phase{Phase: e.Phase, Start: at})
	case *Phase:
		c.addPhase(e)
	case *AttemptStart:
		c.attempted[attemptKey{e.Job, e.Slot, e.Where}] = Attempt{Job: e.Job, Module: e.Module, Where: e.Where, Slot: e.Slot, Start: at}
	case *Attempt:
		c.addAttempt(e)
	case *Job:
		c.jobs[e.Job] = *e
		c.over = append(c.over, at)
	case *Message:
		c.addMessage(at, e)
	case *End:
		c.end = *e
		c.reach(e.Wall)
	}
}

func (c *ChromeTrace) reach(at Seconds) { c.last = max(c.last, at) }

func (c *ChromeTrace) addPhase(p *Phase) {
	for i := range c.inPhase {
		if c.inPhase[i].Phase == p.Phase {
			c.inPhase = append(c.inPhase[:i], c.inPhase[i+1:]...)
			break
		}
	}
	c.phases = append(c.phases, *p)
	c.reach(p.End)
}

func (c *ChromeTrace) addAttempt(e *Attempt) {
	delete(c.attempted, attemptKey{e.Job, e.Slot, e.Where})
	a := *e
	if a.Remote != nil {
		remote := *a.Remote
		a.Remote = &remote
	}
	c.attempts = append(c.attempts, a)
	c.reach(a.End)
}

// cut is what s begins with, at most n bytes and a sign that there was more.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func (c *ChromeTrace) addMessage(at Seconds, m *Message) {
	if len(c.messages) == maxMessages {
		c.unkept++
		return
	}
	kept := *m
	kept.Text = cut(kept.Text, maxMessage)
	c.messages = append(c.messages, moment{kept, at})
}

// WriteTo writes the trace in the Trace Event Format, as an object with nothing but
// traceEvents. It opens in Perfetto and chrome://tracing: in Perfetto's importer of 2026
// - slices of a track nest or are apart, to the digit: times are whole microseconds;
// - a track has an id of its own in the whole trace, and none that is a process's;
// - \u never stands for half of a character.
func (c *ChromeTrace) WriteTo(w io.Writer) (int64, error) {
	p := &tracePrinter{w: w, tracks: firstTrack}
	p.raw(`{"traceEvents":[`)
	c.printLink(p)
	c.printSlots(p)
	p.raw("\n]}\n")
	p.flush()
	return p.n, p.err
}

// allAttempts has those that nothing has ended, too.
func (c *ChromeTrace) allAttempts() []Attempt {
	all := append([]Attempt(nil), c.attempts...)
	for _, a := range c.attempted {
		a.End, a.Result = c.last, unfinished
		all = append(all, a)
	}
	return all
}

func (c *ChromeTrace) allPhases() []Phase {
	all := append([]Phase(nil), c.phases...)
	for _, p := range c.inPhase {
		p.End = c.last
		all = append(all, p)
	}
	return all
}

// unfinished is the result of an attempt that the trace has no end of.
const unfinished = "unfinished"

// microseconds are what traces count in. Points in time are rounded down, which keeps
// their order; none is before the link, or later than a float64 can tell.
func microseconds(s Seconds) int64 {
	return min(max(time.Duration(s).Microseconds(), 0), 1<<50)
}
