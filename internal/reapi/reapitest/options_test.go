// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"bytes"
	"context"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Where servers differ.
func TestLikeBuildbarn(t *testing.T) {
	s, c := start(t, Options{NoLookup: true, OneMissing: true, NoInline: true, Zstd: true, ZstdOffset: true})
	a := c.shell("echo x >o", map[string]string{"a": "one", "b": "two"}, "o")
	for range 2 {
		if out, err := c.run(a); err != nil || out.CachedResult {
			t.Errorf("%v %v", err, out)
		}
	}
	r, err := c.GetActionResult(c.ctx, &repb.GetActionResultRequest{ActionDigest: c.putMessage(a), InlineOutputFiles: []string{"o"}})
	if err != nil || len(r.OutputFiles) != 1 || r.OutputFiles[0].Contents != nil {
		t.Errorf("%v %v", err, r)
	}
	s.Evict(c.digest([]byte("one")), c.digest([]byte("two")))
	out, err := c.run(a)
	if err != nil || len(missingBlobs(status.FromProto(out.Status))) != 1 {
		t.Errorf("%v %v", err, out)
	}
	data := some(1000)
	got, err := c.stream(c.name("", "zstd", s.Put(data)), 500)
	if err != nil || !bytes.Equal(unpack(t, got), data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestUncheckedResults(t *testing.T) {
	s, c := start(t, Options{Unchecked: true})
	a := c.putMessage(c.shell("true", nil))
	s.SetResult(a, &repb.ActionResult{OutputFiles: []*repb.OutputFile{{Path: "o", Digest: c.digest([]byte("gone"))}}})
	r, err := c.GetActionResult(c.ctx, &repb.GetActionResultRequest{ActionDigest: a, InlineOutputFiles: []string{"o"}})
	if err != nil || len(r.OutputFiles) != 1 || r.OutputFiles[0].Contents != nil {
		t.Errorf("%v %v", err, r)
	}
	if s.EvictResults(); len(s.Results()) != 0 {
		t.Error("results are left")
	}
}

// News comes without any change, and contents with a result where they are asked
// for.
func TestUpdatesAndInline(t *testing.T) {
	_, c := start(t, Options{UpdateInterval: 20 * time.Millisecond, Simulation: &Simulation{Duration: 200 * time.Millisecond, Output: []byte("object")}})
	in := &repb.ExecuteRequest{ActionDigest: c.putMessage(c.shell("true", nil, "o", "p")), InlineOutputFiles: []string{"o"}}
	stream, err := c.Execute(c.ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	out, stages, err := follow(stream)
	if err != nil || len(stages) < 5 {
		t.Fatal(err, stages)
	}
	for _, f := range out.Result.OutputFiles {
		want := map[string]string{"o": "object"}[f.Path]
		if string(f.Contents) != want || c.output(out.Result, f.Path) != "object" {
			t.Errorf("%v", f)
		}
	}
}

func TestSimulatedDurations(t *testing.T) {
	s, c := start(t, Options{Simulation: &Simulation{Size: 1000, Durations: func(string) time.Duration { return time.Minute }}})
	a := c.shell("true", nil, "o")
	a.Timeout = durationpb.New(20 * time.Millisecond)
	out, err := c.run(a)
	if err != nil || codes.Code(out.Status.GetCode()) != codes.DeadlineExceeded {
		t.Errorf("%v %v", err, out)
	}
	s.Close()
	s, c = start(t, Options{Patience: time.Millisecond, Simulation: &Simulation{Duration: time.Minute}})
	ctx, cancel := context.WithTimeout(c.ctx, 50*time.Millisecond)
	defer cancel()
	c.ctx, a.Timeout = ctx, nil
	_, err = c.Execute(ctx, &repb.ExecuteRequest{ActionDigest: s.Put(nil)})
	if err != nil {
		t.Fatal(err)
	}
	s.SetFaults(Fault{Kind: Delay, Delay: time.Minute}) // Close does not wait for it
	_, _ = c.FindMissingBlobs(ctx, &repb.FindMissingBlobsRequest{})
}
