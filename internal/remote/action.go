// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package remote

import (
	"io"
	"slices"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
)

// Blob is something that a server should have.
type Blob struct {
	Digest cas.Digest
	// Data is the contents, if they are in memory.
	Data []byte
	// Open gives the contents otherwise, Digest.Size bytes of them.
	Open func() (io.ReadCloser, error)
}

// Action is a command for a cluster.
type Action struct {
	// Key is the digest of the message Action. That blob, the command, the folders and
	// every file in them are in Blobs, or More gives them when they are needed: for
	// an action whose result is known they are not.
	Key   cas.ActionKey
	Blobs []Blob
	More  func() ([]Blob, error) // may be nil
	// Module is what people call what is compiled.
	Module string
	// Outputs are the names of the files that it makes, the ones to be sent with the
	// answer if there is room.
	Outputs []string
}

// Whole is the action with all its blobs in Blobs.
func (a *Action) Whole() (*Action, error) {
	if a.More == nil {
		return a, nil
	}
	more, err := a.More()
	whole := *a
	whole.Blobs, whole.More = append(slices.Clip(a.Blobs), more...), nil
	return &whole, err
}

// Result is what a cluster made of an action.
type Result struct {
	// ExitCode is the command's. What ran and failed is a result, not an error.
	ExitCode int
	// Outputs are in the order of their names.
	Outputs []Output
	// Messages are what the command printed, standard error after standard output,
	// perhaps cut.
	Messages []byte
	// Cached says that nothing ran for it.
	Cached bool
	// Worker is the name of the machine that it ran on, if the server tells.
	Worker string
	// Queued is how long the action waited for a worker, Fetching how long that one got its
	// inputs, Duration how long the command ran and Uploading how long its outputs took; 0
	// if the server does not tell.
	Queued, Fetching, Duration, Uploading time.Duration
}

// Output is a file that a command made.
type Output struct {
	Name   string
	Digest cas.Digest
	// Inline is the contents, if the server sent them along; not verified.
	Inline []byte
}

// File is an output and where it belongs.
type File struct {
	Output
	Path string
}

// Capabilities are what servers say of themselves.
type Capabilities struct {
	// Execution says that actions can be executed at all.
	Execution bool
	// ActionCacheUpdate says that results can be put into the action cache.
	ActionCacheUpdate bool
	// Digest is the digest function to use: SHA256 or BLAKE3.
	Digest DigestFunction
	// MaxBatch is how many bytes a batch of blobs may have, 0 if nothing is said.
	MaxBatch int64
	// MaxBlob is how large a blob may be, 0 if nothing is said.
	MaxBlob int64
	// Versions are the lowest and the highest version of the API, as "2.3".
	Low, High string
	// Zstd and BatchZstd say whether byte streams and batches may be compressed.
	Zstd, BatchZstd bool
}

// DigestFunction makes digests.
type DigestFunction string

// The digest functions that this program knows.
const (
	SHA256 DigestFunction = "SHA256"
	BLAKE3 DigestFunction = "BLAKE3"
)

// Traffic is what a client has sent and received so far.
type Traffic struct {
	Calls              int64 // round trips: calls begun, streams among them
	Sent, Received     int64 // bytes of blobs, as on the wire
	Uploaded, Fetched  int64 // blobs
	Retries, Abandoned int64 // calls tried again, calls given up
}
