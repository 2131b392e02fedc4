// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/filestat"
)

// encode writes l. The same link gives the same bytes. It fails for a link that
// decode would refuse.
func encode(l *Link) ([]byte, error) {
	b, err := encodeAny(l)
	if err == nil && !l.within(len(b)) {
		return nil, errAmount
	}
	return b, err
}

// encodeAny is encode for a link that may have too much to say.
func encodeAny(l *Link) ([]byte, error) {
	e := newEncoder(l)
	e.files(l.Files)
	for i := range l.Jobs {
		if err := e.job(&l.Jobs[i]); err != nil {
			return nil, fmt.Errorf("module %s: %w", l.Jobs[i].Module, err)
		}
	}
	if e.inputs.err != nil {
		return nil, e.inputs.err
	}
	link := e.link(l)
	head := appendString([]byte(magic+version), l.Output)
	if e.err != nil {
		return nil, e.err
	}
	jobs := appendNumbers(nil, len(l.Jobs), e.actionCount, e.moduleCount, e.runCount)
	size := len(head) + e.strings.size() + e.stringLists.size() + e.inputs.size() + e.inputLists.size() +
		len(link) + len(e.fileBytes) + len(jobs) + len(e.jobBytes) + checksumSize
	if size > maxSize {
		return nil, fmt.Errorf("%d bytes, more than %d", size, maxSize)
	}
	b := append(make([]byte, 0, size), head...)
	b = e.strings.append(b)
	b = e.stringLists.append(b)
	b = e.inputs.append(b)
	b = e.inputLists.append(b)
	b = append(append(b, link...), e.fileBytes...)
	b = append(append(b, jobs...), e.jobBytes...)
	sum := checksum(b)
	return append(b, sum[:]...), nil
}

// encoder collects the tables and, at the same time, what refers to them.
type encoder struct {
	strings     stringTable
	stringLists listTable[string]
	inputs      inputTable
	inputLists  listTable[uint64]

	fileBytes, jobBytes                []byte
	actionCount, moduleCount, runCount int

	err error // the first number that cannot be written

	seed                  maphash.Seed // differs each time; what is written does not depend on it
	lastModule, lastInput uint64
	lastStart             time.Duration
	own, before, extra    []uint64 // inputs of an action; reused
}

func newEncoder(l *Link) *encoder {
	contents := len(l.Files) + len(l.Jobs)/2
	e := &encoder{
		strings:     stringTable{numbers: make(map[string]uint64, contents)},
		stringLists: listTable[string]{numbers: map[uint64][]uint64{}},
		inputs:      inputTable{numbers: make(map[Input]uint64, contents), shared: make(map[*Input]uint64, contents)},
		inputLists:  listTable[uint64]{numbers: map[uint64][]uint64{}},
		seed:        maphash.MakeSeed(),
		fileBytes:   make([]byte, 0, 32*len(l.Files)),
		jobBytes:    make([]byte, 0, 160*len(l.Jobs)),
	}
	e.strings.lengths = make([]byte, 0, 2*contents)
	e.strings.bytes = make([]byte, 0, 64*contents)
	e.inputs.paths = &e.strings
	e.inputs.bytes = make([]byte, 0, 40*contents)
	return e
}

func (e *encoder) hash(s string) uint64 { return maphash.String(e.seed, s) }

func (e *encoder) link(l *Link) []byte {
	b := binary.AppendUvarint(nil, e.strings.number(l.Folder))
	b = binary.AppendVarint(b, l.Started.Unix())
	b = binary.AppendUvarint(b, uint64(l.Started.Nanosecond()))
	b = binary.AppendVarint(b, int64(l.Wall))
	for _, s := range []string{l.Compiler, l.Toolchain, l.Tool, l.Mode, l.Cluster} {
		b = binary.AppendUvarint(b, e.strings.number(s))
	}
	b = e.count(e.count(b, l.Slots), l.ClusterSlots)
	return e.phases(e.usage(b, &l.Usage), l.Phases)
}

