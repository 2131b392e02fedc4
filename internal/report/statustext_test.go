// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// longLink is a link in its 90th second.
func longLink(jobs int) (*progress, Seconds) {
	p := &progress{}
	plan := &Plan{Jobs: jobs, Measured: true}
	for range jobs {
		plan.Weights = append(plan.Weights, 5*time.Second)
	}
	p.take(0, plan)
	for i := range jobs / 2 {
		outcome := []Outcome{Cached, Cached, RemoteCompiled, Compiled}[i%4]
		p.take(1, &Job{Job: i, Outcome: outcome})
	}
	for i := 7; i >= 0; i-- {
		start := Seconds(time.Duration(90-2*i) * time.Second)
		module := fmt.Sprintf("build/lib/libLLVMTarget.a(SelectionDAG%d.cpp.o)", i)
		p.take(start, &AttemptStart{Job: jobs - 1 - i, Module: module, Where: Here, Slot: i})
	}
	return p, Seconds(90 * time.Second)
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		jobs, width int
		want        string
	}{
		{200, 15, "[100/200]"},
		{200, 20, "[100/200] 1m55s"},
		{200, 21, "[100/200] 1m55s left"},
		{20000, 20, "[10000/20000] 3h21m"},
		{20000, 25, "[10000/20000] 3h21m left"},
		{200, 40, "[100/200] 1m55s left, 50 cached"},
		{200, 80, "[100/200] 1m55s left, 50 cached, 25 remote, 25 local, ...lectionDAG7.cpp.o) 14s"},
		{200, 120, "[100/200] 1m55s left, 50 cached, 25 remote, 25 local, 8 running: build/lib/libLLVMTarget.a(SelectionDAG7.cpp.o) 14s"},
		{200, 200, "[100/200] 1m55s left, 50 cached, 25 remote, 25 local, 8 running: build/lib/libLLVMTarget.a(SelectionDAG7.cpp.o) 14s, build/lib/libLLVMTarget.a(SelectionDAG6.cpp.o) 12s"},
	} {
		p, now := longLink(c.jobs)
		if got := p.line(now, c.width, false); got != c.want {
			t.Errorf("%d jobs, width %d:\n%s, not\n%s", c.jobs, c.width, got, c.want)
		}
	}
}

var nameAtEnd = regexp.MustCompile(`[,:] (\.\.\.|lib|build).*$`)

// TestNarrowAndWide is that a line leaves the last column free, that a wider terminal has
// no less on it up to the modules' names, and that nothing is written twice.
func TestNarrowAndWide(t *testing.T) {
	for _, jobs := range []int{1, 200, 20000} {
		before := ""
		for width := range 250 {
			p, now := longLink(max(jobs, 20))
			got := p.line(now, width, false)
			if len(got) > max(width-1, 0) || strings.HasSuffix(got, " ") || strings.HasSuffix(got, ",") {
				t.Errorf("width %d: %q", width, got)
			}
			head := nameAtEnd.ReplaceAllString(got, "")
			if !strings.HasPrefix(head, before) {
				t.Errorf("width %d: %q after %q", width, got, before)
			}
			before = head
		}
	}
}

