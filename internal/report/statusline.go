// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// StatusLine shows how far a link is in one line of a terminal, at the place where the
// next message will be. It is a [Sink]; events never wait for the terminal. What is
// written to it are messages, which the line makes room for: others must not write to
// the terminal in the meantime.
type StatusLine struct {
	out     *os.File
	options StatusOptions

	mu       sync.Mutex
	progress progress

	// screen is a lock on the terminal and on what is below, held by whoever has
	// something in it. A terminal that takes nothing blocks who writes, but not Stop.
	screen  chan struct{}
	drawn   string // what stands on the terminal; empty if nothing of ours does
	width   int    // of the terminal then
	drawnAt time.Time
	within  bool        // a message has begun and its line has not ended
	stopped atomic.Bool // nothing is drawn any more

	stop func()
}

// StatusOptions are how a status line is drawn.
type StatusOptions struct {
	// Delay is how long a link must take to have one; 0 means half a second.
	Delay  time.Duration
	Colour bool

	interval time.Duration // from one drawing to the next; 0 means statusInterval
}

const (
	// statusDelay is what people do not yet feel as waiting.
	statusDelay = 500 * time.Millisecond
	// statusInterval is the least time from one drawing to the next.
	statusInterval = 100 * time.Millisecond
	// stopPatience is how long Stop waits for a terminal that takes nothing, because
	// it was stopped with Control-S or a connection is gone.
	stopPatience = time.Second
)

// The line is drawn with nothing around it that could stay: the cursor goes back to its
// beginning, so that it is erased from there with all that a terminal which has become
// narrower makes of it; a terminal that became narrower a moment ago is to cut it off.
// What is erased from a screen's very beginning, tmux and PuTTY take for a screen to be
// kept: they are given a blank there.
const (
	erase  = "\r \x1b[J\r"
	noWrap = "\x1b[?7l"
	wrap   = "\x1b[?7h\r"
)

// NewStatusLine makes the status line of a link on a terminal. It must be stopped.
func NewStatusLine(out *os.File, o StatusOptions) *StatusLine {
	if o.Delay == 0 {
		o.Delay = statusDelay
	}
	if o.interval == 0 {
		o.interval = statusInterval
	}
	s := &StatusLine{out: out, options: o, screen: make(chan struct{}, 1)}
	end := make(chan struct{})
	s.stop = sync.OnceFunc(func() { close(end); s.takeAway() })
	go s.keepDrawing(end)
	return s
}

// Take brings the line up to date with an event, next time it is drawn.
func (s *StatusLine) Take(at Seconds, e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress.started.IsZero() {
		s.progress.started = time.Now().Add(-time.Duration(at))
	}
	s.progress.take(at, e)
}

// Write writes a message to the terminal, at once. The line comes back when the
// message's last line is complete. A terminal that takes nothing blocks it, as it blocks
// every write, unless there is nothing to write.
func (s *StatusLine) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.screen <- struct{}{}
	defer func() { <-s.screen }()
	s.show("", 0)
	n, err := s.out.Write(p)
	s.within = isWithinLine(p, s.within)
	if time.Since(s.drawnAt) >= s.options.interval {
		s.draw()
	}
	return n, err
}

// Stop takes the line away for good. Messages can still be written. If the terminal takes
// nothing for stopPatience, the line goes when it does again.
func (s *StatusLine) Stop() { s.stop() }

// takeAway writes in a goroutine: the terminal may have been stopped since the line was
// drawn.
func (s *StatusLine) takeAway() {
	s.stopped.Store(true)
	gone := make(chan struct{})
	go func() {
		s.screen <- struct{}{}
		s.show("", 0)
		<-s.screen
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(stopPatience):
	}
}

// keepDrawing draws the line again and again, if it changes.
func (s *StatusLine) keepDrawing(end <-chan struct{}) {
	ticker := time.NewTicker(s.options.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.screen <- struct{}{}
			s.draw()
			<-s.screen
		case <-end:
			return
		}
	}
}

// draw shows the line as it should be now.
func (s *StatusLine) draw() {
	if s.stopped.Load() || s.within {
		return
	}
	width, ok := terminalWidth(s.out)
	if ok {
		s.show(s.line(width), width)
	}
}

func (s *StatusLine) line(width int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Since(s.progress.started)
	if s.progress.started.IsZero() || now < s.options.Delay {
		return ""
	}
	return s.progress.line(Seconds(now), width, s.options.Colour)
}

// show replaces what stands on the terminal, in one piece. A process that was sent to the
// background leaves the terminal to others, and what it had drawn has gone up with it.
func (s *StatusLine) show(line string, width int) {
	if line == s.drawn && (line == "" || width == s.width) {
		return
	}
	if !isForeground(s.out, true) {
		s.drawn = ""
		return
	}
	var b strings.Builder
	if s.drawn != "" {
		b.WriteString(erase)
	}
	if line != "" {
		b.WriteString(noWrap + line + wrap)
	}
	s.drawn, s.width, s.drawnAt = line, width, time.Now()
	if _, err := s.out.WriteString(b.String()); err != nil {
		s.stopped.Store(true)
	}
}

// isWithinLine says whether the cursor is within a line after p was written. Colours do not
// move it: some messages go back to the usual ones after their end.
func isWithinLine(p []byte, before bool) bool {
	rest := string(p)
	if i := strings.LastIndexByte(rest, '\n'); i >= 0 {
		rest, before = rest[i+1:], false
	}
	for strings.HasPrefix(rest, "\x1b[") {
		parameters := strings.TrimLeft(rest[2:], "0123456789;:")
		if !strings.HasPrefix(parameters, "m") {
			break
		}
		rest = parameters[1:]
	}
	return before || rest != ""
}
