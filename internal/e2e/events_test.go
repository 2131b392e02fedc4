// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/report/reporttest"
)

// event is a line of a file of events, with the fields that tests look at.
type event struct {
	Event                         string
	At                            float64
	Link, Mode, Output            string
	Schema, Jobs, Slots, Slot     int
	Job                           int
	Module, Where, Result, Reason string
	Outcome, Phase, Text          string
	Start, End, Took, CPU, Wall   float64
	Memory, Object                int64
	Cached, Compiled, NotRun      int
	Time                          string
	Jobserver                     string
	Remote                        struct{ Executing float64 }
}

// readEvents reads a file of events, every line of which must be one.
func readEvents(t *testing.T, file string) (events []event) {
	t.Helper()
	for line := range strings.Lines(string(read(t, file))) {
		// "cached" is a number of jobs in one kind of event and a switch in another.
		line = strings.Replace(line, `"cached":true`, `"cached":1`, 1)
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v\n%s", file, err, line)
		}
		events = append(events, e)
	}
	return events
}

func ofKind(events []event, kind string) (found []event) {
	for _, e := range events {
		if e.Event == kind {
			found = append(found, e)
		}
	}
	return found
}

// modules200 are the inputs of a link of 200 modules: libraries of the corpus, and small
// ones.
func modules200(t *testing.T, dir string, llvm int) (driver string, inputs []string) {
	t.Helper()
	re2 := built(t, corpus.RE2(), llvm, corpus.ThinLTO()...)
	inputs = re2.FromObjects()
	for _, p := range []corpus.Program{corpus.LevelDB(), corpus.Zstd()} {
		inputs = append(inputs, built(t, p, llvm, corpus.ThinLTO()...).Loose...)
	}
	args := []string{"-O2", "-flto=thin", "-c"}
	for i := range 200 + 1 - len(inputs) { // one of Zstandard's is assembly
		name := fmt.Sprintf("small%02d", i)
		writeFile(t, filepath.Join(dir, name+".c"), fmt.Sprintf("__attribute__((used)) static int kept; int %s(int n) { return n * %d + kept; }\n", name, i))
		args, inputs = append(args, name+".c"), append(inputs, filepath.Join(dir, name+".o"))
	}
	cmd := exec.Command(fmt.Sprintf("clang-%d", llvm), args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return re2.Driver, inputs
}

// TestEvents: of a link of 200 modules, done by dtlto, and its relink through LLD, events,
// trace, statistics, record and page tell the same.
func TestEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: compiles 200 modules")
	}
	dir := t.TempDir()
	driver, inputs := modules200(t, dir, 22)
	events, trace, cache := filepath.Join(dir, "events"), filepath.Join(dir, "trace"), filepath.Join(dir, "cache")
	shareToolchain(t, cache)
	link := func(mode string) (said event) {
		t.Helper()
		args := append([]string{"-O2", "-flto=thin", "-fuse-ld=dtlto", "-Wl,--dtlto-mode=" + mode, "-Wl,--dtlto-stats,--dtlto-json",
			"-Wl,--dtlto-cache-dir=" + cache, "-Wl,--dtlto-events=" + events, "-Wl,--dtlto-trace=" + trace, "-o", "program"}, inputs...)
		cmd := exec.Command(driver, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := json.Unmarshal(out, &said); err != nil {
			t.Fatalf("--stats --json: %v: %s", err, out)
		}
		return said
	}
	said := link("staged")
	first := readEvents(t, events)
	wantLink(t, first, said, "staged", "compiled")
	wantTrace(t, trace, first)
	again := link("native")
	both := readEvents(t, events)
	second := both[len(first):]
	wantLink(t, second, again, "native", "cached")
	if again.Cached != 200 || first[0].Link == second[0].Link {
		t.Errorf("the relink says %+v", again)
	}
	wantReport(t, dir, cache, first, second)
	wantSchema(t, events, trace)
}

// wantSchema: events are as their schema has them, and viewers take the trace.
func wantSchema(t *testing.T, events, trace string) {
	t.Helper()
	schema, err := reporttest.ReadSchema(read(t, "../../docs/events.schema.json"))
	if err == nil {
		err = schema.CheckLines(read(t, events))
	}
	if err != nil {
		t.Errorf("events: %v", err)
	}
	if _, err := reporttest.ReadTrace(read(t, trace)); err != nil {
		t.Errorf("trace: %v", err)
	}
}

// wantLink checks the events of one link of 200 modules, in which each has an outcome.
func wantLink(t *testing.T, events []event, said event, mode, outcome string) {
	t.Helper()
	start, end, plan := events[0], events[len(events)-1], ofKind(events, "plan")
	if start.Event != "start" || start.Schema != 1 || start.Mode != mode || end.Event != "end" || len(plan) != 1 || plan[0].Jobs != 200 {
		t.Fatalf("start %+v, plan %+v, end %+v", start, plan, end)
	}
	end.Event, end.At, end.Link = "", 0, ""
	if end != said {
		t.Errorf("--stats --json says\n%+v, and the events\n%+v", said, end)
	}
	seen := map[int]bool{}
	for i, e := range events {
		if e.Link != start.Link || i > 0 && e.At < events[i-1].At {
			t.Errorf("event %d, of link %s at %f, comes after one at %f", i, e.Link, e.At, events[max(0, i-1)].At)
		}
		if e.Event == "job" && (seen[e.Job] || e.Outcome != outcome || e.Object == 0 || e.Took <= 0) {
			t.Errorf("%+v", e)
		}
		seen[e.Job] = seen[e.Job] || e.Event == "job"
	}
	if len(seen) != 200 {
		t.Errorf("%d jobs are over", len(seen))
	}
	attempts := ofKind(events, "attempt")
	if begun := ofKind(events, "attempt-start"); len(begun) != len(attempts) || len(attempts) != said.Compiled {
		t.Errorf("%d attempts have begun, %d ended, %d were compiled", len(begun), len(attempts), said.Compiled)
	}
	wantInSlots(t, attempts, plan[0].Slots)
}

