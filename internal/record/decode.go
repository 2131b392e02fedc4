// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"fmt"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/filestat"
)

// decode reads what encode wrote. It keeps no reference to b. What encode
// wrote once, lists and inputs, the link has once.
func decode(b []byte) (*Link, error) {
	body, err := checkedBody(b)
	if err != nil {
		return nil, err
	}
	d := decoder{reader: reader{rest: body}}
	l := &Link{Output: string(d.take(d.number()))}
	d.tables()
	l.Folder = d.string()
	l.Started = d.time()
	l.Wall = d.duration()
	l.Compiler, l.Toolchain = d.string(), d.string()
	l.Tool, l.Mode, l.Cluster = d.string(), d.string(), d.string()
	l.Slots, l.ClusterSlots = d.small(), d.small()
	l.Usage = d.usage()
	l.Phases = d.phases()
	l.Files = d.files()
	l.Jobs = d.jobs()
	if len(d.rest) > 0 {
		d.fail()
	}
	if d.broken {
		return nil, fmt.Errorf("%w, %d bytes before its end", errMalformed, d.left+checksumSize)
	}
	if !l.within(len(b)) {
		return nil, fmt.Errorf("%w: %w", errMalformed, errAmount)
	}
	return l, nil
}

// decoder has the tables that the rest refers to.
type decoder struct {
	reader
	strings     []string // the first is ""
	stringLists [][]string
	inputs      []Input
	inputLists  [][]*Input

	// What is left of the memory for all of them.
	actions []Action
	modules []*Input
	runs    []Run

	lastModule, lastInput int64
	lastStart             time.Duration
}

func (d *decoder) tables() {
	d.stringTable()
	d.stringLists = lists(d, d.string)
	d.inputs = make([]Input, d.count(minInput))
	for i := range d.inputs {
		d.inputs[i] = Input{d.string(), d.digest()}
	}
	d.inputLists = lists(d, func() *Input { return d.inputAt(d.number()) })
}

func (d *decoder) stringTable() {
	d.strings = make([]string, 1+d.count(minString))
	ends := make([]int64, len(d.strings))
	for i := 1; i < len(ends); i++ {
		// No sum overflows that is made of lengths of at most that.
		ends[i] = ends[i-1] + min(d.number(), maxSize)
		if ends[i] == ends[i-1] {
			d.fail()
		}
	}
	text := string(d.take(ends[len(ends)-1]))
	if d.broken {
		d.strings = d.strings[:1]
	}
	for i := 1; i < len(d.strings); i++ {
		d.strings[i] = text[ends[i-1]:ends[i]]
	}
}

// lists reads a table of lists. They are only read by whoever has them, for
// each may have many users.
func lists[T any](d *decoder, element func() T) [][]T {
	table := make([][]T, 1+d.count(minList))
	for i := 1; i < len(table); i++ {
		list := make([]T, d.count(1))
		if len(list) == 0 {
			d.fail()
		}
		for k := range list {
			list[k] = element()
		}
		table[i] = list
	}
	return table
}

// string is one of the table.
func (d *decoder) string() string { return at(d, d.strings, d.number()) }

// at is an element of a table, zero if the number is none.
func at[T any](d *decoder, table []T, n int64) (v T) {
	if uint64(n) >= uint64(len(table)) {
		d.fail()
		return v
	}
	return table[n]
}

func (d *decoder) inputAt(n int64) *Input {
	if uint64(n) >= uint64(len(d.inputs)) {
		d.fail()
		return nil
	}
	return &d.inputs[n]
}

// input is one of the table, by its distance from the one before.
func (d *decoder) input() *Input {
	d.lastInput += d.signed()
	return d.inputAt(d.lastInput)
}

func (d *decoder) time() time.Time {
	seconds, nanoseconds := d.signed(), d.number()
	if nanoseconds >= int64(time.Second) {
		d.fail()
	}
	return time.Unix(seconds, nanoseconds).UTC()
}

func (d *decoder) duration() time.Duration { return time.Duration(d.signed()) }

func (d *decoder) usage() Usage {
	return Usage{
		CPU: d.duration(), OwnCPU: d.duration(),
		PeakSlots: d.small(), PeakClusterSlots: d.small(), HeldBack: d.small(), Undone: d.small(),
		Calls: d.number(), Retries: d.number(), Sent: d.number(), Received: d.number(),
		Uploaded: d.number(), Fetched: d.number(),
	}
}

