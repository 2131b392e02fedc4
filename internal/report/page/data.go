// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import "time"

// Data is what a page shows. In JSON, times are in seconds.
type Data struct {
	Link   Link  `json:"link"`
	Before *Link `json:"before,omitzero"` // the link before of the same output; nil if none is on record
}

// Link is a link as it is on record. Times without a date are from its start.
type Link struct {
	Output           string        `json:"output"` // absolute paths
	Folder           string        `json:"folder"`
	Compiler         string        `json:"compiler"`
	Toolchain        string        `json:"toolchain"`        // the compiler's identity
	Tool             string        `json:"tool"`             // this program and its version
	Mode             string        `json:"mode"`             // "native" or "staged"
	Cluster          string        `json:"cluster,omitzero"` // address; empty if none was used
	Started          time.Time     `json:"started"`
	Wall             time.Duration `json:"wall"`
	CPU              time.Duration `json:"cpu"`     // of compilers here
	OwnCPU           time.Duration `json:"own_cpu"` // of this program
	Slots            int           `json:"slots"`   // compiles at once, at most
	ClusterSlots     int           `json:"cluster_slots,omitzero"`
	PeakSlots        int           `json:"peak_slots"` // that there really were
	PeakClusterSlots int           `json:"peak_cluster_slots,omitzero"`
	HeldBack         int           `json:"held_back,omitzero"` // compiles that waited for memory
	Undone           int           `json:"undone,omitzero"`    // attempts that the cluster gave back
	Phases           []Phase       `json:"phases"`
	Traffic          Traffic       `json:"traffic,omitzero"`
	Modules          []Module      `json:"modules"` // in the link's order
}

// Phase is a part of a link. Parts may overlap.
type Phase struct {
	Name  string        `json:"name"`
	Start time.Duration `json:"start"`
	End   time.Duration `json:"end"`
}

// Traffic is what was moved from and to the cluster.
type Traffic struct {
	Calls    int64 `json:"calls"`
	Retries  int64 `json:"retries"`
	Sent     int64 `json:"sent"` // bytes
	Received int64 `json:"received"`
	Uploaded int64 `json:"uploaded"` // blobs
	Fetched  int64 `json:"fetched"`
}

// Module is a module of a link, and what became of its backend compile.
type Module struct {
	Name     string        `json:"name"`              // a path, or "libx.a(m.o)"
	Outcome  string        `json:"outcome"`           // "cached", "compiled", "not-kept", "failed", "remote-cached", "remote-compiled", "not-run"
	Why      []string      `json:"why,omitzero"`      // why it was compiled, clauses about the module
	Changes  []string      `json:"changes,omitzero"`  // what changed in its index, in words
	Duration time.Duration `json:"duration,omitzero"` // of the compile, when it ran last; of cached ones what was saved
	Bitcode  int64         `json:"bitcode,omitzero"`  // size of the module in bytes, 0 if not known
	Object   int64         `json:"object,omitzero"`   // of its object
	Imports  []int         `json:"imports,omitzero"`  // from which modules of this link it imports: places in Modules
	Run      *Run          `json:"run,omitzero"`      // nil if nothing ran for it
}

// Run is the attempt at a job that counted.
type Run struct {
	Cluster bool          `json:"cluster"`
	Slot    int           `json:"slot"` // this machine's and the cluster's are counted apart
	Start   time.Duration `json:"start"`
	End     time.Duration `json:"end"`
	CPU     time.Duration `json:"cpu,omitzero"`    // of the compiler, 0 if not known
	Memory  int64         `json:"memory,omitzero"` // its peak resident set in bytes, 0 if not known
	Worker  string        `json:"worker,omitzero"`
	// The phases of an execution on the cluster, one after the other, by the servers'
	// clocks; 0 if they do not tell.
	Queued    time.Duration `json:"queued,omitzero"`
	Fetching  time.Duration `json:"fetching,omitzero"`
	Executing time.Duration `json:"executing,omitzero"`
	Uploading time.Duration `json:"uploading,omitzero"`
}
