// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// quickly draws a line at once, and often.
var quickly = StatusOptions{Delay: 1, interval: 2 * time.Millisecond}

// statusPattern is what every status line of these tests is like.
var statusPattern = regexp.MustCompile(`^(\[ *\d+/\d+\]( [ -~]+)?|thin link \d+s)$`)

// someWork makes a link that has done something in a minute and goes on.
func someWork(take func(Seconds, Event)) {
	take(Seconds(time.Minute), &Start{})
	take(0, &Plan{Jobs: 200})
	for i := range 60 {
		outcome := []Outcome{Cached, RemoteCompiled, Compiled, RemoteCached}[i%4]
		take(1, &Job{Job: i, Outcome: outcome})
	}
	for i := range 4 {
		take(1, &AttemptStart{Job: 100 + i, Module: fmt.Sprintf("out/lib/Target/X86/M%d.cpp.o", i), Where: Here, Slot: i})
	}
}

// TestEveryWidth has one line redrawn at every width.
func TestEveryWidth(t *testing.T) {
	for _, reflows := range []bool{true, false} {
		p := openPTY(t, 200, reflows)
		s := NewStatusLine(p.file, quickly)
		someWork(s.Take)
		for _, width := range widths() {
			p.resize(width)
			want := ""
			p.await(fmt.Sprint("drawn for a width of ", width), func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				want = s.progress.line(Seconds(time.Since(s.progress.started)), width, false)
				return slices.Equal(p.lines(), []string{want})
			})
			if len(want) >= width || !statusPattern.MatchString(want) {
				t.Errorf("width %d: %q", width, want)
			}
		}
		s.Stop()
		checkLines(t, p, nil)
	}
}

// widths goes from wide to narrow and back, in steps and in leaps.
func widths() []int {
	var all []int
	for w := 200; w >= 20; w-- {
		all = append(all, w)
	}
	for w := 20; w <= 200; w += 20 {
		all = append(all, w, 220-w)
	}
	return all
}

// checkLines checks that the screen has these lines in the end, and nothing else.
func checkLines(t *testing.T, p *pty, want []string) {
	t.Helper()
	all := p.all()
	if got := p.lines(); !slices.Equal(got, append(want, "")) {
		t.Errorf("on the screen at the end: %q", got)
	}
	if p.screen.unknown != nil || strings.Count(all, noWrap) != strings.Count(all, wrap) || !p.screen.wraps {
		t.Errorf("left behind: %q", p.screen.unknown)
	}
}

// TestMessages has messages of many lengths come in between while the terminal is being
// resized: all of them are on the screen in the end, whole, and nothing else is.
func TestMessages(t *testing.T) {
	for _, width := range []int{20, 21, 33, 40, 79, 80, 120, 200} {
		for _, reflows := range []bool{true, false} {
			t.Run(fmt.Sprint(width, reflows), func(t *testing.T) {
				p := openPTY(t, width, reflows)
				s := NewStatusLine(p.file, quickly)
				someWork(s.Take)
				want := writeMessages(t, p, s, func(i int) {
					if reflows { // rows that are cut off are no messages any more
						p.resize(20 + (width+i*37)%181)
					}
				})
				s.Stop()
				checkLines(t, p, want)
			})
		}
	}
}

func writeMessages(t *testing.T, p *pty, out io.Writer, between func(int)) (want []string) {
	for i := range 40 {
		message := fmt.Sprintf("message %d %s", i, strings.Repeat("=", i*7+1))
		want = append(want, message)
		for _, part := range strings.SplitAfter(message+"\n", " ") { // as from a pipe
			if _, err := io.WriteString(out, part); err != nil {
				t.Fatal(err)
			}
		}
		p.await("drawn again", func() bool {
			lines := p.lines()
			return len(lines) == len(want)+1 && slices.Equal(lines[:len(want)], want) && statusPattern.MatchString(p.last())
		})
		between(i)
	}
	return want
}

