// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/report/reporttest"
)

func traceText(t testing.TB, c *ChromeTrace) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := c.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("%d bytes of %d, %v", n, b.Len(), err)
	}
	return b.Bytes()
}

func traceOf(t testing.TB, m moments) *reporttest.Trace {
	t.Helper()
	c := NewChromeTrace()
	m.tell(c)
	text := traceText(t, c)
	trace, err := reporttest.ReadTrace(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if again := traceText(t, c); !bytes.Equal(again, text) {
		t.Errorf("written again it is\n%s", again)
	}
	return trace
}

// lines are a trace's events, as people see them: process, track, name and time.
func lines(trace *reporttest.Trace) []string {
	var lines []string
	for _, e := range trace.Events {
		track := trace.Processes[e.Process] + "/" + trace.Tracks[e.Track]
		switch e.Kind {
		case "X":
			lines = append(lines, fmt.Sprintf("%s: %s %d+%d", track, e.Name, *e.Time, *e.Duration))
		case "i":
			lines = append(lines, fmt.Sprintf("%s: %s %d", track, e.Name, *e.Time))
		case "C":
			lines = append(lines, fmt.Sprintf("%s: %s %v %d", trace.Processes[e.Process], e.Name, e.Args, *e.Time))
		}
	}
	return lines
}

func compareLines(t *testing.T, got []string, want string) {
	t.Helper()
	if got := "\n" + strings.Join(got, "\n") + "\n"; got != want {
		t.Errorf("%s\nwant%s", got, want)
	}
}

func TestChromeTrace(t *testing.T) {
	compareLines(t, lines(traceOf(t, smallLink())), `
link/link: app 0+90000
link/phases: thin link 2000+18000
link/phases: compile 21000+50000
link/messages: d.c:1:1: warning: loop not "vectorized" 61000
link: jobs map[over:1] 22000
link: jobs map[over:2] 50000
link: jobs map[over:3] 60000
link: jobs map[over:4] 70000
this machine/slot 1: a.o 23000+27000
this machine/slot 2: d.o 30000+40000
this machine: compiles map[running:1] 23000
this machine: compiles map[running:2] 30000
this machine: compiles map[running:1] 50000
this machine: compiles map[running:0] 70000
cluster/slot 1: x.a(m/b.o) 23000+37000
cluster/slot 1: queued 34000+2000
cluster/slot 1: fetching 36000+3000
cluster/slot 1: executing 39000+20000
cluster/slot 1: uploading 59000+1000
cluster/slot 2: undone: d.o 23000+7000
cluster: compiles map[running:2] 23000
cluster: compiles map[running:1] 30000
cluster: compiles map[running:0] 60000
`)
}

func TestChromeTraceArguments(t *testing.T) {
	for name, want := range map[string]string{
		"a.o":         "map[because:the cache is full cpu_seconds:0.026 job:0 memory_bytes:1000 module:dir/a.o object_bytes:100 outcome:not-kept result:done]",
		"x.a(m/b.o)":  "map[job:1 module:lib/x.a(m/b.o) object_bytes:200 outcome:remote-compiled result:done worker:w1]",
		"undone: d.o": "map[job:2 module:d.o reason:the cluster is full result:undone]",
		"executing":   "map[seconds:0.02]",
		"thin link":   "map[]",
		"app": "map[cached:1 cluster:grpcs://c:1 cluster_cached:0 cluster_compiled:1 cluster_slots:8 cluster_undone:1 compiled:2 cpu_seconds:0.065 folder:/b " +
			"jobs:4 memory_bytes:2000 mode:staged output:/b/app own_cpu_seconds:0.005 received_bytes:2e+06 saved_seconds:0.9 sent_bytes:4e+06 slots:2 " +
			"time:2026-11-20T09:00:00Z tool:dtlto 1]",
	} {
		events := traceOf(t, smallLink()).Events
		i := slices.IndexFunc(events, func(e reporttest.TraceEvent) bool { return e.Name == name })
		if i < 0 {
			t.Errorf("no %s", name)
		} else if got := fmt.Sprint(events[i].Args); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
}

// What overlaps gets tracks of its own; what follows at once does not.
func TestChromeTraceTracks(t *testing.T) {
	at := func(slot int, start, end Seconds) *Attempt {
		return &Attempt{Module: fmt.Sprintf("%d-%d", start, end), Where: Here, Slot: slot, Start: start * 1000, End: end * 1000, Result: "done", Cached: true}
	}
	compareLines(t, lines(traceOf(t, moments{
		{0, &Phase{"a", 0, 5000}}, {0, &Phase{"b", 4000, 9000}}, {0, &Phase{"c", 5000, 6000}},
		{0, at(0, 10, 20)}, {0, at(0, 0, 10)}, {0, at(0, 20, 20)}, {0, at(0, 20, 20)}, {0, at(0, 20, 21)}, {0, at(0, 15, 16)}, {0, at(1, 15, 16)},
	})), `
link/link: link 0+21
link/phases: a 0+5
link/phases (2): b 4+5
link/phases: c 5+1
this machine/slot 1: cached: 0-10 0+10
this machine/slot 1: cached: 10-20 10+10
this machine/slot 1 (2): cached: 15-16 15+1
this machine/slot 1: cached: 20-20 20+0
this machine/slot 1 (2): cached: 20-20 20+0
this machine/slot 1: cached: 20-21 20+1
this machine/slot 2: cached: 15-16 15+1
`)
}

// The clocks of servers are not ours: phases stay within the attempt.
func TestChromeTraceRemotePhases(t *testing.T) {
	for what, test := range map[string]struct {
		remote Remote
		want   string
	}{
		"shorter":    {Remote{"", 1000, 2000, 3000, 0}, "queued 104+1 fetching 105+2 executing 107+3"},
		"as long":    {Remote{"", 3000, 0, 7000, 0}, "queued 100+3 executing 103+7"},
		"longer":     {Remote{"", 10000, 0, 80000, 10000}, "queued 100+1 executing 101+8 uploading 109+1"},
		"without an": {Remote{}, ""},
		"nonsense":   {Remote{"", math.MinInt64, math.MaxInt64, 5000, math.MaxInt64}, "fetching 100+4 executing 104+1 uploading 105+5"},
	} {
		trace := traceOf(t, moments{{0, &Attempt{Module: "m", Where: Cluster, Start: 100000, End: 110000, Result: "done", Remote: &test.remote}}})
		var got []string
		for _, e := range trace.Events {
			if e.Category == "remote" {
				got = append(got, fmt.Sprintf("%s %d+%d", e.Name, *e.Time, *e.Duration))
			}
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: %s, want %s", what, got, test.want)
		}
	}
}

// A link that was interrupted shows what was under way.
func TestChromeTraceOfUnfinishedLink(t *testing.T) {
	compareLines(t, lines(traceOf(t, moments{
		{1000, &PhaseStart{"compile"}},
		{2000, &AttemptStart{Job: 0, Module: "a.o", Where: Here, Slot: 0}},
		{3000, &AttemptStart{Job: 1, Module: "", Where: Cluster, Slot: 4}},
		{9000, &Message{Text: "\n"}},
	})), `
link/link: link 0+9
link/phases: compile 1+8
link/messages: message 9
this machine/slot 1: unfinished: a.o 2+7
this machine: compiles map[running:1] 2
this machine: compiles map[running:0] 9
cluster/slot 5: unfinished: job 1 3+6
cluster: compiles map[running:1] 3
cluster: compiles map[running:0] 9
`)
}

// Names may have any bytes, and words come in any amount.
func TestChromeTraceOfStrangeWords(t *testing.T) {
	m := moments{{0, &Attempt{Module: "\xff\U0001f600\"\x00\x7f\\ud800", Where: Here, Result: "done"}}}
	for range maxMessages + 5 {
		m = append(m, moments{{1, &Message{Text: strings.Repeat("é", maxMessage)}}}...)
	}
	trace := traceOf(t, m)
	var kept int
	for _, e := range trace.Events {
		switch e.Category {
		case "message":
			kept++
			if text := e.Args["text"].(string); len(text) > maxMessage+len("…") || !strings.HasSuffix(text, "é…") || len(e.Name) > 110 {
				t.Fatalf("%d bytes, named %s", len(text), e.Name)
			}
		case "link":
			if left := e.Args["messages_left_out"]; left != 5.0 {
				t.Errorf("%v left out", left)
			}
		case "compile":
			if want := "\ufffd\U0001f600\"\x00\x7f\\ud800"; e.Args["module"] != want || e.Name != "ud800" {
				t.Errorf("%q, %q", e.Name, e.Args["module"])
			}
		}
	}
	if kept != maxMessages {
		t.Errorf("%d messages", kept)
	}
}

func TestShortName(t *testing.T) {
	for module, want := range map[string]string{
		"":                       "",
		"a.o":                    "a.o",
		"/home/me/b/a.o":         "a.o",
		`C:\b\a.obj`:             "a.obj",
		"lib/libx.a(a.o)":        "libx.a(a.o)",
		"l (1)/libx.a(dir/a.o)":  "libx.a(dir/a.o)",
		"dir(1)/a.o":             "a.o",
		"a)":                     "a)",
		"build/libx.a(a.o at 8)": "libx.a(a.o at 8)",
	} {
		if got := shortName(module); got != want {
			t.Errorf("%s: %s, want %s", module, got, want)
		}
	}
}

func TestChromeTraceSaysThatItWasNotWritten(t *testing.T) {
	c := NewChromeTrace()
	smallLink().tell(c)
	if n, err := c.WriteTo(&counting{fail: 1}); !errors.Is(err, errFull) || n == 0 {
		t.Errorf("%d, %v", n, err)
	}
}

// largeLink tells of a link of so many jobs, each compiled on one of 256 slots of a cluster.
func largeLink(s Sink, jobs int) {
	const slots = 256
	s.Take(0, &Start{Output: "/b/app"})
	s.Take(0, &Plan{Jobs: jobs, ClusterSlots: slots})
	for i := range jobs {
		start := Seconds(i/slots) * Seconds(time.Second)
		end := start + Seconds(900*time.Millisecond) + Seconds(i)
		name := fmt.Sprintf("obj/third_party/some/library/of/many/module-%05d.o", i)
		s.Take(start, &AttemptStart{Job: i, Module: name, Where: Cluster, Slot: i % slots})
		s.Take(end, &Attempt{Job: i, Module: name, Where: Cluster, Slot: i % slots, Start: start, End: end, Result: "done",
			Remote: &Remote{"worker-17", 5 * ms, 20 * ms, 800 * ms, 10 * ms}})
		s.Take(end, &Job{Job: i, Module: name, Outcome: RemoteCompiled, Took: 800 * ms, Object: 100000})
	}
	s.Take(Seconds(time.Hour), &End{Wall: Seconds(time.Hour), Jobs: jobs})
}

// A trace of a large link is right, too, and costs little memory until it is written.
func TestChromeTraceOfLargeLink(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	const jobs = 20000
	c := NewChromeTrace()
	before := heap()
	largeLink(c, jobs)
	if used := heap() - before; used > 20<<20 {
		t.Errorf("%d bytes for each job", used/jobs)
	}
	text := traceText(t, c)
	if len(text) > 1000*jobs {
		t.Errorf("%d bytes for each job in the file", len(text)/jobs)
	}
	trace, err := reporttest.ReadTrace(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(trace.Tracks) != 256+1 {
		t.Errorf("%d tracks", len(trace.Tracks))
	}
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func BenchmarkChromeTraceTake(b *testing.B) {
	b.ReportAllocs()
	var c *ChromeTrace
	before := heap()
	for b.Loop() {
		c = NewChromeTrace()
		largeLink(c, 20000)
	}
	b.ReportMetric(float64(heap()-before)/20000, "B-kept/job")
	runtime.KeepAlive(c)
}

func BenchmarkChromeTraceWrite(b *testing.B) {
	c := NewChromeTrace()
	largeLink(c, 20000)
	b.ReportAllocs()
	for b.Loop() {
		n, _ := c.WriteTo(writes(func(p []byte) (int, error) { return len(p), nil }))
		b.ReportMetric(float64(n)/20000, "B-file/job")
	}
}
