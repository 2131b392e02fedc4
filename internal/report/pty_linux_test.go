// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pty is a pseudo-terminal: what a program prints to its file gets to a screen.
type pty struct {
	t      *testing.T
	master *os.File
	file   *os.File
	read   chan struct{} // closed when all has been read

	mu     sync.Mutex
	raw    []byte
	screen screen
}

// openPTY makes a pseudo-terminal of a width, whose screen puts rows that are too long
// now into more of them, or cuts them off.
func openPTY(t *testing.T, width int, reflows bool) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("NO PSEUDO-TERMINALS HERE: ", err)
	}
	p := &pty{t: t, master: master, read: make(chan struct{}), screen: screen{width: width, reflows: reflows, wraps: true, lines: [][]byte{nil}}}
	var number int
	must(t, control(master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	}))
	p.file, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	p.setSize(width)
	go p.keepReading()
	t.Cleanup(func() { p.file.Close(); p.master.Close() })
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *pty) setSize(width int) {
	must(p.t, control(p.master, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)})
	}))
}

func (p *pty) keepReading() {
	defer close(p.read)
	for b := make([]byte, 4096); ; {
		n, err := p.master.Read(b)
		p.mu.Lock()
		p.raw = append(p.raw, b[:n]...)
		p.screen.print(b[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// resize gives the terminal another width, while it is written to.
func (p *pty) resize(width int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.screen.resize(width)
	p.setSize(width)
}

// lines are those on the screen now, without blanks at their ends.
func (p *pty) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []string
	for _, l := range p.screen.lines {
		lines = append(lines, strings.TrimRight(string(l), " "))
	}
	return lines
}

func (p *pty) last() string { lines := p.lines(); return lines[len(lines)-1] }

// all is all that was ever printed, after the end of it.
func (p *pty) all() string {
	p.file.Close()
	<-p.read
	return string(p.raw)
}

// await waits until something is so on the screen.
func (p *pty) await(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("never %s; the screen has %q", what, p.lines())
		}
	}
}

// screen is what a terminal shows: lines, each of which has as many rows as it needs. It
// knows the control sequences of the status line and colours, no others.
type screen struct {
	width   int
	reflows bool
	wraps   bool
	pending bool // the last column was written; the next character is in a new row
	lines   [][]byte
	line    int // of the cursor
	offset  int // of the cursor in its line
	part    []byte
	unknown []string
}

func (s *screen) print(b []byte) {
	for _, c := range b {
		switch {
		case len(s.part) > 0 || c == '\x1b':
			if s.part = append(s.part, c); len(s.part) > 2 && c >= '@' {
				s.do(string(s.part))
				s.part = nil
			}
		case c == '\r':
			s.offset = s.row() * s.width
			s.pending = false
		case c == '\n':
			s.down()
		default:
			s.put(c)
		}
	}
}

// row is the cursor's, in its line.
func (s *screen) row() int {
	if s.pending {
		return (s.offset - 1) / s.width
	}
	return s.offset / s.width
}

func (s *screen) put(c byte) {
	l := &s.lines[s.line]
	last := s.pending || s.offset%s.width == s.width-1
	if !s.wraps && s.pending {
		s.offset--
	}
	if s.offset >= len(*l) {
		*l = append(*l, bytes.Repeat([]byte(" "), s.offset-len(*l)+1)...)
	}
	(*l)[s.offset] = c
	if s.wraps || !last {
		s.offset++
		s.pending = s.offset%s.width == 0
	}
}

func (s *screen) down() {
	if next := s.offset + s.width; next < len(s.lines[s.line]) {
		s.offset = next
		return
	}
	s.offset -= s.row() * s.width
	s.line++
	if s.pending = false; s.line == len(s.lines) {
		s.lines = append(s.lines, nil)
	}
}

func (s *screen) do(sequence string) {
	switch {
	case sequence == "\x1b[J" && s.line == 0 && s.offset == 0:
		s.unknown = append(s.unknown, sequence+" of a whole screen, which tmux keeps")
	case sequence == "\x1b[J":
		s.lines = s.lines[:s.line+1]
		s.lines[s.line] = s.lines[s.line][:min(s.offset, len(s.lines[s.line]))]
	case sequence == "\x1b[?7l":
		s.wraps = false
	case sequence == "\x1b[?7h":
		s.wraps = true
	case !strings.HasSuffix(sequence, "m"):
		s.unknown = append(s.unknown, sequence)
	}
}

// resize gives the screen another width. The cursor stays at its character; where rows
// are cut off, in its row.
func (s *screen) resize(width int) {
	if !s.reflows {
		var lines [][]byte
		at := 0
		for i, l := range s.lines {
			if i == s.line {
				at = len(lines) + s.row()
			}
			for row := range slices.Chunk(append(l, '\n'), s.width) {
				lines = append(lines, bytes.TrimRight(row[:min(width, len(row))], "\n"))
			}
		}
		s.lines, s.offset, s.line = lines, min(s.offset%s.width, width-1), at
	}
	s.width, s.pending = width, false
}
