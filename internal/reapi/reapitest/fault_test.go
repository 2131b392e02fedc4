// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestCallFaults(t *testing.T) {
	s, c := start(t, Options{})
	find := func() error {
		ctx, cancel := context.WithTimeout(c.ctx, 100*time.Millisecond)
		defer cancel()
		_, err := c.FindMissingBlobs(ctx, &repb.FindMissingBlobsRequest{})
		return err
	}
	s.SetFaults(Fault{Kind: Fail, Code: codes.ResourceExhausted, RetryAfter: time.Second, Skip: 1, Times: 1, Method: "FindMissingBlobs"})
	wantCode(t, find(), codes.OK)
	err := find()
	wantCode(t, err, codes.ResourceExhausted)
	if d, ok := status.Convert(err).Details()[0].(*errdetails.RetryInfo); !ok || d.RetryDelay.AsDuration() != time.Second {
		t.Errorf("%v", d)
	}
	wantCode(t, find(), codes.OK)
	s.SetFaults(Fault{Kind: Delay, Delay: 10 * time.Second})
	wantCode(t, find(), codes.DeadlineExceeded)
	s.SetFaults(Fault{Kind: Hang})
	wantCode(t, find(), codes.DeadlineExceeded)
	s.SetFaults(Fault{Kind: Drop})
	wantCode(t, find(), codes.Unavailable)
	s.SetFaults()
	eventually(t, "the client is back", func() bool { return find() == nil })
	if got := s.Stats(); got.Connections != 2 || got.Faults["drop"] == 0 || got.Faults["hang"] != 1 {
		t.Errorf("%+v", got)
	}
	s.DropConnections()
	eventually(t, "the client is back again", func() bool { return find() == nil })
}

// The answer is lost, the call was not.
func TestLostAnswer(t *testing.T) {
	s, c := start(t, Options{Faults: []Fault{{Kind: Fail, Method: "BatchUpdateBlobs", After: 1}}})
	data := []byte("x")
	_, err := c.BatchUpdateBlobs(c.ctx, &repb.BatchUpdateBlobsRequest{Requests: []*repb.BatchUpdateBlobsRequest_Request{{Digest: c.digest(data), Data: data}}})
	wantCode(t, err, codes.Unavailable)
	if !s.Has(c.digest(data)) {
		t.Error("not stored")
	}
}

func TestStreamFaults(t *testing.T) {
	s, c := start(t, Options{Chunk: 100})
	data := some(1000)
	d := s.Put(data)
	for kind, code := range map[Kind]codes.Code{Fail: codes.Unavailable, Drop: codes.Unavailable} {
		s.SetFaults(Fault{Kind: kind, After: 3, Method: "Read"})
		got, err := c.read(d)
		if wantCode(t, err, code); kind == Fail && len(got) != 300 {
			t.Errorf("%d bytes before the cut", len(got))
		}
		s.SetFaults(Fault{Kind: kind, After: 99, Method: "Read"})
		_, err = c.read(d)
		wantCode(t, err, code)
	}
	a := c.shell("echo x >o", nil, "o")
	s.SetFaults(Fault{Kind: Fail, After: 1, Method: "Execute", Code: codes.Internal})
	stream, err := c.begin(a)
	if err != nil {
		t.Fatal(err)
	}
	op, err := stream.Recv()
	if err != nil || op.Done {
		t.Fatal(err, op)
	}
	_, err = stream.Recv()
	wantCode(t, err, codes.Internal)
	again, _ := c.WaitExecution(c.ctx, &repb.WaitExecutionRequest{Name: op.Name})
	out, _, err := follow(again)
	if err != nil || c.output(out.Result, "o") != "x\n" {
		t.Error(err, out)
	}
	s.SetFaults(Fault{Kind: Forget})
	again, _ = c.WaitExecution(c.ctx, &repb.WaitExecutionRequest{Name: op.Name})
	_, err = again.Recv()
	wantCode(t, err, codes.NotFound)
}

