// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"context"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// maxInline is how much a result may have inline: what gRPC accepts as one
// message less some room; bazel-remote's number.
const maxInline = 3 << 20

// actionCache has the results.
type actionCache struct {
	repb.UnimplementedActionCacheServer
	*Server
}

// key checks what a call is about.
func (c actionCache) key(instance string, asked repb.DigestFunction_Value, d *repb.Digest) (function repb.DigestFunction_Value, k key, err error) {
	if function, err = c.request(instance, asked); err == nil {
		k, err = newKey(function, d)
	}
	return function, k, err
}

func (c actionCache) GetActionResult(_ context.Context, in *repb.GetActionResultRequest) (*repb.ActionResult, error) {
	function, k, err := c.key(in.InstanceName, in.DigestFunction, in.ActionDigest)
	if err != nil {
		return nil, err
	}
	result := c.result(k)
	c.count(func(s *Stats) {
		if result == nil {
			s.ResultMisses++
		} else {
			s.ResultHits++
		}
	})
	if result == nil {
		return nil, status.Errorf(codes.NotFound, "Action result %s not found", k)
	}
	c.spoil("GetActionResult", function, result)
	c.inline("GetActionResult", function, result, in.InlineStdout, in.InlineStderr, in.InlineOutputFiles)
	return result, nil
}

func (c actionCache) UpdateActionResult(_ context.Context, in *repb.UpdateActionResultRequest) (*repb.ActionResult, error) {
	_, k, err := c.key(in.InstanceName, in.DigestFunction, in.ActionDigest)
	if err != nil {
		return nil, err
	}
	if c.o.ReadOnly {
		return nil, status.Error(codes.PermissionDenied, "Authorization: Permission denied")
	}
	if err := c.updatable(k, in.ActionResult); err != nil {
		return nil, err
	}
	c.setResult(k, in.ActionResult)
	return in.ActionResult, nil
}

// updatable says what is wrong with a result that a client wants to publish.
func (c actionCache) updatable(k key, result *repb.ActionResult) error {
	if result == nil {
		return status.Error(codes.InvalidArgument, "No action result provided")
	}
	for _, f := range result.OutputFiles {
		if _, err := newKey(k.function, f.Digest); err != nil {
			return err
		}
	}
	if !c.o.StrictUpdate {
		return nil
	}
	action := &repb.Action{}
	if err := c.message(k, action); err != nil {
		return err
	}
	command, err := newKey(k.function, action.CommandDigest)
	if err != nil {
		return err
	}
	return c.message(command, &repb.Command{})
}

// result is a copy of the result of an action, nil if there is none. One whose
// blobs are gone is none.
func (s *Server) result(k key) *repb.ActionResult {
	s.mu.Lock()
	found := s.results[k]
	s.mu.Unlock()
	if found == nil || !s.o.Unchecked && !s.complete(k.function, found) {
		return nil
	}
	return proto.CloneOf(found)
}

func (s *Server) setResult(k key, result *repb.ActionResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results[k] = proto.CloneOf(result)
}

// complete says whether every blob of a result is there.
func (s *Server) complete(function repb.DigestFunction_Value, result *repb.ActionResult) bool {
	digests := make([]*repb.Digest, 0, 2+len(result.OutputFiles))
	digests = append(digests, result.StdoutDigest, result.StderrDigest)
	for _, f := range result.OutputFiles {
		digests = append(digests, f.Digest)
	}
	for _, d := range digests {
		if d == nil {
			continue
		}
		if k, err := newKey(function, d); err != nil || !s.store.has(k) {
			return false
		}
	}
	return true
}

// inline puts contents into a result, as far as they were asked for and there is
// room.
func (s *Server) inline(method string, function repb.DigestFunction_Value, result *repb.ActionResult, stdout, stderr bool, files []string) {
	if s.o.NoInline {
		return
	}
	room := int64(maxInline)
	load := func(d *repb.Digest) []byte {
		k, err := newKey(function, d)
		if err != nil || k.size > room {
			return nil
		}
		b, _ := s.store.get(k)
		data, err := b.bytes()
		if err != nil {
			return nil
		}
		room -= int64(len(data))
		return data
	}
	if stdout && result.StdoutRaw == nil {
		result.StdoutRaw = load(result.StdoutDigest)
	}
	if stderr && result.StderrRaw == nil {
		result.StderrRaw = load(result.StderrDigest)
	}
	wanted := map[string]bool{}
	for _, name := range files {
		wanted[name] = true
	}
	for _, f := range result.OutputFiles {
		if wanted[f.Path] {
			f.Contents = s.damaged(method, load(f.Digest))
		}
	}
}