func (e *encoder) usage(b []byte, u *Usage) []byte {
	b = binary.AppendVarint(b, int64(u.CPU))
	b = binary.AppendVarint(b, int64(u.OwnCPU))
	for _, n := range []int{u.PeakSlots, u.PeakClusterSlots, u.HeldBack, u.Undone} {
		b = e.count(b, n)
	}
	for _, n := range []int64{u.Calls, u.Retries, u.Sent, u.Received, u.Uploaded, u.Fetched} {
		b = e.natural(b, n)
	}
	return b
}

func (e *encoder) phases(b []byte, phases []Phase) []byte {
	b = appendNumbers(b, len(phases))
	var last time.Duration
	for _, p := range phases {
		b = binary.AppendUvarint(b, e.strings.number(p.Name))
		b = binary.AppendVarint(b, int64(p.Start-last))
		b = binary.AppendVarint(b, int64(p.End-p.Start))
		last = p.End
	}
	return b
}

var (
	errNatural = errors.New("has a negative number")
	errCount   = errors.New("has a number of more than 31 bits")
)

// natural writes a number that must not be negative.
func (e *encoder) natural(b []byte, n int64) []byte {
	if n < 0 && e.err == nil {
		e.err = errNatural
	}
	return binary.AppendUvarint(b, uint64(n))
}

// count writes a number that an int holds everywhere.
func (e *encoder) count(b []byte, n int) []byte {
	if n > math.MaxInt32 && e.err == nil {
		e.err = errCount
	}
	return e.natural(b, int64(n))
}

func (e *encoder) files(files []File) {
	b := binary.AppendUvarint(e.fileBytes, uint64(len(files)))
	var last filestat.Stat
	for i := range files {
		f := &files[i]
		b = e.input(b, e.inputs.number(Input{f.Path, f.Digest}))
		b = binary.AppendUvarint(b, e.strings.number(f.Note))
		b = binary.AppendVarint(b, f.Stat.Size-f.Digest.Size)
		b = binary.AppendVarint(b, f.Stat.ModTime-last.ModTime)
		b = binary.AppendVarint(b, f.Stat.ChangeTime-f.Stat.ModTime)
		b = binary.AppendVarint(b, int64(f.Stat.Device-last.Device))
		b = binary.AppendVarint(b, int64(f.Stat.Inode-last.Inode))
		b = binary.AppendVarint(b, int64(f.Stat.Mount-last.Mount))
		last = f.Stat
	}
	e.fileBytes = b
}

// input writes the number of an input.
func (e *encoder) input(b []byte, n uint64) []byte {
	b = binary.AppendVarint(b, int64(n-e.lastInput))
	e.lastInput = n
	return b
}

// A job begins with a byte: its outcome, which actions it has, and whether it ran.
const (
	outcomeBits = 1<<4 - 1
	hasAction   = 1 << 4
	hasBefore   = 1 << 5
	hasRun      = 1 << 6
	jobBits     = outcomeBits | hasAction | hasBefore | hasRun
)

func (e *encoder) job(j *Job) error {
	if j.Outcome >= Outcomes {
		return fmt.Errorf("%v is unknown", j.Outcome)
	}
	first := byte(j.Outcome)
	if j.Action != nil {
		first |= hasAction
	}
	if j.Before != nil {
		first |= hasBefore
	}
	if j.Run != nil {
		first |= hasRun
	}
	module := e.strings.number(j.Module)
	b := binary.AppendVarint(append(e.jobBytes, first), int64(module-e.lastModule))
	e.lastModule = module
	b = binary.AppendUvarint(b, e.strings.number(j.Reason))
	b = binary.AppendUvarint(b, e.strings.number(j.IndexReason))
	b = binary.AppendUvarint(b, e.strings.number(j.Source))
	b = binary.AppendUvarint(b, e.stringLists.number(j.IndexChanges, e.hash, e.strings.number))
	b = binary.AppendVarint(b, int64(j.Duration))
	e.jobBytes = b
	if err := e.action(j.Action, nil); err != nil {
		return err
	}
	if err := e.action(j.Before, j.Action); err != nil {
		return err
	}
	b = binary.AppendVarint(e.jobBytes, j.Bitcode-j.moduleSize())
	b = e.natural(b, j.Object)
	if j.Bitcode < 0 {
		e.err = errNatural
	}
	e.jobBytes = e.run(b, j)
	return e.err
}