// wantInSlots: attempts took one slot after the other.
func wantInSlots(t *testing.T, attempts []event, slots int) {
	t.Helper()
	slices.SortFunc(attempts, func(a, b event) int { return cmp.Or(a.Slot-b.Slot, cmp.Compare(a.Start, b.Start)) })
	for i, a := range attempts {
		if a.Result != "done" || a.Where != "here" || a.CPU <= 0 || a.Memory < 10<<20 || a.Start > a.End || a.Slot < 0 || a.Slot >= slots {
			t.Errorf("%+v", a)
		}
		if i > 0 && attempts[i-1].Slot == a.Slot && a.Start < attempts[i-1].End {
			t.Errorf("slot %d has two compiles at %f: %s and %s", a.Slot, a.Start, attempts[i-1].Module, a.Module)
		}
	}
}

// wantTrace: each attempt is in the trace, in microseconds.
func wantTrace(t *testing.T, file string, events []event) {
	t.Helper()
	var trace struct {
		TraceEvents []struct {
			Ph, Name, Cat string
			Ts, Dur       int64
			Args          struct{ Module, Outcome string }
		}
	}
	if err := json.Unmarshal(read(t, file), &trace); err != nil {
		t.Fatal(err)
	}
	attempts := map[string]event{}
	for _, a := range ofKind(events, "attempt") {
		attempts[a.Module] = a
	}
	found := 0
	for _, e := range trace.TraceEvents {
		if e.Ph != "X" || e.Cat != "compile" {
			continue
		}
		a := attempts[e.Args.Module]
		if diff := float64(e.Ts)/1e6 - a.Start; e.Args.Outcome != "compiled" || diff < -1e-5 || diff > 1e-5 || float64(e.Dur)/1e6 > a.End-a.Start+1e-5 {
			t.Errorf("the trace has %+v, the events %+v", e, a)
		}
		found++
	}
	if found != len(attempts) {
		t.Errorf("the trace has %d compiles, the events %d", found, len(attempts))
	}
}

// reported is the JSON of a report, with the fields that tests look at.
type reported struct {
	Link, Before *struct {
		Mode    string
		Wall    float64
		Phases  []struct{ Name string }
		Modules []struct {
			Name, Outcome   string
			Duration        float64
			Bitcode, Object int64
			Imports         []int
			Run             *struct {
				Slot       int
				Start, End float64
				Memory     int64
			}
		}
	}
}

// wantReport: the record of the last link and the one before tell what their events do,
// and the page opens.
func wantReport(t *testing.T, dir, cache string, before, last []event) {
	t.Helper()
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command("dtlto", append(args, "--cache-dir="+cache, "program")...)
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("dtlto %s: %v: %s", args, err, &stderr)
		}
		return out
	}
	var r reported
	if err := json.Unmarshal(run("report", "--json"), &r); err != nil {
		t.Fatal(err)
	}
	imports := 0
	for i, events := range [][]event{last, before} {
		link := r.Link
		if i == 1 {
			link = r.Before
		}
		jobs, attempts := ofKind(events, "job"), map[int]event{}
		for _, a := range ofKind(events, "attempt") {
			attempts[a.Job] = a
		}
		if len(link.Modules) != 200 || link.Mode != events[0].Mode || len(link.Phases) != len(ofKind(events, "phase")) {
			t.Fatalf("%d modules, %s, phases %v", len(link.Modules), link.Mode, link.Phases)
		}
		for _, job := range jobs {
			m := link.Modules[job.Job]
			imports += len(m.Imports)
			a, ran := attempts[job.Job]
			if m.Outcome != job.Outcome || m.Object != job.Object || m.Bitcode == 0 || m.Duration-job.Took > 1e-5 || ran != (m.Run != nil) {
				t.Errorf("the record has %+v, the events %+v", m, job)
			} else if ran && (m.Run.Slot != a.Slot || m.Run.Memory != a.Memory || m.Run.End-a.End > 1e-5) {
				t.Errorf("the record has %+v, the events %+v", m.Run, a)
			}
		}
	}
	if imports == 0 {
		t.Error("nothing imports from anything")
	}
	if said := string(run("report")); said != "program.report.html\n" {
		t.Errorf("dtlto report says %q", said)
	}
	page := filepath.Join(dir, "program.report.html")
	chromium := exec.Command(llvmtest.Tool(t, "chromium"), "--headless", "--no-sandbox", "--disable-gpu",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=5000", "--dump-dom", "file://"+page)
	// It makes folders in these, which others could not read.
	chromium.Env = append(chromium.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir())
	out, err := chromium.Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	head, _, _ := bytes.Cut(out, []byte("<head>"))
	if !bytes.Contains(head, []byte("data-ready=")) || bytes.Contains(head, []byte("data-error=")) || !bytes.Contains(out, []byte("All 200&nbsp;modules came from a cache")) {
		t.Errorf("the page does not open: %s", head)
	}
}
