// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import (
	"slices"
	"time"
)

// document is the data in a page. Times are in microseconds. What belongs to modules
// is in columns: that is small, and quick to read.
type document struct {
	Patterns []pattern   `json:"patterns"`
	Link     *linkData   `json:"link"`
	Before   *linkBefore `json:"before,omitzero"`
}

// linkBefore is a link with what comparing needs.
type linkBefore struct {
	Output       string      `json:"output"`
	Folder       string      `json:"folder"`
	Compiler     string      `json:"compiler"`
	Toolchain    string      `json:"toolchain"`
	Tool         string      `json:"tool"`
	Mode         string      `json:"mode"`
	Cluster      string      `json:"cluster"`
	Started      int64       `json:"started"` // milliseconds since 1970
	Wall         int64       `json:"wall"`
	CPU          int64       `json:"cpu"`
	OwnCPU       int64       `json:"own_cpu"`
	Slots        int         `json:"slots"`
	ClusterSlots int         `json:"cluster_slots"`
	Peak         int         `json:"peak"`
	ClusterPeak  int         `json:"cluster_peak"`
	HeldBack     int         `json:"held_back"`
	Undone       int         `json:"undone"`
	Phases       []phaseData `json:"phases"`
	Traffic      trafficData `json:"traffic"`
	Names        []string    `json:"names"`
	Outcomes     []int       `json:"outcomes"`
	Durations    []int64     `json:"durations"`
}

type linkData struct {
	linkBefore `json:",inline"`
	Bitcode    []int64     `json:"bitcode"`
	Objects    []int64     `json:"objects"`
	Imports    string      `json:"imports"` // see lists
	Clauses    clauseTable `json:"clauses"`
	Why        string      `json:"why"` // lists of clauses
	Changes    []string    `json:"changes"`
	Changed    string      `json:"changed"` // lists of changes
	Runs       runTable    `json:"runs"`
}

type phaseData struct {
	Name  string `json:"name"`
	Start int64  `json:"start"`
	End   int64  `json:"end"`
}

type trafficData struct {
	Calls    int64 `json:"calls"`
	Retries  int64 `json:"retries"`
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	Uploaded int64 `json:"uploaded"`
	Fetched  int64 `json:"fetched"`
}

// clauseTable has each clause once: its pattern, and either the module that stands in
// it or, where that is -1, its text.
type clauseTable struct {
	Pattern []int    `json:"pattern"`
	About   []int    `json:"about"`
	Text    []string `json:"text"`
}

type runTable struct {
	Module    []int    `json:"module"`
	Cluster   []int    `json:"cluster"` // 1 if it was there
	Slot      []int    `json:"slot"`
	Start     []int64  `json:"start"`
	End       []int64  `json:"end"`
	CPU       []int64  `json:"cpu"`
	Memory    []int64  `json:"memory"`
	Worker    []int    `json:"worker"` // in Workers, -1 if there is none
	Queued    []int64  `json:"queued"`
	Fetching  []int64  `json:"fetching"`
	Executing []int64  `json:"executing"`
	Uploading []int64  `json:"uploading"`
	Workers   []string `json:"workers"`
}

// outcomes are numbers in the page, which has words and colours for each: the script
// has the same order.
var outcomes = [...]string{"compiled", "not-kept", "remote-compiled", "remote-cached", "cached", "failed", "not-run"}

func newDocument(d *Data) *document {
	doc := &document{Patterns: patterns[:], Link: newLink(&d.Link)}
	if d.Before != nil {
		before := newLinkBefore(d.Before)
		doc.Before = &before
	}
	return doc
}

