// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"cmp"
	"io"
	"strconv"
)

// The processes of a trace, in the order in which they are shown.
const (
	linkProcess = 1 + iota
	hereProcess
	clusterProcess
	firstTrack = 10 // ids of tracks begin here
)

// A tracePrinter prints events: one on a line, an object with args last. After an error
// it drops what it is given.
type tracePrinter struct {
	w      io.Writer
	buf    []byte
	n      int64
	err    error
	tracks int // the id of the next track
	events int
}

func (p *tracePrinter) raw(s string) { p.buf = append(p.buf, s...) }

// begin begins an event.
func (p *tracePrinter) begin(kind, name string, process, track int) {
	if p.events++; p.events > 1 {
		p.raw(",")
	}
	p.raw("\n{")
	p.text("ph", kind)
	p.number("pid", int64(process))
	p.number("tid", int64(track))
	p.text("name", name)
}

// args begins the event's arguments, which end ends.
func (p *tracePrinter) args() {
	p.key("args")
	p.raw("{")
}

func (p *tracePrinter) end() {
	p.raw("}}")
	if len(p.buf) >= 64<<10 {
		p.flush()
	}
}

func (p *tracePrinter) key(name string) {
	if p.buf[len(p.buf)-1] != '{' {
		p.raw(",")
	}
	p.raw(`"`)
	p.raw(name)
	p.raw(`":`)
}

// text and number print fields; words, count and took leave out what says nothing.
func (p *tracePrinter) text(name, value string) {
	p.key(name)
	p.buf = quote(p.buf, value)
}

func (p *tracePrinter) number(name string, value int64) {
	p.key(name)
	p.buf = strconv.AppendInt(p.buf, value, 10)
}

func (p *tracePrinter) words(name, value string) {
	if value != "" {
		p.text(name, value)
	}
}

func (p *tracePrinter) count(name string, value int64) {
	if value != 0 {
		p.number(name, value)
	}
}

func (p *tracePrinter) took(name string, value Seconds) {
	if value != 0 {
		p.key(name)
		p.buf = value.appendTo(p.buf)
	}
}

func (p *tracePrinter) flush() {
	if p.err == nil {
		var n int
		n, p.err = p.w.Write(p.buf)
		p.n += int64(n)
	}
	p.buf = p.buf[:0]
}

// process names a process whose first track is the next one.
func (p *tracePrinter) process(process int, name string) {
	p.name("process", process, p.tracks, name, process)
}

// track begins a new track and is its id.
func (p *tracePrinter) track(process int, name string) int {
	p.name("thread", process, p.tracks, name, p.tracks)
	p.tracks++
	return p.tracks - 1
}

// name names a process or a track, and says where to show it.
func (p *tracePrinter) name(what string, process, track int, name string, order int) {
	p.begin("M", what+"_name", process, track)
	p.args()
	p.text("name", name)
	p.end()
	p.begin("M", what+"_sort_index", process, track)
	p.args()
	p.number("sort_index", int64(order))
	p.end()
}

// slice begins an event that lasts, with its arguments.
func (p *tracePrinter) slice(name, category string, process, track int, s span) {
	p.begin("X", cmp.Or(name, category), process, track)
	p.text("cat", category)
	p.number("ts", s.from)
	p.number("dur", s.to-s.from)
	p.args()
}

// counter prints a counter's value from a time on.
func (p *tracePrinter) counter(name, series string, process, track int, at, value int64) {
	p.begin("C", name, process, track)
	p.number("ts", at)
	p.args()
	p.number(series, value)
	p.end()
}