func (d *decoder) phases() []Phase {
	phases := sliceOf[Phase](d.count(minPhase))
	var last time.Duration
	for i := range phases {
		p := &phases[i]
		p.Name = d.string()
		p.Start = last + d.duration()
		p.End = p.Start + d.duration()
		last = p.End
	}
	return phases
}

func (d *decoder) files() []File {
	files := sliceOf[File](d.count(minFile))
	var last filestat.Stat
	for i := range files {
		in := d.input()
		if in == nil {
			return nil
		}
		note := d.string()
		last.Size = in.Digest.Size + d.signed()
		last.ModTime += d.signed()
		last.ChangeTime = last.ModTime + d.signed()
		last.Device += uint64(d.signed())
		last.Inode += uint64(d.signed())
		last.Mount += uint64(d.signed())
		files[i] = File{in.Path, last, in.Digest, note}
	}
	return files
}

func (d *decoder) jobs() []Job {
	n, actions, modules, runs := d.count(minJob), d.count(minAction), d.count(1), d.count(minRun)
	if n*minJob+actions*minAction+modules+runs*minRun > len(d.rest) {
		d.fail()
		return nil
	}
	jobs := sliceOf[Job](n)
	d.actions = make([]Action, actions)
	d.modules = make([]*Input, modules)
	d.runs = make([]Run, runs)
	for i := range jobs {
		d.job(&jobs[i])
		if d.broken {
			return nil
		}
	}
	if len(d.actions)+len(d.modules)+len(d.runs) > 0 {
		d.fail()
	}
	return jobs
}

func (d *decoder) job(j *Job) {
	first := d.byte()
	j.Outcome = Outcome(first & outcomeBits)
	if j.Outcome >= Outcomes || first&^jobBits != 0 {
		d.fail()
	}
	d.lastModule += d.signed()
	j.Module = at(d, d.strings, d.lastModule)
	j.Reason = d.string()
	j.IndexReason = d.string()
	j.Source = d.string()
	j.IndexChanges = at(d, d.stringLists, d.number())
	j.Duration = d.duration()
	if first&hasAction != 0 {
		j.Action = d.action(nil)
	}
	if first&hasBefore != 0 {
		j.Before = d.action(j.Action)
	}
	j.Bitcode = j.moduleSize() + d.signed()
	if j.Bitcode < 0 {
		d.fail()
	}
	j.Object = d.number()
	if first&hasRun != 0 {
		j.Run = d.run(j.Duration)
	}
}

func (d *decoder) run(expected time.Duration) *Run {
	first := d.byte()
	if len(d.runs) == 0 || first&^runBits != 0 {
		d.fail()
		return nil
	}
	r := &d.runs[0]
	d.runs = d.runs[1:]
	r.Cluster = first&onCluster != 0
	r.Slot = d.small()
	r.Start = d.lastStart + d.duration()
	r.End = r.Start + expected + d.duration()
	r.CPU = d.duration()
	r.Memory = d.number()
	if first&isTold != 0 {
		r.Worker = d.string()
		r.Queued, r.Fetching, r.Executing, r.Uploading = d.duration(), d.duration(), d.duration(), d.duration()
		if !r.isTold() {
			d.fail()
		}
	}
	d.lastStart = r.Start
	return r
}

func (d *decoder) action(other *Action) *Action {
	first := d.byte()
	if len(d.actions) == 0 || first&^actionBits != 0 || first != 0 && other == nil {
		d.fail()
		return nil
	}
	a := &d.actions[0]
	d.actions = d.actions[1:]
	a.Toolchain = d.string()
	a.Args = at(d, d.stringLists, d.number())
	a.Env = at(d, d.stringLists, d.number())
	a.Extra = at(d, d.inputLists, d.number())
	a.Key = cas.ActionKey(d.digest())
	if first&sameIndex != 0 {
		a.Index = other.Index
	} else {
		a.Index = d.digest()
	}
	own := d.number()
	if first&sameModules != 0 {
		a.Modules = other.Modules
	} else {
		a.Modules = d.actionModules()
	}
	if own >= max(1, int64(len(a.Modules))) {
		d.fail()
		return nil
	}
	a.Own = int(own)
	return a
}

func (d *decoder) actionModules() []*Input {
	n := d.number()
	if n > int64(len(d.modules)) {
		d.fail()
		return nil
	}
	if n == 0 {
		return nil
	}
	modules := d.modules[:n:n]
	d.modules = d.modules[n:]
	for i := range modules {
		modules[i] = d.input()
	}
	return modules
}

// sliceOf is nil for nothing, as in a link that was never written.
func sliceOf[T any](n int) []T {
	if n == 0 {
		return nil
	}
	return make([]T, n)
}