// moduleSize is what Bitcode is expected to be.
func (j *Job) moduleSize() int64 {
	for _, a := range []*Action{j.Action, j.Before} {
		if in := a.OwnModule(); in != nil {
			return in.Digest.Size
		}
	}
	return 0
}

// A run begins with a byte: where it was, and whether the servers tell of it.
const (
	onCluster = 1 << iota
	isTold
	runBits = onCluster | isTold
)

func (r *Run) isTold() bool {
	return r.Worker != "" || r.Queued|r.Fetching|r.Executing|r.Uploading != 0
}

func (e *encoder) run(b []byte, j *Job) []byte {
	r := j.Run
	if r == nil {
		return b
	}
	var first byte
	if r.Cluster {
		first |= onCluster
	}
	if r.isTold() {
		first |= isTold
	}
	b = e.count(append(b, first), r.Slot)
	b = binary.AppendVarint(b, int64(r.Start-e.lastStart))
	b = binary.AppendVarint(b, int64(r.End-r.Start-j.Duration))
	b = binary.AppendVarint(b, int64(r.CPU))
	b = e.natural(b, r.Memory)
	if first&isTold != 0 {
		b = binary.AppendUvarint(b, e.strings.number(r.Worker))
		for _, took := range [...]time.Duration{r.Queued, r.Fetching, r.Executing, r.Uploading} {
			b = binary.AppendVarint(b, int64(took))
		}
	}
	e.lastStart = r.Start
	e.runCount++
	return b
}

// An action begins with a byte: what it has in common with the job's other
// action. When a compiler is replaced, every module has two.
const (
	sameIndex = 1 << iota
	sameModules
	actionBits = sameIndex | sameModules
)

func (e *encoder) action(a, other *Action) error {
	if a == nil {
		return nil
	}
	if a.Own < 0 || a.Own >= max(1, len(a.Modules)) {
		return fmt.Errorf("its own module is number %d of %d", a.Own, len(a.Modules))
	}
	if min(a.Key.Size, a.Index.Size) < 0 {
		return errNegative
	}
	into := &e.own // stays for the job's other action
	if other != nil {
		into = &e.before
	}
	modules := e.numbers(into, a.Modules)
	var first byte
	if other != nil && a.Index == other.Index {
		first |= sameIndex
	}
	if other != nil && slices.Equal(modules, e.own) {
		first |= sameModules
	}
	b := binary.AppendUvarint(e.jobBytes, uint64(first))
	b = binary.AppendUvarint(b, e.strings.number(a.Toolchain))
	b = binary.AppendUvarint(b, e.stringLists.number(a.Args, e.hash, e.strings.number))
	b = binary.AppendUvarint(b, e.stringLists.number(a.Env, e.hash, e.strings.number))
	b = binary.AppendUvarint(b, e.inputLists.number(e.numbers(&e.extra, a.Extra), itself, itself))
	b = appendDigest(b, cas.Digest(a.Key))
	if first&sameIndex == 0 {
		b = appendDigest(b, a.Index)
	}
	b = binary.AppendUvarint(b, uint64(a.Own))
	if first&sameModules == 0 {
		b = binary.AppendUvarint(b, uint64(len(modules)))
		for _, n := range modules {
			b = e.input(b, n)
		}
		e.moduleCount += len(modules)
	}
	e.jobBytes = b
	e.actionCount++
	return nil
}

// numbers gives those of inputs, in a buffer.
func (e *encoder) numbers(buffer *[]uint64, inputs []*Input) []uint64 {
	numbers := (*buffer)[:0]
	for _, in := range inputs {
		numbers = append(numbers, e.inputs.numberOf(in))
	}
	*buffer = numbers
	return numbers
}

func appendNumbers(b []byte, numbers ...int) []byte {
	for _, n := range numbers {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}