func newLinkBefore(l *Link) linkBefore {
	b := linkBefore{
		Output: printable(l.Output), Folder: printable(l.Folder),
		Compiler: printable(l.Compiler), Toolchain: printable(l.Toolchain),
		Tool: printable(l.Tool), Mode: printable(l.Mode), Cluster: printable(l.Cluster),
		Started: l.Started.UnixMilli(), Wall: micro(l.Wall), CPU: micro(l.CPU), OwnCPU: micro(l.OwnCPU),
		Slots: l.Slots, ClusterSlots: l.ClusterSlots, Peak: l.PeakSlots, ClusterPeak: l.PeakClusterSlots,
		HeldBack: l.HeldBack, Undone: l.Undone,
		Traffic: trafficData(l.Traffic),
	}
	for _, p := range l.Phases {
		b.Phases = append(b.Phases, phaseData{Name: printable(p.Name), Start: micro(p.Start), End: max(micro(p.Start), micro(p.End))})
	}
	for i := range l.Modules {
		m := &l.Modules[i]
		b.Names = append(b.Names, printable(m.Name))
		b.Outcomes = append(b.Outcomes, outcome(m.Outcome))
		b.Durations = append(b.Durations, micro(m.Duration))
	}
	return b
}

// outcome is the number of an outcome; one without a number is none.
func outcome(name string) int {
	if i := slices.Index(outcomes[:], name); i >= 0 {
		return i
	}
	return len(outcomes) - 1
}

func newLink(l *Link) *linkData {
	d := &linkData{linkBefore: newLinkBefore(l)}
	places := make(map[string]int, len(l.Modules))
	for i := range l.Modules {
		places[l.Modules[i].Name] = i
	}
	clauses := clauseNumbers{places: places, numbers: make(map[string]int), table: &d.Clauses}
	changes := stringNumbers{numbers: make(map[string]int)}
	var imports, why, changed lists
	for i := range l.Modules {
		m := &l.Modules[i]
		d.Bitcode = append(d.Bitcode, max(0, m.Bitcode))
		d.Objects = append(d.Objects, max(0, m.Object))
		imports.add(within(m.Imports, len(l.Modules)))
		why.add(each(m.Why, clauses.number))
		changed.add(each(m.Changes, changes.number))
	}
	d.Imports, d.Why, d.Changed, d.Changes = imports.text(), why.text(), changed.text(), changes.strings
	d.Runs = newRuns(l.Modules)
	return d
}

func newRuns(modules []Module) runTable {
	var t runTable
	workers := stringNumbers{numbers: make(map[string]int)}
	for i := range modules {
		if r := modules[i].Run; r != nil {
			t.add(i, r, workers.number)
		}
	}
	t.Workers = workers.strings
	return t
}

func (t *runTable) add(module int, r *Run, worker func(string) int) {
	where, name := 0, -1
	if r.Cluster {
		where = 1
	}
	if r.Worker != "" {
		name = worker(r.Worker)
	}
	t.Module = append(t.Module, module)
	t.Cluster = append(t.Cluster, where)
	t.Slot = append(t.Slot, max(0, r.Slot))
	t.Start = append(t.Start, micro(r.Start))
	t.End = append(t.End, max(micro(r.Start), micro(r.End)))
	t.CPU = append(t.CPU, micro(r.CPU))
	t.Memory = append(t.Memory, max(0, r.Memory))
	t.Worker = append(t.Worker, name)
	t.Queued = append(t.Queued, micro(r.Queued))
	t.Fetching = append(t.Fetching, micro(r.Fetching))
	t.Executing = append(t.Executing, micro(r.Executing))
	t.Uploading = append(t.Uploading, micro(r.Uploading))
}

// within are the numbers that are places among n, in ascending order.
func within(numbers []int, n int) []int {
	in := make([]int, 0, len(numbers))
	for _, i := range numbers {
		if i >= 0 && i < n {
			in = append(in, i)
		}
	}
	slices.Sort(in)
	return slices.Compact(in)
}

func each(texts []string, number func(string) int) []int {
	numbers := make([]int, len(texts))
	for i, text := range texts {
		numbers[i] = number(text)
	}
	return numbers
}

// micro is a time in microseconds. A negative one, which no link has, is none.
func micro(t time.Duration) int64 { return max(0, t.Microseconds()) }