// TestManyWriters has messages of several writers at once, and events in between.
func TestManyWriters(t *testing.T) {
	p := openPTY(t, 60, true)
	s := NewStatusLine(p.file, quickly)
	someWork(s.Take)
	var all sync.WaitGroup
	var want []string
	for w := range 4 {
		for i := range 100 {
			want = append(want, fmt.Sprintf("%d says %d", w, i))
		}
		all.Go(func() {
			for i := range 100 {
				fmt.Fprintf(s, "%d says %d\n", w, i)
				s.Take(2, &Job{Job: 60 + i, Outcome: Compiled})
				time.Sleep(time.Duration(i%3) * time.Millisecond)
			}
		})
	}
	all.Wait()
	s.Stop()
	p.all()
	got := p.lines()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, append([]string{""}, want...)) {
		t.Errorf("on the screen: %q", got)
	}
}

// TestPartialLine has a message whose line is not complete: nothing is drawn into it.
func TestPartialLine(t *testing.T) {
	p := openPTY(t, 80, true)
	s := NewStatusLine(p.file, quickly)
	someWork(s.Take)
	for _, c := range []struct{ message, want string }{
		{"a question? ", "a question?"},
		{"yes\r\n\x1b[1mcoloured\x1b[0m\n\x1b[0m", ""},
		{"part", "part"},
		{" and end\npart", "part"},
	} {
		fmt.Fprint(s, c.message)
		asWanted := func() bool { return p.last() == c.want || c.want == "" && statusPattern.MatchString(p.last()) }
		p.await(fmt.Sprintf("right after %q", c.message), asWanted)
		time.Sleep(10 * time.Millisecond)
		if !asWanted() {
			t.Errorf("later after %q the last line is %q", c.message, p.last())
		}
	}
	s.Stop()
	fmt.Fprint(s, "\n")
	checkLines(t, p, []string{"a question? yes", "coloured", "part and end", "part"})
}

// TestShortLink is of one that is over before anybody would look.
func TestShortLink(t *testing.T) {
	p := openPTY(t, 80, true)
	s := NewStatusLine(p.file, StatusOptions{interval: time.Millisecond})
	s.Take(0, &Plan{Jobs: 3})
	time.Sleep(100 * time.Millisecond)
	fmt.Fprintln(s, "a warning")
	s.Take(Seconds(time.Second), &End{})
	s.Stop()
	s.Stop()
	if got := p.all(); got != "a warning\r\n" {
		t.Errorf("printed: %q", got)
	}
}

// TestQuiet is that what does not change is not drawn again, and what changes often is not
// drawn often.
func TestQuiet(t *testing.T) {
	p := openPTY(t, 80, true)
	s := NewStatusLine(p.file, StatusOptions{Delay: 1})
	someWork(s.Take)
	began := time.Now()
	for i := 0; time.Since(began) < 5*statusInterval; i++ {
		s.Take(2, &Job{Job: i % 200, Outcome: Cached})
		time.Sleep(time.Millisecond)
	}
	most := int(time.Since(began)/statusInterval) + 1
	time.Sleep(3 * statusInterval)
	s.Stop()
	if n := strings.Count(p.all(), noWrap); n < 1 || n > most+1 { // a busy machine draws late
		t.Errorf("drawn %d times, not up to %d", n, most)
	}
}

// TestEndedLink shows nothing any more, also before it is stopped.
func TestEndedLink(t *testing.T) {
	p := openPTY(t, 80, true)
	s := NewStatusLine(p.file, quickly)
	s.Take(0, &PhaseStart{Phase: "thin link"})
	p.await("drawn", func() bool { return p.last() == "thin link 0s" })
	s.Take(1, &End{})
	p.await("taken away", func() bool { return p.last() == "" })
	s.Stop()
	checkLines(t, p, nil)
}

// TestColours is that there are none unless they are wanted, and that they end.
func TestColours(t *testing.T) {
	for _, colour := range []bool{false, true} {
		p := openPTY(t, 80, true)
		s := NewStatusLine(p.file, StatusOptions{Delay: 1, interval: time.Millisecond, Colour: colour})
		someWork(s.Take)
		p.await("drawn", func() bool { return statusPattern.MatchString(p.last()) })
		s.Stop()
		all := p.all()
		if strings.Contains(all, bold) != colour || strings.Count(all, bold) != strings.Count(all, plain) {
			t.Errorf("colours %v: %q", colour, all)
		}
	}
}
