// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/proto"
)

// The functions here are for tests that look into the storage or change it behind
// the client's back. A digest is meant in every digest function.

// Evict removes blobs and says how many there were.
func (s *Server) Evict(digests ...*repb.Digest) int {
	n := 0
	for _, d := range digests {
		for _, function := range s.o.Functions {
			if k, err := newKey(function, d); err == nil && s.store.evict(k) {
				n++
			}
		}
	}
	return n
}

// EvictAll removes every blob. Results stay: they are not found any more, unless
// Options.Unchecked.
func (s *Server) EvictAll() int {
	keys := s.store.keys()
	for _, k := range keys {
		s.store.evict(k)
	}
	return len(keys)
}

// EvictResults empties the action cache.
func (s *Server) EvictResults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.results)
}

// Has says whether a blob is there.
func (s *Server) Has(d *repb.Digest) bool {
	_, ok := s.Blob(d)
	return ok
}

// Blob is what the storage has under a digest.
func (s *Server) Blob(d *repb.Digest) ([]byte, bool) {
	for _, function := range s.o.Functions {
		k, err := newKey(function, d)
		if err != nil {
			continue
		}
		if b, ok := s.store.get(k); ok {
			data, err := b.bytes()
			return data, err == nil
		}
	}
	return nil, false
}

// Put stores a blob, which must not be changed afterwards, and gives its digest in the first digest function.
func (s *Server) Put(data []byte) *repb.Digest {
	k, err := s.store.keep(s.o.Functions[0], data)
	if err != nil {
		panic(err) // a full disk
	}
	return k.proto()
}

// Digests are those of all blobs.
func (s *Server) Digests() []*repb.Digest {
	keys := s.store.keys()
	out := make([]*repb.Digest, 0, len(keys))
	for _, k := range keys {
		out = append(out, k.proto())
	}
	return out
}

// Results are what the action cache has, by hash/size of the action.
func (s *Server) Results() map[string]*repb.ActionResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]*repb.ActionResult{}
	for k, r := range s.results {
		out[k.String()] = proto.CloneOf(r)
	}
	return out
}

// SetResult puts any result into the action cache, however wrong.
func (s *Server) SetResult(action *repb.Digest, result *repb.ActionResult) {
	if k, err := newKey(s.o.Functions[0], action); err == nil {
		s.setResult(k, result)
	}
}
