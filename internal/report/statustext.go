// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// These keep the line quiet: an attempt has a name when it has been under way for so
// long, at most so many have one, and names are that long where there is room for more
// than one.
const (
	longAttempt = 2 * time.Second
	manyNames   = 3
	longName    = 48
	leastName   = 12
)

// Colours of the status line.
const (
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	plain = "\x1b[m"
)

// line is the status line for a terminal of a width: most important first, as much as
// there is room for. The last column stays free, so that no terminal begins a new row.
// It is empty if there is nothing to say.
func (p *progress) line(now Seconds, width int, colour bool) string {
	r := row{room: width - 1, colour: colour}
	switch {
	case p.ended:
	case len(p.jobs) == 0:
		if name, since := p.phase(); name != "" {
			r.cut(name, " "+clock(now-since))
		}
	default:
		p.writeJobs(now, &r)
	}
	return r.text.String()
}

// writeJobs writes how far the jobs are.
func (p *progress) writeJobs(now Seconds, r *row) {
	all := strconv.Itoa(len(p.jobs))
	r.separator = " "
	if !r.add(fmt.Sprintf("[%*d/%s]", len(all), p.done, all), bold, "") {
		return
	}
	name, since := p.phase()
	left, known := p.left(now)
	switch {
	case len(p.running) == 0 && name != "":
		r.add(printable(name)+" "+clock(now-since), "", " ")
	case known && p.done < len(p.jobs):
		about := clock(roughly(left))
		_ = r.add(about+" left", "", " ") || r.add(about, "", " ")
	}
	if p.writeCounts(r) && len(p.running) > 0 {
		p.writeRunning(now, r)
	}
}

// writeCounts writes what became of the jobs; false if there is no room for all of it.
func (p *progress) writeCounts(r *row) bool {
	for _, c := range []struct {
		n            int
		what, colour string
	}{{p.failed, "failed", red}, {p.cached, "cached", ""}, {p.cluster, "remote", ""}, {p.here, "local", ""}} {
		if c.n > 0 && !r.add(fmt.Sprintf("%d %s", c.n, c.what), c.colour, r.separator) {
			return false
		}
	}
	return true
}

// writeRunning writes what goes on: how many compiles, and which take longest. In little
// room a name says more than their number.
func (p *progress) writeRunning(now Seconds, r *row) {
	runs := p.longest(now, manyNames, longAttempt)
	count := fmt.Sprintf("%d running", len(p.running))
	if len(runs) == 0 {
		r.add(count, "", r.separator)
		return
	}
	if base := baseName(runs[0].module); r.room >= len(r.separator)+len(count)+len(": ")+min(len(base), 2*leastName)+len(" 59m59s") {
		r.add(count, "", r.separator)
		r.separator = ": "
	}
	for i, run := range runs {
		took := " " + clock(now-run.start)
		room, least := r.room-len(r.separator)-len(took), min(len(baseName(run.module)), leastName)
		if i > 0 {
			least = len(baseName(run.module))
		}
		if room < least || !r.add(elided(run.module, min(room, max(longName, least)))+took, "", r.separator) {
			return
		}
	}
}

// row is a line being written, into so much room.
type row struct {
	text      strings.Builder
	room      int
	colour    bool
	separator string // before what comes next
}

// add writes something with what separates it from what is there; false if it does not
// fit.
func (r *row) add(s, colour, separator string) bool {
	if len(separator)+len(s) > r.room {
		return false
	}
	r.room -= len(separator) + len(s)
	if separator != "" {
		r.separator = ", "
	}
	r.text.WriteString(separator)
	if !r.colour || colour == "" {
		r.text.WriteString(s)
	} else {
		r.text.WriteString(colour + s + plain)
	}
	return true
}

// cut writes something and then the end, or less if there is no room.
func (r *row) cut(s, end string) {
	if s = printable(s); !r.add(s+end, "", "") {
		r.add(s[:max(min(len(s), r.room), 0)], "", "")
	}
}

// elided is a module's name in at most so many characters: the end of it says more than
// the beginning.
func elided(name string, room int) string {
	const dots = "..."
	name = printable(readable(name))
	base := baseName(name)
	switch {
	case len(name) <= room:
		return name
	case len(base) > room && room > len(dots):
		return dots + name[len(name)-(room-len(dots)):]
	case len(base) > room:
		return name[len(name)-max(room, 0):]
	}
	// As many folders as there is room for.
	for rest := name; len(rest) > len(base); {
		_, rest, _ = strings.Cut(rest, "/")
		if len(dots)+1+len(rest) <= room && len(rest) > len(base) {
			return dots + "/" + rest
		}
	}
	return base
}

// baseName is the last part of a path.
func baseName(path string) string {
	path = printable(readable(path))
	if i := strings.LastIndexByte(strings.TrimRight(path, "/"), '/'); i >= 0 {
		return path[i+1:]
	}
	return path
}

// readable is a module's name without the member's place in the archive, as in
// "libx.a(y.o at 1234)", which says nothing to people.
func readable(name string) string {
	i := strings.LastIndex(name, " at ")
	if i < 0 {
		return name
	}
	place, closed := strings.CutSuffix(name[i+len(" at "):], ")")
	if !closed || place == "" || strings.Trim(place, "0123456789") != "" {
		return name
	}
	return name[:i] + ")"
}

// printable is a name with nothing in it that a terminal could take for more than a
// character in one column.
func printable(name string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, name)
}

// roughly is a time as exact as an estimate can be, not less than a second.
func roughly(d time.Duration) Seconds {
	unit := time.Minute
	switch {
	case d <= 20*time.Second:
		unit = time.Second
	case d <= 2*time.Minute:
		unit = 5 * time.Second
	case d <= 20*time.Minute:
		unit = 30 * time.Second
	}
	return Seconds(max((d+unit-1)/unit*unit, time.Second))
}

// clock is a time in words: 5s, 1m05s, 2h05m.
func clock(t Seconds) string {
	s := int64(max(t, 0)) / int64(time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 60*60:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}
