// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// busy is what a bounded wait may take longer on a machine with other things to do.
const busy = 2 * time.Second

// seldom draws a line with the first message and then no more.
var seldom = StatusOptions{Delay: 1, interval: time.Hour}

const (
	controlS = "\x13"
	controlQ = "\x11"
)

// press presses a key, and waits until the terminal takes what is printed, or does not.
func (p *pty) press(key string) {
	p.t.Helper()
	_, err := p.master.WriteString(key)
	must(p.t, err)
	p.await(fmt.Sprintf("as after %q", key), func() bool { return p.takes() == (key == controlQ) })
}

// takes says whether a program can print now.
func (p *pty) takes() bool {
	n := 0
	must(p.t, control(p.file, func(fd int) (err error) {
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
		return err
	}))
	return n > 0
}

// another is the terminal as a file whose writes block a thread, as those to a standard
// error do. The one that the tests have is Go's to wait for.
func (p *pty) another() *os.File {
	p.t.Helper()
	fd, err := unix.Open(p.file.Name(), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	must(p.t, err)
	file := os.NewFile(uintptr(fd), p.file.Name())
	p.t.Cleanup(func() { file.Close() })
	return file
}

// within fails if something takes longer than a time.
func within(t *testing.T, limit time.Duration, what string, do func()) {
	t.Helper()
	over := make(chan struct{})
	go func() { do(); close(over) }()
	select {
	case <-over:
	case <-time.After(limit):
		t.Fatalf("%s: not over after %s", what, limit)
	}
}

// stopped runs a test in a terminal that was stopped when a line had been drawn, with
// either kind of file: there is no draw under way, or there is one that is blocked.
func stopped(t *testing.T, test func(t *testing.T, p *pty, s *StatusLine)) {
	for _, between := range []bool{true, false} {
		for _, blocking := range []bool{true, false} {
			t.Run(fmt.Sprintf("between=%v,blocking=%v", between, blocking), func(t *testing.T) {
				t.Parallel()
				p := openPTY(t, 80, true)
				file, options := p.file, quickly
				if blocking {
					file = p.another()
				}
				if between {
					options = seldom
				}
				s := NewStatusLine(file, options)
				someWork(s.Take)
				fmt.Fprintln(s, "a message")
				p.await("drawn", func() bool { return statusPattern.MatchString(p.last()) })
				p.press(controlS)
				if !between {
					changeUntilBlocked(p, s)
				}
				test(t, p, s)
				p.press(controlQ)
				within(t, busy, "a message afterwards", func() { fmt.Fprintln(s, "and on") })
				if blocking {
					file.Close()
				}
				checkLines(t, p, []string{"a message", "and on"})
			})
		}
	}
}

// changeUntilBlocked has events until drawing them is blocked. None of them waits.
func changeUntilBlocked(p *pty, s *StatusLine) {
	p.t.Helper()
	job, since := 60, time.Now()
	p.await("blocked", func() bool {
		within(p.t, busy, "an event", func() { s.Take(2, &Job{Job: job % 200, Outcome: Cached}) })
		job++
		if len(s.screen) == 0 {
			since = time.Now()
		}
		return time.Since(since) > 50*time.Millisecond
	})
}

// TestStoppedTerminal is of one that takes nothing: the end of the link does not wait for
// it, and the line is gone once it goes on.
func TestStoppedTerminal(t *testing.T) {
	stopped(t, func(t *testing.T, p *pty, s *StatusLine) {
		within(t, stopPatience+busy, "Stop", s.Stop)
		within(t, busy, "Stop again", s.Stop)
	})
}

// TestSilentLink has nothing to say in a terminal that takes nothing.
func TestSilentLink(t *testing.T) {
	stopped(t, func(t *testing.T, p *pty, s *StatusLine) {
		silent := func() { _, _ = s.Write(nil); _, _ = io.WriteString(s, "") }
		within(t, busy, "nothing to write", silent)
		within(t, stopPatience+busy, "Stop", s.Stop)
		within(t, busy, "nothing to write after it", silent)
		if n, err := s.Write(nil); n != 0 || err != nil {
			t.Errorf("wrote %d: %v", n, err)
		}
	})
}

// TestWordsInStoppedTerminal is that words wait for a terminal, as they do without a status
// line, and the end of the link does not wait for them.
func TestWordsInStoppedTerminal(t *testing.T) {
	p := openPTY(t, 80, true)
	s := NewStatusLine(p.another(), seldom)
	someWork(s.Take)
	fmt.Fprintln(s, "a message")
	p.await("drawn", func() bool { return statusPattern.MatchString(p.last()) })
	p.press(controlS)
	written := make(chan struct{})
	go func() { fmt.Fprintln(s, "another"); close(written) }()
	p.await("blocked", func() bool { return len(s.screen) > 0 })
	within(t, stopPatience+busy, "Stop", s.Stop)
	select {
	case <-written:
		t.Error("written to a terminal that takes nothing")
	default:
	}
	p.press(controlQ)
	within(t, busy, "the message", func() { <-written })
	s.out.Close()
	checkLines(t, p, []string{"a message", "another"})
}

// TestNothingToErase writes nothing to a terminal, which may be another's by now.
func TestNothingToErase(t *testing.T) {
	p := openPTY(t, 80, true)
	s := NewStatusLine(p.file, seldom)
	someWork(s.Take)
	_, _ = io.WriteString(s, "")
	s.Stop()
	if got := p.all(); got != "" {
		t.Errorf("printed: %q", got)
	}
}

// TestEndInStoppedTerminal has a program end that cannot draw a line in its own terminal.
func TestEndInStoppedTerminal(t *testing.T) {
	p := openPTY(t, 80, true)
	p.press(controlS)
	out := ""
	within(t, stopPatience+5*busy, "a program", func() { out = inTerminal(t, p, "silent") })
	if !strings.Contains(out, "stopped\n") {
		t.Errorf("printed %q", out)
	}
}
