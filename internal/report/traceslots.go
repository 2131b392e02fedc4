// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// printSlots prints the processes "this machine" and "cluster": a track for each slot.
func (c *ChromeTrace) printSlots(p *tracePrinter) {
	attempts := c.allAttempts()
	slices.SortStableFunc(attempts, func(a, b Attempt) int {
		return cmp.Or(cmp.Compare(processOf(a.Where), processOf(b.Where)), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Job, b.Job))
	})
	n := 0
	for n < len(attempts) && processOf(attempts[n].Where) == hereProcess {
		n++
	}
	c.printProcess(p, hereProcess, "this machine", attempts[:n])
	c.printProcess(p, clusterProcess, "cluster", attempts[n:])
}

func processOf(w Where) int {
	if w == Cluster {
		return clusterProcess
	}
	return hereProcess
}

// printProcess prints attempts, which are in the order of their slots, and how many
// compiles ran.
func (c *ChromeTrace) printProcess(p *tracePrinter, process int, name string, attempts []Attempt) {
	if len(attempts) == 0 {
		return
	}
	track := p.tracks
	p.process(process, name)
	var steps []step
	for first := 0; first < len(attempts); {
		var spans []span
		slot := attempts[first].Slot
		for ; first < len(attempts) && attempts[first].Slot == slot; first++ {
			s := spanOf(attempts[first].Start, attempts[first].End, first)
			spans = append(spans, s)
			if !attempts[first].Cached {
				steps = append(steps, step{s.from, 1}, step{s.to, -1})
			}
		}
		// People count from 1.
		printTracks(p, process, fmt.Sprintf("slot %d", slot+1), spans, func(track int, s span) {
			c.printAttempt(p, process, track, s, &attempts[s.of])
		})
	}
	printSteps(p, "compiles", "running", process, track, steps)
}

func (c *ChromeTrace) printAttempt(p *tracePrinter, process, track int, s span, a *Attempt) {
	category, name := "compile", cmp.Or(shortName(a.Module), fmt.Sprintf("job %d", a.Job))
	switch {
	case a.Result != "done":
		category = cmp.Or(a.Result, unfinished)
		name = category + ": " + name
	case a.Cached:
		category = "cached"
		name = "cached: " + name
	}
	p.slice(name, category, process, track, s)
	p.words("module", a.Module)
	p.number("job", int64(a.Job))
	p.words("result", a.Result)
	p.words("reason", a.Reason)
	p.took("cpu_seconds", a.CPU)
	p.count("memory_bytes", a.Memory)
	if a.Remote != nil {
		p.words("worker", a.Remote.Worker)
	}
	if job, ok := c.jobs[a.Job]; ok && (a.Result == "done" || a.Result == "failed") {
		p.words("outcome", string(job.Outcome))
		p.words("because", job.Reason)
		p.count("object_bytes", job.Object)
	}
	p.end()
	if a.Remote != nil {
		printRemote(p, process, track, s, a.Remote)
	}
}

// printRemote prints the phases of an execution inside its attempt. The servers' clocks
// are not ours: of their phases the durations are believed, not the times. They are shown
// one after the other up to the attempt's end, and what is left before them is asking and
// sending; if they last longer than the attempt, they are shown in proportion.
func printRemote(p *tracePrinter, process, track int, s span, r *Remote) {
	phases := [...]struct {
		name string
		took Seconds
	}{{"queued", r.Queued}, {"fetching", r.Fetching}, {"executing", r.Executing}, {"uploading", r.Uploading}}
	var total, done int64
	for _, phase := range phases {
		total += microseconds(phase.took)
	}
	room := min(total, s.to-s.from)
	inside := span{to: s.to - room}
	for _, phase := range phases {
		done += microseconds(phase.took)
		inside = span{from: inside.to, to: s.to - room + scale(done, total, room)}
		if inside.from < inside.to {
			p.slice(phase.name, "remote", process, track, inside)
			p.took("seconds", phase.took)
			p.end()
		}
	}
}

// scale is part of total, where total is room. It never decreases as part grows, and is
// room in the end.
func scale(part, total, room int64) int64 {
	if total == room {
		return part
	}
	return int64(float64(part) / float64(total) * float64(room))
}

// shortName is what a module is called on a slice, where the beginning of a long path
// would be all that can be read: its last part, with the archive that it is a member of.
func shortName(module string) string {
	member := len(module)
	if strings.HasSuffix(module, ")") {
		member = max(strings.LastIndexByte(module, '('), 0)
	}
	return module[strings.LastIndexAny(module[:member], `/\`)+1:]
}
