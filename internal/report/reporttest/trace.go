// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reporttest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// TraceEvent is an event of the Trace Event Format, with the fields that are used.
type TraceEvent struct {
	Kind     string         `json:"ph"`
	Process  int64          `json:"pid"`
	Track    int64          `json:"tid"`
	Name     string         `json:"name"`
	Category string         `json:"cat"`
	Scope    string         `json:"s"`
	Time     *int64         `json:"ts"`
	Duration *int64         `json:"dur"`
	Args     map[string]any `json:"args"`
}

// Trace is a trace that was checked.
type Trace struct {
	Events []TraceEvent `json:"traceEvents"`
	// Processes and Tracks are their names.
	Processes map[int64]string `json:"-"`
	Tracks    map[int64]string `json:"-"`
	owner     map[int64]int64  // of tracks: their processes
	order     map[string]bool  // whose place is said
}

// ReadTrace reads a trace and checks it as Perfetto's importer of August 2026 would
// (src/trace_processor/importers: json/json_trace_tokenizer.cc, json/json_trace_parser.cc,
// common/slice_tracker.cc), where that drops or moves something, and more strictly where
// other programs or older ones have had troubles.
func ReadTrace(text []byte) (*Trace, error) {
	t := &Trace{Processes: map[int64]string{}, Tracks: map[int64]string{}, owner: map[int64]int64{}, order: map[string]bool{}}
	if err := checkText(text); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, t, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	for i := range t.Events {
		if err := t.event(&t.Events[i]); err != nil {
			return nil, fmt.Errorf("event %d: %w: %+v", i, err, t.Events[i])
		}
	}
	return t, errors.Join(t.checkNames(), t.checkNesting(), t.checkCounters())
}

func checkText(text []byte) error {
	if !bytes.HasPrefix(text, []byte(`{"traceEvents":[`)) {
		return errors.New("programs know a trace by how it begins")
	}
	for i := 0; i+3 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if i++; text[i] == 'u' && text[i+1]|0x20 == 'd' && text[i+2] >= '8' {
			return errors.New("half a character: Perfetto gives up at a surrogate")
		}
	}
	return nil
}

func (t *Trace) event(e *TraceEvent) error {
	const most = 1 << 53 // a float64 counts up to there
	switch {
	case e.Process <= 0 || e.Track <= 0 || e.Process >= 1<<32 || e.Track >= 1<<32:
		return errors.New("a process or track that is no id: 0 and what is too large are taken for others")
	case e.Name == "" || e.Args == nil:
		return errors.New("no name or no arguments")
	case (e.Kind == "M") != (e.Time == nil) || (e.Kind == "X") != (e.Duration != nil):
		return errors.New("ts or dur missing, or not to be there")
	case e.Time != nil && (*e.Time < 0 || *e.Time > most):
		return errors.New("a time that is none")
	case e.Duration != nil && (*e.Duration < 0 || *e.Time+*e.Duration > most):
		return errors.New("a duration that is none")
	case (e.Kind == "i") != (e.Scope == "t"):
		return errors.New("an instant belongs to its track")
	}
	return t.kind(e)
}

func (t *Trace) kind(e *TraceEvent) error {
	switch e.Kind {
	case "X", "i", "C":
		return nil
	case "M":
		return t.metadata(e)
	default:
		return errors.New("not one of the kinds that are used")
	}
}

func (t *Trace) metadata(e *TraceEvent) error {
	names, id := t.Processes, e.Process
	if strings.HasPrefix(e.Name, "thread_") {
		names, id = t.Tracks, e.Track
	}
	switch e.Name {
	case "process_name", "thread_name":
		name, _ := e.Args["name"].(string)
		if _, known := names[id]; known || name == "" {
			return errors.New("named again, or not named")
		}
		names[id] = name
	case "process_sort_index", "thread_sort_index":
		key := fmt.Sprint(e.Name, id)
		if _, ok := e.Args["sort_index"].(float64); !ok || t.order[key] {
			return errors.New("placed again, or not placed")
		}
		t.order[key] = true
	default:
		return errors.New("metadata that Perfetto does not know")
	}
	return nil
}

// checkNames wants a name and a place for each process and track. An id is of one of them:
// Perfetto takes the track with a process's id for its main one.
func (t *Trace) checkNames() error {
	for i := range t.Events {
		e := &t.Events[i]
		if owner, known := t.owner[e.Track]; known && owner != e.Process {
			return fmt.Errorf("track %d is of processes %d and %d", e.Track, owner, e.Process)
		}
		t.owner[e.Track] = e.Process
		switch {
		case t.Processes[e.Process] == "" || t.Tracks[e.Track] == "":
			return fmt.Errorf("no name: %+v", *e)
		case !t.order[fmt.Sprint("process_sort_index", e.Process)] || !t.order[fmt.Sprint("thread_sort_index", e.Track)]:
			return fmt.Errorf("no place: %+v", *e)
		case t.Processes[e.Track] != "":
			return fmt.Errorf("track and process have the same id: %+v", *e)
		}
	}
	return nil
}

// checkNesting does with slices and instants what Perfetto does: they come in the order of
// their times, and of the file; what has ended is taken from the track's stack; what then
// ends after the slice around it would be moved to a track of its own.
func (t *Trace) checkNesting() error {
	stacks := map[int64][]*TraceEvent{}
	for _, e := range t.inOrder() {
		stack := stacks[e.Track]
		for len(stack) > 0 && endsBefore(stack[len(stack)-1], e) {
			stack = stack[:len(stack)-1]
		}
		if n := len(stack); n > 0 && length(e) > 0 && *e.Time+length(e) > *stack[n-1].Time+length(stack[n-1]) {
			return fmt.Errorf("track %d: %+v ends after %+v, in which it began", e.Track, *e, *stack[n-1])
		}
		if stacks[e.Track] = append(stack, e); e.Kind == "X" && len(stacks[e.Track]) > 2 {
			return fmt.Errorf("track %d: deeper than any that is meant: %+v", e.Track, *e)
		}
	}
	return nil
}

func (t *Trace) inOrder() []*TraceEvent {
	var events []*TraceEvent
	for i := range t.Events {
		if e := &t.Events[i]; e.Kind == "X" || e.Kind == "i" {
			events = append(events, e)
		}
	}
	slices.SortStableFunc(events, func(a, b *TraceEvent) int { return cmp.Compare(*a.Time, *b.Time) })
	return events
}

// endsBefore says whether Perfetto takes a from the stack for e.
func endsBefore(a, e *TraceEvent) bool {
	end := *a.Time + length(a)
	return end < *e.Time || end == *e.Time && (length(a) != 0 || length(e) != 0)
}

func length(e *TraceEvent) int64 {
	if e.Duration == nil {
		return 0
	}
	return *e.Duration
}

// checkCounters wants counters that change, at each time once, and never below 0.
func (t *Trace) checkCounters() error {
	type counter struct {
		process int64
		name    string
	}
	last := map[counter]*TraceEvent{}
	for i := range t.Events {
		e := &t.Events[i]
		if e.Kind != "C" {
			continue
		}
		before := last[counter{e.Process, e.Name}]
		last[counter{e.Process, e.Name}] = e
		for series, value := range e.Args {
			n, ok := value.(float64)
			if !ok || n < 0 || before != nil && (*before.Time >= *e.Time || before.Args[series] == value) {
				return fmt.Errorf("counter: %+v after %+v", *e, before)
			}
		}
	}
	return nil
}
