// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"crypto/tls"
	"runtime"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
)

// The digest functions that the server knows.
const (
	SHA256 = repb.DigestFunction_SHA256
	BLAKE3 = repb.DigestFunction_BLAKE3
)

// Options say what kind of server it is. The zero value is a server with
// everything that accepts everybody: SHA-256, no compression, one slot for each
// processor.
type Options struct {
	// Instance is the only instance name that the server knows. Others are refused
	// with InvalidArgument.
	Instance string
	// Functions are the digest functions offered; SHA-256 if there are none.
	Functions []repb.DigestFunction_Value
	// Low and High are the versions of the API, as "2.3"; 2.0 and 2.3 if empty.
	Low, High string

	// Slots is how many actions run at once.
	Slots int
	// Platforms are the kinds of workers: an action runs only if its platform
	// properties equal one of them. If there are none, every action has a worker.
	Platforms []map[string]string
	// NoWorker is what an action without a worker gets at once; Unavailable if it is
	// OK. Buildbarn answers that for some minutes after its start, then
	// FailedPrecondition.
	NoWorker codes.Code
	// MaxTimeout is the longest Action.timeout that is accepted; an hour if 0.
	// Actions without one have it.
	MaxTimeout time.Duration
	// ZeroTimeout reads no Action.timeout as one of 0, which has passed at once.
	ZeroTimeout bool
	// NoLookup never takes a result from the action cache for Execute, as Buildbarn:
	// there, looking is the client's task.
	NoLookup bool
	// OneMissing names only the first missing input, as Buildbarn.
	OneMissing bool
	// Patience is how long an operation lives that nobody waits for; 5 s if 0. Then
	// it is cancelled, or its result forgotten.
	Patience time.Duration
	// UpdateInterval is how often an operation is sent again without news; a minute
	// if 0.
	UpdateInterval time.Duration
	// RawStreams gives standard output and error in the result, not as digests only.
	RawStreams bool
	// Root runs actions with their input root as the root folder, so that they see
	// nothing of this machine but /dev/null. Needs privileges.
	Root bool
	// Proc has /proc mounted there as well, in a mount namespace. Needs unshare(1).
	Proc bool
	// Simulation runs nothing, if not nil.
	Simulation *Simulation

	// CacheOnly leaves the execution service out.
	CacheOnly bool
	// ReadOnly refuses UpdateActionResult, as many clusters do.
	ReadOnly bool
	// StrictUpdate refuses it for actions and commands that are not in the storage.
	StrictUpdate bool
	// NoInline never sends contents of outputs with a result, as Buildbarn.
	NoInline bool
	// Unchecked gives results whose outputs are gone. Otherwise they are not found.
	Unchecked bool

	// Zstd offers compression of byte streams, BatchZstd of batches.
	Zstd, BatchZstd bool
	// ZstdOffset ignores where a compressed read shall begin, as Buildbarn.
	ZstdOffset bool
	// MaxBatch is the stated and enforced limit of batches; 0 states none. Messages
	// are limited to 4 MiB in any case.
	MaxBatch int64
	// MaxBlob is the stated and enforced limit of blobs; 0 for none.
	MaxBlob int64
	// NoEarlyAnswer reads uploads to their end though the blob is there, as Buildbarn.
	NoEarlyAnswer bool
	// Resume keeps broken uploads, to be resumed under the same name.
	Resume bool
	// Chunk is the size of the messages of a download; 64 KiB if 0.
	Chunk int
	// Memory is how many bytes of blobs are kept in memory; 256 MiB if 0. What is more,
	// or larger than 1 MiB, is kept in files.
	Memory int64

	// Split serves execution and storage at different addresses.
	Split bool
	// Socket is the path of a Unix socket to listen on instead, for one address only.
	Socket string
	// TLS is the server's configuration: its certificate, and whom it trusts.
	TLS *tls.Config
	// Token is the bearer token that every call must have.
	Token string

	// Faults are there from the start, Seed makes their chance repeatable.
	Faults []Fault
	Seed   uint64
}

// Simulation stands for compiles: no process is started. Inputs are looked for
// as ever.
type Simulation struct {
	// Duration is how long each takes.
	Duration time.Duration
	// Durations is used instead if not nil; hash is the action's.
	Durations func(hash string) time.Duration
	// Output is what is in each output. If it is nil, Size bytes that depend on the
	// action and do not compress.
	Output []byte
	Size   int
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if len(o.Functions) == 0 {
		o.Functions = []repb.DigestFunction_Value{SHA256}
	}
	setDefault(&o.Low, "2.0")
	setDefault(&o.High, "2.3")
	setDefault(&o.Slots, runtime.NumCPU())
	setDefault(&o.NoWorker, codes.Unavailable)
	setDefault(&o.MaxTimeout, time.Hour)
	setDefault(&o.Patience, 5*time.Second)
	setDefault(&o.UpdateInterval, time.Minute)
	setDefault(&o.Chunk, 64<<10)
	setDefault(&o.Memory, 256<<20)
	return o
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}