func TestDamagedDownloads(t *testing.T) {
	s, c := start(t, Options{Chunk: 100, Zstd: true})
	data := some(1000)
	d := s.Put(data)
	batch := func() ([]byte, error) {
		out, err := c.BatchReadBlobs(c.ctx, &repb.BatchReadBlobsRequest{Digests: []*repb.Digest{d}})
		return out.GetResponses()[0].GetData(), err
	}
	packed := func() ([]byte, error) {
		got, err := c.stream(c.name("", "zstd", d), 0)
		return unpack(t, got), err
	}
	for what, read := range map[string]func() ([]byte, error){"read": func() ([]byte, error) { return c.read(d) }, "zstd": packed, "batch": batch} {
		s.SetFaults(Fault{Kind: Corrupt})
		if got, err := read(); err != nil || len(got) != 1000 || bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", what, len(got), err)
		}
		s.SetFaults(Fault{Kind: Short})
		if got, err := read(); err != nil || len(got) >= 1000 {
			t.Errorf("%s: %d bytes, %v", what, len(got), err)
		}
		s.SetFaults()
		if got, err := read(); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", what, len(got), err)
		}
	}
}

func TestStorageFaults(t *testing.T) {
	s, c := start(t, Options{Faults: []Fault{{Kind: LostBlob, Times: 1}, {Kind: EvictInput, Times: 1}}})
	in := &repb.FindMissingBlobsRequest{BlobDigests: []*repb.Digest{c.digest([]byte("a")), c.digest([]byte("b"))}}
	for _, want := range []int{1, 2} {
		if out, err := c.FindMissingBlobs(c.ctx, in); err != nil || len(out.MissingBlobDigests) != want {
			t.Errorf("%v %v", err, out)
		}
	}
	a := c.shell("cat in", map[string]string{"in": "data"})
	out, err := c.run(a)
	if err != nil || codes.Code(out.Status.GetCode()) != codes.FailedPrecondition {
		t.Fatal(err, out)
	}
	if got := missingBlobs(status.FromProto(out.Status)); len(got) != 1 || s.Has(c.digest([]byte("data"))) {
		t.Errorf("%q", got)
	}
	c.put([]byte("data"))
	c.must(a)
}

