// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"maps"
	"sync"
	"sync/atomic"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// Stats are what has happened so far. Blobs are named as hash/size, methods as
// the API does, without the service's name.
type Stats struct {
	// Calls are those begun by method, Answers those ended by method and code, as
	// "Execute OK".
	Calls, Answers map[string]int
	// MaxCalls is how many were under way at once.
	Open, MaxCalls int

	// Uploads says how often a client began to send a blob, Downloads how often one
	// was sent whole.
	Uploads, Downloads map[string]int
	// BlobsIn and BlobsOut are bytes of blobs as sent, inline ones too; WireIn and
	// WireOut all bytes of the connections.
	BlobsIn, BlobsOut, WireIn, WireOut int64
	// Asked is how many digests were in FindMissingBlobs, Missing how many of them
	// were said to be missing.
	Asked, Missing int

	// Executions are actions that got a worker, Merged calls of Execute that joined
	// one under way, Cancelled actions that nobody waited for.
	Executions, Merged, Cancelled int
	// Running are actions on workers, MaxRunning the most at once.
	Running, MaxRunning int
	// ExecuteHits are Execute calls answered from the action cache, the others are
	// answers of GetActionResult.
	ExecuteHits, ResultHits, ResultMisses int

	Connections, OpenConnections int
	// Faults are those that happened, by name, or by kind.
	Faults map[string]int
	// Invocations are calls by the tool_invocation_id of RequestMetadata, "" for those
	// without. Tools are calls by tool name and version.
	Invocations, Tools map[string]int

	// Blobs and Stored are how many there are, and their bytes.
	Blobs  int
	Stored int64
}

// tally is the Stats under way.
type tally struct {
	wireIn, wireOut atomic.Int64
	mu              sync.Mutex
	stats           Stats
	headers         map[string]metadata.MD
}

// count changes the figures.
func (t *tally) count(change func(*Stats)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stats.Calls == nil {
		t.stats = Stats{Calls: map[string]int{}, Answers: map[string]int{}, Uploads: map[string]int{}, Downloads: map[string]int{},
			Faults: map[string]int{}, Invocations: map[string]int{}, Tools: map[string]int{}}
		t.headers = map[string]metadata.MD{}
	}
	change(&t.stats)
}

func (s *Server) count(change func(*Stats)) { s.tally.count(change) }

// Stats are what has happened so far.
func (s *Server) Stats() Stats {
	var out Stats
	s.count(func(now *Stats) {
		out = *now
		for _, m := range []*map[string]int{&out.Calls, &out.Answers, &out.Uploads, &out.Downloads, &out.Faults, &out.Invocations, &out.Tools} {
			*m = maps.Clone(*m)
		}
	})
	out.WireIn, out.WireOut = s.tally.wireIn.Load(), s.tally.wireOut.Load()
	out.Blobs, out.Stored = s.store.usage()
	return out
}

// Header is the header of the last call of a method; nil if there was none.
func (s *Server) Header(method string) metadata.MD {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	return s.tally.headers[method]
}

// Metadata is the RequestMetadata of the last call of a method; nil if it had
// none that can be read.
func (s *Server) Metadata(method string) *repb.RequestMetadata {
	return requestMetadata(s.Header(method))
}

func requestMetadata(header metadata.MD) *repb.RequestMetadata {
	for _, value := range header.Get("build.bazel.remote.execution.v2.requestmetadata-bin") {
		m := &repb.RequestMetadata{}
		if proto.Unmarshal([]byte(value), m) == nil {
			return m
		}
	}
	return nil
}

// begin counts a call, and returns what counts its end.
func (t *tally) begin(method string, header metadata.MD) func(code string) {
	m := requestMetadata(header)
	tool := m.GetToolDetails()
	t.count(func(s *Stats) {
		s.Calls[method]++
		s.Invocations[m.GetToolInvocationId()]++
		s.Tools[tool.GetToolName()+" "+tool.GetToolVersion()]++
		s.Open++
		s.MaxCalls = max(s.MaxCalls, s.Open)
		t.headers[method] = header
	})
	return func(code string) {
		t.count(func(s *Stats) { s.Open--; s.Answers[method+" "+code]++ })
	}
}
