// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bufio"
	"fmt"

	"github.com/go-json-experiment/json"
)

// eventFacts are what is known of a file of events, to which several links may have
// written.
type eventFacts struct {
	Schema  int            `json:"schema,omitzero"` // the newest
	Lines   int            `json:"lines"`
	Kinds   map[string]int `json:"kinds"` // how many events of a kind
	Links   int            `json:"links"`
	Running int            `json:"not_ended"` // links without an end event: under way, or killed
	Damaged int            `json:"damaged"`   // lines that are no events
	Last    lastEvents     `json:"last"`
}

// lastEvents are of the link that began last.
type lastEvents struct {
	Link   string  `json:"link,omitzero"`
	Output string  `json:"output,omitzero"`
	Time   string  `json:"time,omitzero"`
	Tool   string  `json:"tool,omitzero"`
	Wall   float64 `json:"wall,omitzero"` // seconds
	Error  string  `json:"error,omitzero"`
}

// anEvent is what is looked at in a line. Its names are those of the package report.
type anEvent struct {
	Event  string  `json:"event"`
	Link   string  `json:"link"`
	Schema int     `json:"schema"`
	Output string  `json:"output"`
	Time   string  `json:"time"`
	Tool   string  `json:"tool"`
	Wall   float64 `json:"wall"`
	Error  string  `json:"error"`
}

const (
	maxEventLine  = 4 << 20 // bytes; the longest have what a compiler printed, at most 256 KiB, with escapes
	maxEventKinds = 100
	maxLinks      = 10_000 // of which it is known that they have begun and not ended
)

func (i *inspector) events(found *inspection, s *source) {
	found.is("events", "events of links (--events=), a line of JSON each")
	facts := &eventFacts{Kinds: map[string]int{}}
	found.Events = facts
	running := map[string]bool{}
	lines := bufio.NewScanner(s.reader())
	lines.Buffer(nil, maxEventLine)
	for lines.Scan() {
		if len(lines.Bytes()) > 0 {
			facts.add(lines.Bytes(), running)
		}
	}
	facts.Running = len(running)
	if err := lines.Err(); err != nil {
		found.Problem = fmt.Sprintf("line %d: %v", facts.Lines+1, err)
	}
}

func (f *eventFacts) add(line []byte, running map[string]bool) {
	f.Lines++
	var e anEvent
	if err := json.Unmarshal(line, &e); err != nil || e.Event == "" {
		f.Damaged++
		return
	}
	if _, known := f.Kinds[e.Event]; known || len(f.Kinds) < maxEventKinds {
		f.Kinds[e.Event]++
	}
	switch e.Event {
	case "start":
		f.Links++
		f.Schema = max(f.Schema, e.Schema)
		f.Last = lastEvents{Link: e.Link, Output: e.Output, Time: e.Time, Tool: e.Tool}
		if len(running) < maxLinks {
			running[e.Link] = true
		}
	case "end":
		delete(running, e.Link)
		if e.Link == f.Last.Link {
			f.Last.Wall, f.Last.Error = e.Wall, e.Error
		}
	}
}
