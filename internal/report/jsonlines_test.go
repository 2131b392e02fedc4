// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// moments are events and when they were.
type moments []struct {
	at Seconds
	e  Event
}

func (m moments) tell(s Sink) {
	for _, x := range m {
		s.Take(x.at, x.e)
	}
}

func write(t testing.TB, link string, m moments) []byte {
	t.Helper()
	var b bytes.Buffer
	lines := NewJSONLines(&b, link)
	m.tell(lines)
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
	return b.Bytes()
}

const ms = Seconds(time.Millisecond)

// smallLink is a link with something of everything.
func smallLink() moments {
	return moments{
		{1 * ms, &Start{Schema: SchemaVersion, Time: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), Tool: "dtlto 1", Mode: "staged", Output: "/b/app", Folder: "/b", PID: 7, Cluster: "grpcs://c:1"}},
		{2 * ms, &PhaseStart{Phase: "thin link"}},
		{20 * ms, &Phase{Phase: "thin link", Start: 2 * ms, End: 20 * ms}},
		{21 * ms, &PhaseStart{Phase: "compile"}},
		{22 * ms, &Plan{Jobs: 4, Slots: 2, ClusterSlots: 8, Weights: []time.Duration{1, 2, 3, 4}}},
		{22 * ms, &Job{Job: 3, Module: "c.o", Outcome: Cached, Took: 900 * ms, Object: 300}},
		{23 * ms, &AttemptStart{Job: 0, Module: "dir/a.o", Where: Here, Slot: 0}},
		{23 * ms, &AttemptStart{Job: 1, Module: "lib/x.a(m/b.o)", Where: Cluster, Slot: 0}},
		{23 * ms, &AttemptStart{Job: 2, Module: "d.o", Where: Cluster, Slot: 1}},
		{30 * ms, &Attempt{Job: 2, Module: "d.o", Where: Cluster, Slot: 1, Start: 23 * ms, End: 30 * ms, Result: "undone", Reason: "the cluster is full"}},
		{30 * ms, &AttemptStart{Job: 2, Module: "d.o", Where: Here, Slot: 1}},
		{50 * ms, &Attempt{Job: 0, Module: "dir/a.o", Where: Here, Slot: 0, Start: 23 * ms, End: 50 * ms, Result: "done", CPU: 26 * ms, Memory: 1000}},
		{50 * ms, &Job{Job: 0, Module: "dir/a.o", Outcome: NotKept, Reason: "the cache is full", Took: 27 * ms, Object: 100}},
		{60 * ms, &Attempt{Job: 1, Module: "lib/x.a(m/b.o)", Where: Cluster, Slot: 0, Start: 23 * ms, End: 60 * ms, Result: "done",
			Remote: &Remote{Worker: "w1", Queued: 2 * ms, Fetching: 3 * ms, Executing: 20 * ms, Uploading: 1 * ms}}},
		{60 * ms, &Job{Job: 1, Module: "lib/x.a(m/b.o)", Outcome: RemoteCompiled, Took: 20 * ms, Object: 200}},
		{61 * ms, &Message{Module: "d.o", Text: "d.c:1:1: warning: loop not \"vectorized\"\n  here\n"}},
		{70 * ms, &Attempt{Job: 2, Module: "d.o", Where: Here, Slot: 1, Start: 30 * ms, End: 70 * ms, Result: "done", CPU: 39 * ms, Memory: 2000}},
		{70 * ms, &Job{Job: 2, Module: "d.o", Outcome: Compiled, Took: 40 * ms, Object: 100}},
		{71 * ms, &Phase{Phase: "compile", Start: 21 * ms, End: 71 * ms}},
		{90 * ms, &End{Output: "/b/app", Wall: 90 * ms, Jobs: 4, Cached: 1, Compiled: 2, NotKept: 1, WhyNot: "the cache is full", CPU: 65 * ms, OwnCPU: 5 * ms,
			Saved: 900 * ms, PeakSlots: 2, Memory: 2000, HeldBack: 1, Phases: []Phase{{"thin link", 2 * ms, 20 * ms}, {"compile", 21 * ms, 71 * ms}},
			Cluster: &ClusterUse{Compiled: 1, Undone: 1, PeakSlots: 2, Calls: 9, Sent: 4000000, Received: 2000000, Uploaded: 5, Fetched: 1, Retries: 1}}},
	}
}

