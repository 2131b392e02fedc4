// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"fmt"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
)

// Link is what is remembered of a link.
type Link struct {
	Output    string // absolute path of what it made
	Folder    string // its working directory, to which the paths of Files are relative
	Started   time.Time
	Wall      time.Duration
	Compiler  string // path
	Toolchain string // the compiler's identity
	Tool      string // the program that made the record, and its version
	Mode      string // in which it linked: "native" or "staged"
	Cluster   string // address, empty if none was used
	Phases    []Phase
	// Slots and ClusterSlots are how many compiles were possible at once, here and
	// on the cluster.
	Slots, ClusterSlots int
	Usage               Usage
	Files               []File
	Jobs                []Job // in the link's order
}

// Phase is a part of a link, in times since its start. Parts may overlap.
type Phase struct {
	Name       string
	Start, End time.Duration
}

// Usage is what a link took.
type Usage struct {
	CPU, OwnCPU                 time.Duration // of compilers here, and of this program
	PeakSlots, PeakClusterSlots int           // compiles that really ran at once
	HeldBack                    int           // compiles that waited for memory
	Undone                      int           // attempts that the cluster gave back
	Calls, Retries              int64         // to the cluster
	Sent, Received              int64         // bytes of blobs, as on the wire
	Uploaded, Fetched           int64         // blobs
}

// Job is what became of a module.
type Job struct {
	// Module is the module's stable name: LLD's id without what DTLTO added to
	// it, a path or "libx.a(m.o at 86)".
	Module  string
	Outcome Outcome
	// Reason is why the result was not to be had, or for Uncached, why it could
	// not be kept. May be empty.
	Reason string
	// IndexReason is why its index is not in canonical form, empty if it is.
	IndexReason string
	// IndexChanges says in words what has changed in its index since Before, perhaps
	// not all of it.
	IndexChanges []string
	// Source is what the module was compiled from, as its compiler was told; only
	// of modules that this link compiled, and empty if the module does not say.
	Source   string
	Duration time.Duration // of the compile, where it ran last
	// Bitcode and Object are the sizes of the module and of what was made of it, in
	// bytes; 0 if unknown.
	Bitcode, Object int64
	Run             *Run    // nil if nothing ran
	Action          *Action // nil if there was none
	// Before is what the module's action was when it last gave an object, if
	// that is known and this link did not find the result: see [Job.Completed].
	Before *Action
}

// Run is the attempt at a job that counted. Times are since the link's start.
type Run struct {
	Cluster    bool
	Slot       int // from 0; this machine's and the cluster's are counted apart
	Start, End time.Duration
	CPU        time.Duration // of the compiler; 0 if unknown
	Memory     int64         // its peak resident set in bytes; 0 if unknown
	// Worker is who compiled it on the cluster. The durations of what happened
	// there, one after the other, are by the servers' clocks; 0 if they do not tell.
	Worker                                 string
	Queued, Fetching, Executing, Uploading time.Duration
}

// Outcome is what became of a job.
type Outcome uint8

// The outcomes.
const (
	NotRun   Outcome = iota // the link ended before
	Cached                  // the result was known
	Compiled                // and the result kept
	Uncached                // compiled, and the result could not be kept
	Failed
	RemoteCached // the cluster knew the result
	Executed     // compiled on the cluster
	Outcomes     // how many there are
)

var outcomeNames = [Outcomes]string{"not run", "cached", "compiled", "compiled and not kept", "failed", "cached on the cluster", "compiled on the cluster"}

// FromCache says whether nothing was compiled for the job.
func (o Outcome) FromCache() bool { return o == Cached || o == RemoteCached }

// String is the outcome in words.
func (o Outcome) String() string {
	if o < Outcomes {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// Action is what went into a compile, in the terms of the link: paths instead
// of the names that the action itself has for them.
type Action struct {
	Key       cas.ActionKey
	Toolchain string
	Args      []string // the command, as in the action
	Env       []string // "NAME=value"
	Index     cas.Digest
	// Modules are the job's own and those that it imports from, in the order of
	// their ranks: Args call the one at 1 "01.bc". Actions of a link should
	// share their Inputs: there are many times more uses than files.
	Modules []*Input
	Own     int // which of Modules is the job's own
	// Extra are other files that the command reads: Args call the one at 1
	// "input1" and the ending of its path.
	Extra []*Input
}

// OwnModule is the job's own module; nil if a is, or has no modules.
func (a *Action) OwnModule() *Input {
	if a == nil || a.Own >= len(a.Modules) {
		return nil
	}
	return a.Modules[a.Own]
}

// Input is a file that actions read.
type Input struct {
	Path   string // stable name: of a module as in Job
	Digest cas.Digest
}

// Known are the remembered files of a link, or nothing if l is nil or it ran in
// another folder, where the same paths may be other files.
func (l *Link) Known(folder string) []File {
	if l == nil || l.Folder != folder {
		return nil
	}
	return l.Files
}

// Completed is the last action of a job that gave an object, as far as it is on
// record: of a job that failed or was not run, the one before. It is what Before
// should be in the next link that compiles the module. j may be nil.
func (j *Job) Completed() *Action {
	switch {
	case j == nil:
		return nil
	case j.Outcome == Failed || j.Outcome == NotRun:
		return j.Before
	}
	return j.Action
}