func TestPhases(t *testing.T) {
	p := &progress{}
	says := func(now time.Duration, width int, want string) {
		t.Helper()
		if got := p.line(Seconds(now), width, false); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	says(time.Second, 80, "")
	p.take(0, &PhaseStart{"thin link"})
	says(65*time.Second, 80, "thin link 1m05s")
	says(65*time.Second, 10, "thin link")
	says(65*time.Second, 5, "thin")
	says(65*time.Second, 0, "")
	p.take(1, &Phase{Phase: "thin link"})
	p.take(1, &Phase{Phase: "never begun"})
	p.take(1, &PhaseStart{"compile"})
	says(time.Second, 80, "")
	p.take(1, &Plan{Jobs: 2})
	says(time.Second, 80, "[0/2]")
	p.take(Seconds(time.Second), &PhaseStart{"look up"})
	says(3*time.Second, 80, "[0/2] look up 2s")
	p.take(Seconds(3*time.Second), &AttemptStart{Job: 1, Module: "m.o", Where: Here})
	says(4*time.Second, 80, "[0/2] 1 running")
	says(5*time.Second, 80, "[0/2] 1 running: m.o 2s")
	p.take(1, &Attempt{Job: 1, Where: Here, Result: "failed"})
	p.take(1, &Job{Job: 1, Outcome: Failed})
	p.take(1, &Phase{Phase: "look up"})
	says(4*time.Second, 80, "[1/2] 1 failed")
	if got := p.line(0, 80, true); got != bold+"[1/2]"+plain+" "+red+"1 failed"+plain {
		t.Errorf("in colours: %q", got)
	}
	p.take(1, &Job{Job: 0, Outcome: NotRun})
	p.take(Seconds(9*time.Second), &PhaseStart{"final link"})
	says(12*time.Second, 80, "[1/2] final link 3s, 1 failed")
	p.take(1, &End{})
	says(12*time.Second, 80, "")
}

// TestHostileNames is that only printable ASCII gets to the terminal.
func TestHostileNames(t *testing.T) {
	for _, name := range []string{
		"a\x1b[2Jb\x1b]0;title\x07.o", "\u202egnp.o", "模块/模块模块模块模块模块模块模块模块模块模块.o", "\xff\xfe\x80", strings.Repeat("x", 1<<16),
		strings.Repeat("/", 300), "", "/", "a\nb\rc\td", strings.Repeat("ab/", 1000), "\x9b2J",
	} {
		for width := range 130 {
			p := &progress{}
			p.take(0, &PhaseStart{name})
			phase := p.line(0, width, false)
			p.take(0, &Plan{Jobs: 3})
			p.take(0, &AttemptStart{Job: 1, Module: name, Where: Cluster, Slot: 7})
			for _, got := range []string{phase, p.line(Seconds(time.Minute), width, false)} {
				if len(got) > max(width-1, 0) || strings.IndexFunc(got, func(c rune) bool { return c < ' ' || c > '~' }) >= 0 {
					t.Fatalf("width %d: %q", width, got)
				}
			}
		}
	}
}

func TestElided(t *testing.T) {
	for _, c := range []struct {
		name string
		room int
		want string
	}{
		{"a/b/module.o", 12, "a/b/module.o"},
		{"a/b/module.o", 11, "module.o"},
		{"one/two/three/module.o", 20, "...three/module.o"[:3] + "/three/module.o"},
		{"one/two/three/module.o", 17, "module.o"},
		{"one/module.o", 8, "module.o"},
		{"one/module.o", 7, "...le.o"},
		{"one/module.o", 3, "e.o"},
		{"one/module.o", 0, ""},
		{"a/b/", 2, "b/"},
		{"lib/libx.a(module.o at 1234)", 40, "lib/libx.a(module.o)"},
		{"lib/libx.a(module.o at 1234)", 16, "libx.a(module.o)"},
		{"meet at noon).o", 40, "meet at noon).o"},
		{"meet at )", 40, "meet at )"},
	} {
		if got := elided(c.name, c.room); got != c.want {
			t.Errorf("%s in %d: %q, not %q", c.name, c.room, got, c.want)
		}
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59900 * time.Millisecond: "59s", time.Minute: "1m00s", 3599 * time.Second: "59m59s", 2*time.Hour + 5*time.Minute + 59*time.Second: "2h05m",
	} {
		if got := clock(Seconds(d)); got != want {
			t.Errorf("%s: %s, not %s", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "1s", 1100 * time.Millisecond: "2s", 21 * time.Second: "25s", 119 * time.Second: "2m00s", 121 * time.Second: "2m30s", 1201 * time.Second: "21m00s",
	} {
		if got := clock(roughly(d)); got != want {
			t.Errorf("%s is about %s, not %s", d, got, want)
		}
	}
}

func BenchmarkLine(b *testing.B) {
	p, now := longLink(20000)
	for b.Loop() {
		p.line(now, 120, false)
	}
}