func TestJSONLinesFitTheSchema(t *testing.T) {
	lines := write(t, "0d5a0b86", smallLink())
	if err := readSchema(t).CheckLines(lines); err != nil {
		t.Error(err)
	}
	want := `{"event":"job","at":0.022000,"link":"0d5a0b86","job":3,"module":"c.o","outcome":"cached","took":0.900000,"object":300}` + "\n"
	if !strings.Contains(string(lines), want) {
		t.Errorf("%s\ndoes not have\n%s", lines, want)
	}
}

// What is read back is what was written.
func TestJSONLinesRoundTrip(t *testing.T) {
	for _, m := range smallLink() {
		line := write(t, "a", moments{m})
		got := reflect.New(reflect.TypeOf(m.e).Elem()).Interface()
		if err := json.Unmarshal(line, got); err != nil {
			t.Fatal(err)
		}
		if plan, ok := m.e.(*Plan); ok {
			plan.Weights = nil
		}
		if !reflect.DeepEqual(got, m.e) {
			t.Errorf("%s\nis read as %+v, was %+v", line, got, m.e)
		}
	}
}

// Names may have any bytes.
func TestJSONLinesOfStrangeNames(t *testing.T) {
	for name, want := range map[string]string{
		"a\nb\x00\x1b\"\\": "a\nb\x00\x1b\"\\",
		"\xff.o":           "\ufffd.o",
		"\U0001f600\u2028": "\U0001f600\u2028",
	} {
		line := write(t, name, moments{{0, &Message{Module: name, Text: name}}})
		var got struct{ Link, Module, Text string }
		if err := json.Unmarshal(line, &got, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		if got.Link != want || got.Module != want || got.Text != want {
			t.Errorf("%q: %q", name, got)
		}
		if n := bytes.Count(line, []byte("\n")); n != 1 {
			t.Errorf("%d lines: %s", n, line)
		}
	}
}

// counting counts writes and fails from one on.
type counting struct {
	bytes.Buffer
	writes, fail int
}

var errFull = errors.New("no space left")

func (c *counting) Write(p []byte) (int, error) {
	if c.writes++; c.writes >= c.fail {
		n, _ := c.Buffer.Write(p[:len(p)/2])
		return n, errFull
	}
	return c.Buffer.Write(p)
}

func TestJSONLinesAreWholeWrites(t *testing.T) {
	link := smallLink()
	w := &counting{fail: 1000}
	link.tell(NewJSONLines(w, "a"))
	if w.writes != len(link) {
		t.Errorf("%d writes of %d lines", w.writes, len(link))
	}
}

func TestJSONLinesStopAtTheFirstError(t *testing.T) {
	w := &counting{fail: 3}
	lines := NewJSONLines(w, "a")
	smallLink().tell(lines)
	if w.writes != 3 || !errors.Is(lines.Err(), errFull) {
		t.Errorf("%d writes, %v", w.writes, lines.Err())
	}
	late := NewJSONLines(&counting{fail: 9}, "a")
	late.Take(0, &Start{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
	if late.Err() == nil {
		t.Error("a year that JSON has no form for: no error")
	}
}

// Several links write to one file.
func TestJSONLinesOfSeveralLinks(t *testing.T) {
	var b bytes.Buffer
	var mu sync.Mutex
	shared := writes(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return b.Write(p)
	})
	var wait sync.WaitGroup
	for _, link := range []string{"a", "b", "c"} {
		wait.Go(func() { smallLink().tell(NewJSONLines(shared, link)) })
	}
	wait.Wait()
	if err := readSchema(t).CheckLines(b.Bytes()); err != nil {
		t.Error(err)
	}
}

type writes func(p []byte) (int, error)

func (f writes) Write(p []byte) (int, error) { return f(p) }

// --json has the fields of the end event.
func TestMarshalEnd(t *testing.T) {
	link := smallLink()
	end := link[len(link)-1]
	line := string(write(t, "a", moments{end}))
	want := "{" + strings.TrimPrefix(line, `{"event":"end","at":0.090000,"link":"a",`)
	if got := string(MarshalEnd(end.e.(*End))); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func BenchmarkJSONLines(b *testing.B) {
	lines := NewJSONLines(writes(func(p []byte) (int, error) { return len(p), nil }), "0d5a0b86-5f0c-4a7e-9f0e-3c1f4b1f7a55")
	e := smallLink()[13].e
	b.ReportAllocs()
	for b.Loop() {
		lines.Take(1, e)
	}
}
