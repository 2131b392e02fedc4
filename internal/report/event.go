// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import "time"

// SchemaVersion is the version of what a file of events holds, in its start events. It
// changes when something is taken away or means something else, not when fields or
// kinds of events are added.
const SchemaVersion = 1

// Event is something that happened in a link: one of the types below. The names of
// their fields in JSON, and their units, are part of the schema. Fields that say
// nothing are left out.
type Event interface{ kind() string }

// Seconds is a time that something took or, for points in time, that has passed since
// the link's start: in JSON a number of seconds with six decimals.
type Seconds time.Duration

// Start is the first event of a link.
type Start struct {
	Schema   int       `json:"schema"`
	Time     time.Time `json:"time"`
	Tool     string    `json:"tool"`   // this program and its version
	Mode     string    `json:"mode"`   // "native", "staged" or "in-process"
	Output   string    `json:"output"` // absolute path
	Folder   string    `json:"folder"` // where the link runs
	PID      int       `json:"pid"`
	Compiler string    `json:"compiler,omitzero"` // absolute path
	Cluster  string    `json:"cluster,omitzero"`  // address, without user and password
	Reason   string    `json:"reason,omitzero"`   // why it is in-process
}

// Plan says what is to be done.
type Plan struct {
	Jobs         int     `json:"jobs"`
	Slots        int     `json:"slots"`                  // compiles at once, here
	ClusterSlots int     `json:"cluster_slots,omitzero"` // and on the cluster
	Expected     Seconds `json:"expected,omitzero"`      // what all jobs together took when they were compiled last, if that is known
	Jobserver    string  `json:"jobserver,omitzero"`     // what limits the slots further: "pipe", "fifo" or "locks"
	// Weights are the expected durations of the jobs if Measured, else numbers in
	// proportion to them.
	Weights  []time.Duration `json:"-"`
	Measured bool            `json:"-"`
}

// PhaseStart says that a part of the link has begun: "thin link", "look up", "compile",
// "final link", or "distributor" if another one compiles. Parts may overlap.
type PhaseStart struct {
	Phase string `json:"phase"`
}

// Phase is a part of the link that has ended.
type Phase struct {
	Phase string  `json:"phase"`
	Start Seconds `json:"start"`
	End   Seconds `json:"end"`
}

// AttemptStart says that an attempt at a job has begun.
type AttemptStart struct {
	Job    int    `json:"job"` // number in the link, from 0
	Module string `json:"module"`
	Where  Where  `json:"where"`
	Slot   int    `json:"slot"` // from 0; this machine's and the cluster's are counted apart
}

// Where is where an attempt was made.
type Where string

// Where attempts are made.
const (
	Here    Where = "here"
	Cluster Where = "cluster"
)

// Attempt is an attempt at a job that has ended. There may be two of a job at once, or
// one here after one on the cluster.
type Attempt struct {
	Job    int     `json:"job"`
	Module string  `json:"module"`
	Where  Where   `json:"where"`
	Slot   int     `json:"slot"`
	Start  Seconds `json:"start"`
	End    Seconds `json:"end"`
	// Result is "done", "failed", "lost" (the other attempt was first) or "undone" (not
	// done on the cluster: to be done here).
	Result string `json:"result"`
	Reason string `json:"reason,omitzero"` // of what was undone or failed
	// Cached says that nothing was compiled: a cache had the result.
	Cached bool    `json:"cached,omitzero"`
	CPU    Seconds `json:"cpu,omitzero"`    // of the compiler
	Memory int64   `json:"memory,omitzero"` // its peak resident set, in bytes
	Remote *Remote `json:"remote,omitzero"`
}

// Remote is what the cluster says of an execution: the durations of its phases, one
// after the other, by the servers' clocks; 0 if they do not tell.
type Remote struct {
	Worker    string  `json:"worker,omitzero"`
	Queued    Seconds `json:"queued,omitzero"`
	Fetching  Seconds `json:"fetching,omitzero"`
	Executing Seconds `json:"executing,omitzero"`
	Uploading Seconds `json:"uploading,omitzero"`
}

// Job is a job that is over.
type Job struct {
	Job     int     `json:"job"`
	Module  string  `json:"module"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitzero"` // why a result was not to be had, was not kept, or could not be made
	Took    Seconds `json:"took,omitzero"`   // the compile, when it ran last
	Object  int64   `json:"object,omitzero"` // size of the object in bytes
}

// Outcome is what became of a job.
type Outcome string

// The outcomes of jobs.
const (
	Cached         Outcome = "cached"   // the cache here had the result
	Compiled       Outcome = "compiled" // here, and kept
	NotKept        Outcome = "not-kept" // compiled here, and the result was not kept
	Failed         Outcome = "failed"
	RemoteCached   Outcome = "remote-cached" // the cluster had the result
	RemoteCompiled Outcome = "remote-compiled"
	NotRun         Outcome = "not-run" // the link ended before
)

// Message is what the user is told: a compiler's words about a module, or a warning.
type Message struct {
	Module string `json:"module,omitzero"`
	Text   string `json:"text"`
}

// End is the last event of a link: its statistics. In a native link the linker goes on.
type End struct {
	Output    string  `json:"output"`
	Error     string  `json:"error,omitzero"`
	Wall      Seconds `json:"wall"`
	Jobs      int     `json:"jobs"`
	Cached    int     `json:"cached"`
	Compiled  int     `json:"compiled"` // here, kept or not
	NotKept   int     `json:"not_kept"` // of these
	WhyNot    string  `json:"why_not_kept,omitzero"`
	Failed    int     `json:"failed"`
	NotRun    int     `json:"not_run"`
	CPU       Seconds `json:"cpu"`     // of compilers here
	OwnCPU    Seconds `json:"own_cpu"` // of this program
	Saved     Seconds `json:"saved"`   // what compiling the cached ones took when it was done
	PeakSlots int     `json:"peak_slots"`
	Memory    int64   `json:"memory,omitzero"` // the largest compiler's peak resident set, in bytes
	HeldBack  int     `json:"held_back"`       // compiles that waited for memory
	Phases    []Phase `json:"phases,omitzero"`
	// Cluster is what the cluster did; nil without one.
	Cluster *ClusterUse `json:"cluster,omitzero"`
}

// ClusterUse is what a cluster did for a link, and what was moved for that.
type ClusterUse struct {
	Cached    int   `json:"cached"`
	Compiled  int   `json:"compiled"`
	Undone    int   `json:"undone"` // attempts that came back
	PeakSlots int   `json:"peak_slots"`
	Calls     int64 `json:"calls"`
	Sent      int64 `json:"sent"` // bytes of blobs, as on the wire
	Received  int64 `json:"received"`
	Uploaded  int64 `json:"uploaded"` // blobs
	Fetched   int64 `json:"fetched"`
	Retries   int64 `json:"retries"`
}

func (*Start) kind() string        { return "start" }
func (*Plan) kind() string         { return "plan" }
func (*PhaseStart) kind() string   { return "phase-start" }
func (*Phase) kind() string        { return "phase" }
func (*AttemptStart) kind() string { return "attempt-start" }
func (*Attempt) kind() string      { return "attempt" }
func (*Job) kind() string          { return "job" }
func (*Message) kind() string      { return "message" }
func (*End) kind() string          { return "end" }