func TestResultFaults(t *testing.T) {
	for _, simulated := range []bool{false, true} {
		o := Options{}
		if simulated {
			o.Simulation = &Simulation{Size: 10}
		}
		s, c := start(t, o)
		run := func(f Fault) *repb.ExecuteResponse {
			t.Helper()
			s.SetFaults(f)
			out, err := c.run(c.shell("echo x >o; echo e >&2 # "+f.name(), nil, "o"))
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if out := run(Fault{Kind: NoOutput}); out.Status.GetCode() != 0 || len(out.Result.OutputFiles) != 0 {
			t.Errorf("%v", out)
		}
		if out := run(Fault{Kind: EmptyOutput}); out.Status.GetCode() != 0 || out.Result.OutputFiles[0].Digest.SizeBytes != 0 {
			t.Errorf("%v", out)
		}
		if out := run(Fault{Kind: LostOutput}); s.Has(out.Result.OutputFiles[0].Digest) {
			t.Errorf("%v", out)
		}
		if out := run(Fault{Kind: Death, Code: codes.Aborted}); codes.Code(out.Status.GetCode()) != codes.Aborted || out.Result != nil {
			t.Errorf("%v", out)
		}
		if simulated {
			continue
		}
		if out := run(Fault{Kind: NoStderr}); out.Result.StderrDigest != nil {
			t.Errorf("%v", out)
		}
		if out := run(Fault{Kind: LostStderr}); s.Has(out.Result.StderrDigest) {
			t.Errorf("%v", out)
		}
	}
	s, c := start(t, Options{})
	s.SetFaults(Fault{Kind: NoWorkers, Code: codes.FailedPrecondition})
	_, err := c.run(c.shell("true", nil))
	wantCode(t, err, codes.FailedPrecondition)
}

// The same seed gives the same chance, about the one that was asked for.
func TestChance(t *testing.T) {
	draw := func(seed uint64) (out string) {
		s := &Server{faults: newFaults(seed)}
		s.SetFaults(Fault{Kind: Fail, Chance: 0.1})
		for range 1000 {
			if _, ok := s.faults.take("x", Fail); ok {
				out += "1"
			} else {
				out += "0"
			}
		}
		return out
	}
	a := draw(1)
	if n := strings.Count(a, "1"); a != draw(1) || a == draw(2) || n < 60 || n > 150 {
		t.Errorf("%d of 1000", n)
	}
}

// Every fault of the catalogue can happen.
func TestCatalogue(t *testing.T) {
	s, c := start(t, Options{Chunk: 100, RawStreams: true})
	for i, f := range Catalogue() {
		s.SetFaults(f)
		wander(t, c, i)
		if s.Stats().Faults[f.Name] == 0 {
			t.Errorf("%q never happened", f.Name)
		}
	}
}

// All faults together are as many as was asked for, and the server can still be
// closed.
func TestMixed(t *testing.T) {
	s, c := start(t, Options{Seed: 3, Patience: time.Millisecond, Chunk: 100, Simulation: &Simulation{}})
	s.SetFaults(Mixed(0.1, append(Catalogue(), Forgetful()...)...)...)
	for i := range 100 {
		wander(t, c, i)
	}
	calls, bad := 0, 0
	for _, n := range s.Stats().Calls {
		calls += n
	}
	for _, n := range s.Stats().Faults {
		bad += n
	}
	if share := float64(bad) / float64(calls); share < 0.05 || share > 0.3 {
		t.Errorf("%d faults in %d calls", bad, calls)
	}
}

// wander makes some calls, and does not mind what becomes of them.
func wander(t *testing.T, c *client, i int) {
	t.Helper()
	c = &client{t: t, ctx: c.ctx, function: c.function, conn: c.conn, ContentAddressableStorageClient: c.ContentAddressableStorageClient,
		ActionCacheClient: c.ActionCacheClient, ExecutionClient: c.ExecutionClient, ByteStreamClient: c.ByteStreamClient}
	ctx, cancel := context.WithTimeout(c.ctx, 150*time.Millisecond)
	defer cancel()
	c.ctx = ctx
	data := append([]byte{byte(i), byte(i >> 8)}, some(998)...)
	_, _, _ = c.write(c.name("uploads/u", "", c.digest(data)), data, 0, 100)
	_, _ = c.read(c.digest(data))
	_, _ = c.FindMissingBlobs(c.ctx, &repb.FindMissingBlobsRequest{BlobDigests: []*repb.Digest{c.digest(data[:i+1])}})
	in := &repb.BatchUpdateBlobsRequest{}
	file, command := []byte(strconv.Itoa(i)), &repb.Command{Arguments: []string{"/bin/sh", "-c", "echo x >o; echo e >&2"}, OutputPaths: []string{"o"}}
	root := &repb.Directory{Files: []*repb.FileNode{{Name: "in", Digest: c.digest(file)}}}
	var digests []*repb.Digest
	for _, m := range []proto.Message{command, root, nil} {
		data := file
		if m != nil {
			data, _ = proto.Marshal(m)
		}
		digests = append(digests, c.digest(data))
		in.Requests = append(in.Requests, &repb.BatchUpdateBlobsRequest_Request{Digest: c.digest(data), Data: data})
	}
	action, _ := proto.Marshal(&repb.Action{CommandDigest: digests[0], InputRootDigest: digests[1], Timeout: durationpb.New(time.Second)})
	in.Requests = append(in.Requests, &repb.BatchUpdateBlobsRequest_Request{Digest: c.digest(action), Data: action})
	_, _ = c.BatchUpdateBlobs(c.ctx, in)
	if stream, err := c.Execute(c.ctx, &repb.ExecuteRequest{ActionDigest: c.digest(action)}); err == nil {
		_, _, _ = follow(stream)
	}
}
