// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// span is a time on a track, in microseconds, of something with a number.
type span struct {
	from, to int64
	of       int
}

// spanOf rounds both ends down: what follows another still does. What would end before it
// began takes no time.
func spanOf(start, end Seconds, of int) span {
	from := microseconds(start)
	return span{from, max(from, microseconds(end)), of}
}

func (s span) compare(t span) int {
	return cmp.Or(cmp.Compare(s.from, t.from), cmp.Compare(s.to, t.to), cmp.Compare(s.of, t.of))
}

// follows says whether s can stand behind t on a track. Two that take no time at the same
// moment cannot: they would count as one inside the other.
func (s span) follows(t span) bool { return t.to <= s.from && (t.from < s.from || s.from < s.to) }

// printTracks prints spans on as many tracks as keep them apart, all of one name but for
// a number; print prints one, on its track.
func printTracks(p *tracePrinter, process int, name string, spans []span, print func(track int, s span)) {
	slices.SortFunc(spans, span.compare)
	var ids []int
	var last []span
	for _, s := range spans {
		i := slices.IndexFunc(last, s.follows)
		if i < 0 {
			i = len(ids)
			ids, last = append(ids, p.track(process, numbered(name, i))), append(last, s)
		}
		last[i] = s
		print(ids[i], s)
	}
}

func numbered(name string, i int) string {
	if i == 0 {
		return name
	}
	return fmt.Sprintf("%s (%d)", name, i+1)
}

// printLink prints the process "link": the whole, its phases, what was said, and how many
// jobs were over.
func (c *ChromeTrace) printLink(p *tracePrinter) {
	p.process(linkProcess, "link")
	track := p.track(linkProcess, "link")
	p.slice(shortName(cmp.Or(c.end.Output, c.start.Output)), "link", linkProcess, track, spanOf(0, c.last, 0))
	c.printStart(p)
	c.printEnd(p)
	p.end()
	phases := c.allPhases()
	spans := make([]span, len(phases))
	for i := range phases {
		spans[i] = spanOf(phases[i].Start, phases[i].End, i)
	}
	printTracks(p, linkProcess, "phases", spans, func(track int, s span) {
		p.slice(phases[s.of].Phase, "phase", linkProcess, track, s)
		p.end()
	})
	c.printMessages(p)
	steps := make([]step, len(c.over))
	for i, at := range c.over {
		steps[i] = step{microseconds(at), 1}
	}
	printSteps(p, "jobs", "over", linkProcess, track, steps)
}

func (c *ChromeTrace) printStart(p *tracePrinter) {
	s := &c.start
	p.words("output", cmp.Or(c.end.Output, s.Output))
	p.words("error", c.end.Error)
	p.words("mode", s.Mode)
	p.words("reason", s.Reason)
	p.words("tool", s.Tool)
	p.words("compiler", s.Compiler)
	p.words("cluster", s.Cluster)
	p.words("folder", s.Folder)
	if !s.Time.IsZero() {
		p.text("time", s.Time.Format(time.RFC3339))
	}
	p.count("slots", int64(c.plan.Slots))
	p.count("cluster_slots", int64(c.plan.ClusterSlots))
	p.words("jobserver", c.plan.Jobserver)
}

func (c *ChromeTrace) printEnd(p *tracePrinter) {
	e := &c.end
	p.number("jobs", int64(cmp.Or(e.Jobs, c.plan.Jobs)))
	p.count("cached", int64(e.Cached))
	p.count("compiled", int64(e.Compiled))
	p.count("failed", int64(e.Failed))
	p.count("not_run", int64(e.NotRun))
	p.took("cpu_seconds", e.CPU)
	p.took("own_cpu_seconds", e.OwnCPU)
	p.took("saved_seconds", e.Saved)
	p.count("memory_bytes", e.Memory)
	if u := e.Cluster; u != nil {
		p.number("cluster_cached", int64(u.Cached))
		p.number("cluster_compiled", int64(u.Compiled))
		p.count("cluster_undone", int64(u.Undone))
		p.count("sent_bytes", u.Sent)
		p.count("received_bytes", u.Received)
	}
	p.count("messages_left_out", int64(c.unkept))
}

func (c *ChromeTrace) printMessages(p *tracePrinter) {
	if len(c.messages) == 0 {
		return
	}
	track := p.track(linkProcess, "messages")
	for i := range c.messages {
		m := &c.messages[i]
		p.begin("i", firstLine(m.Text), linkProcess, track)
		p.text("cat", "message")
		p.text("s", "t") // belongs to the track
		p.number("ts", microseconds(m.at))
		p.args()
		p.words("module", m.Module)
		p.text("text", m.Text)
		p.end()
	}
}

// firstLine is what a message is called.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return cmp.Or(cut(strings.TrimSpace(line), 100), "message")
}

// step is a change of a counter.
type step struct{ at, by int64 }

// printSteps prints a counter, once for each moment at which it changes.
func printSteps(p *tracePrinter, name, series string, process, track int, steps []step) {
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	var value, printed int64
	for i, s := range steps {
		value += s.by
		if (i+1 < len(steps) && steps[i+1].at == s.at) || value == printed {
			continue
		}
		printed = value
		p.counter(name, series, process, track, s.at, value)
	}
}
