// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	longrunning "cloud.google.com/go/longrunning/autogen/longrunningpb"
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	bspb "google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

// hostile is a server that answers as no server should. What is not set answers as if
// everything were well.
type hostile struct {
	repb.UnimplementedExecutionServer
	repb.UnimplementedCapabilitiesServer
	repb.UnimplementedContentAddressableStorageServer
	bspb.UnimplementedByteStreamServer

	execute func(stream grpc.ServerStreamingServer[longrunning.Operation]) error
	read    func(r *bspb.ReadRequest, stream bspb.ByteStream_ReadServer) error
	update  func(ctx context.Context) error
	zstd    bool
	batch   *rpcstatus.Status // of all blobs that are asked for in batches
}

func (h *hostile) GetCapabilities(context.Context, *repb.GetCapabilitiesRequest) (*repb.ServerCapabilities, error) {
	storage := new(repb.CacheCapabilities)
	if h.zstd {
		storage.SupportedCompressors = []repb.Compressor_Value{repb.Compressor_ZSTD}
	}
	return &repb.ServerCapabilities{
		CacheCapabilities:     storage,
		ExecutionCapabilities: &repb.ExecutionCapabilities{ExecEnabled: true},
	}, nil
}

func (h *hostile) FindMissingBlobs(_ context.Context, in *repb.FindMissingBlobsRequest) (*repb.FindMissingBlobsResponse, error) {
	if h.update == nil {
		return &repb.FindMissingBlobsResponse{}, nil
	}
	return &repb.FindMissingBlobsResponse{MissingBlobDigests: in.BlobDigests}, nil
}

func (h *hostile) BatchUpdateBlobs(ctx context.Context, _ *repb.BatchUpdateBlobsRequest) (*repb.BatchUpdateBlobsResponse, error) {
	return nil, h.update(ctx)
}

// Write says of every blob that it is there.
func (h *hostile) Write(stream bspb.ByteStream_WriteServer) error {
	return stream.SendAndClose(&bspb.WriteResponse{CommittedSize: -1})
}

func (h *hostile) BatchReadBlobs(_ context.Context, in *repb.BatchReadBlobsRequest) (*repb.BatchReadBlobsResponse, error) {
	out := new(repb.BatchReadBlobsResponse)
	for _, d := range in.Digests {
		out.Responses = append(out.Responses, &repb.BatchReadBlobsResponse_Response{Digest: d, Status: h.batch})
	}
	return out, nil
}

func (h *hostile) Execute(_ *repb.ExecuteRequest, stream grpc.ServerStreamingServer[longrunning.Operation]) error {
	return h.execute(stream)
}

func (h *hostile) Read(in *bspb.ReadRequest, stream bspb.ByteStream_ReadServer) error {
	return h.read(in, stream)
}

// serveHostile starts the server, and a client of it.
func serveHostile(t *testing.T, h *hostile, o remote.Options) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	repb.RegisterExecutionServer(g, h)
	repb.RegisterCapabilitiesServer(g, h)
	repb.RegisterContentAddressableStorageServer(g, h)
	bspb.RegisterByteStreamServer(g, h)
	go func() { _ = g.Serve(listener) }()
	t.Cleanup(g.Stop)
	o.Executor = "grpc://" + listener.Addr().String()
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	o.ConnectTimeout = time.Second
	return connect(t, o)
}

// ends answers Execute with a last operation.
func ends(op *longrunning.Operation) *hostile {
	op.Name, op.Done = "a", true
	return &hostile{execute: func(s grpc.ServerStreamingServer[longrunning.Operation]) error { return s.Send(op) }}
}

func failure(code codes.Code, text string) *longrunning.Operation {
	return &longrunning.Operation{Result: &longrunning.Operation_Error{Error: &rpcstatus.Status{Code: int32(code), Message: text}}}
}

// An operation that failed with OK, or has nothing in it, is an error.
func TestFailureWithoutCode(t *testing.T) {
	for _, op := range []*longrunning.Operation{failure(codes.OK, ""), {}} {
		c := serveHostile(t, ends(op), remote.Options{})
		if _, err := c.Execute(t.Context(), job("m", "true", nil, "a.o"), false); err == nil || !strings.Contains(err.Error(), "no answer") {
			t.Errorf("%v", err)
		}
	}
}

// What servers say is fit for a terminal, short, and has none of our secrets in it.
func TestWordsOfServers(t *testing.T) {
	const secret = "open-sesame"
	text := "no workers for " + secret + " \x1b[31m\n" + strings.Repeat("x", 10000)
	o := remote.Options{Headers: []remote.Header{{Name: "authorization", Value: "Bearer " + secret}}}
	check := func(err error) {
		t.Helper()
		if err == nil || strings.Contains(err.Error(), secret) || strings.ContainsAny(err.Error(), "\x1b\n") || len(err.Error()) > 1000 {
			t.Errorf("%.200q", err)
		}
	}
	for _, code := range []codes.Code{codes.FailedPrecondition, codes.Unavailable, codes.InvalidArgument} {
		c := serveHostile(t, ends(failure(code, text)), o)
		_, err := c.Execute(t.Context(), job("m", "true", nil, "a.o"), false)
		check(err)
	}
	c := serveHostile(t, &hostile{batch: &rpcstatus.Status{Code: int32(codes.NotFound), Message: text}}, o)
	err := fetchOne(t, c, cas.DigestOf([]byte("a")))
	if check(err); !errors.As(err, new(*cas.Miss)) {
		t.Errorf("%T", err)
	}
}

func fetchOne(t *testing.T, c *Client, d cas.Digest) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a")
	err := c.Fetch(t.Context(), []remote.File{{Output: remote.Output{Digest: d}, Path: path}})
	if b, _ := os.ReadFile(path); err == nil && cas.DigestOf(b) != d {
		t.Error("not what its digest says")
	}
	return err
}

// A stream of messages with nothing in them ends as silence does.
func TestEmptyMessages(t *testing.T) {
	c := serveHostile(t, &hostile{read: func(_ *bspb.ReadRequest, s bspb.ByteStream_ReadServer) error {
		for s.Send(&bspb.ReadResponse{}) == nil {
			time.Sleep(10 * time.Millisecond)
		}
		return nil
	}}, remote.Options{Timeout: 300 * time.Millisecond})
	ended := make(chan error, 1)
	go func() { ended <- fetchOne(t, c, cas.Digest{Size: 10_000_000}) }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(5 * time.Second):
		c.Close()
		t.Error("not ended: ", <-ended)
	}
}

// A blob that came whole is taken, however its stream ended: bazel-remote refuses to begin
// one at a blob's end.
func TestWholeAndThenCut(t *testing.T) {
	data := random(1, 5_000_000)
	var calls atomic.Int64
	c := serveHostile(t, &hostile{read: func(r *bspb.ReadRequest, s bspb.ByteStream_ReadServer) error {
		calls.Add(1)
		if r.ReadOffset >= int64(len(data)) {
			return status.Error(codes.InvalidArgument, "Invalid offset")
		}
		for b := data[r.ReadOffset:]; len(b) > 0; b = b[min(len(b), 1<<20):] {
			if err := s.Send(&bspb.ReadResponse{Data: b[:min(len(b), 1<<20)]}); err != nil {
				return err
			}
		}
		return status.Error(codes.Unavailable, "cut")
	}}, remote.Options{Retries: 3})
	if err := fetchOne(t, c, cas.DigestOf(data)); err != nil || calls.Load() != 1 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

// The beginning of long messages is had from servers that do not know ReadLimit: Buildbarn,
// and bazel-remote, which ends such a stream with an error.
func TestReadStart(t *testing.T) {
	c := serveHostile(t, &hostile{read: func(r *bspb.ReadRequest, s bspb.ByteStream_ReadServer) error {
		if r.ReadLimit != 0 {
			return status.Error(codes.Unimplemented, "no partial files")
		}
		for s.Send(&bspb.ReadResponse{Data: []byte("words ")}) == nil {
		}
		return nil
	}}, remote.Options{})
	s, err := c.session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start, err := c.readStart(t.Context(), s, cas.Digest{Size: 1 << 40}, 8)
	if err != nil || string(start) != "words wo" {
		t.Errorf("%q, %v", start, err)
	}
}

// A stream that is always cut at once is taken up so often, and not as fast as it can be.
func TestCutAtOnce(t *testing.T) {
	for _, name := range []string{"", "a"} {
		var calls atomic.Int64
		c := serveHostile(t, &hostile{execute: func(s grpc.ServerStreamingServer[longrunning.Operation]) error {
			calls.Add(1)
			_ = s.Send(&longrunning.Operation{Name: name})
			return status.Error(codes.Unavailable, "cut")
		}}, remote.Options{Retries: 3})
		begun := time.Now()
		_, err := c.Execute(t.Context(), job("m", "true", nil, "a.o"), false)
		if took := time.Since(begun); err == nil || calls.Load() > 5 || took < 250*time.Millisecond || took > 5*time.Second {
			t.Errorf("%q: %d calls in %s, %v", name, calls.Load(), took, err)
		}
	}
}

// full is a stream whose server has ended it after some messages.
type full struct {
	bspb.ByteStream_WriteClient
	room int
}

func (f *full) Send(*bspb.WriteRequest) error {
	if f.room--; f.room < 0 {
		return io.EOF
	}
	return nil
}

// A server that takes all but the last message, and says so, does not have the blob.
func TestAcceptedInPart(t *testing.T) {
	for room, want := range map[int]bool{0: false, 1: false, 2: true} {
		blob := remote.Blob{Digest: cas.Digest{Size: chunk + 1}}
		for _, compressed := range []bool{false, true} {
			w := &chunks{client: &Client{}, ctx: t.Context(), stream: &full{room: room}, buffer: make([]byte, 0, chunk)}
			_, err := w.Write(make([]byte, blob.Digest.Size))
			if err == nil {
				err = w.finish()
			}
			if err != nil && !errors.Is(err, errEnough) {
				t.Error(err)
			}
			if err := w.accepted(&blob, w.offset, compressed); (err == nil) != want {
				t.Errorf("%d messages: %v", room, err)
			}
			if w.accepted(&blob, blob.Digest.Size, compressed) != nil || w.accepted(&blob, -1, compressed) != nil {
				t.Error("a blob that was there is refused")
			}
		}
	}
}

// Sizes that no blob has overflow nothing.
func TestAbsurdSizes(t *testing.T) {
	c := serveHostile(t, &hostile{}, remote.Options{})
	s, err := c.session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{math.MaxInt64, math.MaxInt64 - around, 1 << 40} {
		if c.together(s, cas.Digest{Size: size}) {
			t.Errorf("%d bytes are small", size)
		}
		files := []*repb.OutputFile{{Path: "a.o", Digest: message(cas.Digest{Size: size})}}
		if o, err := output("a.o", files); err == nil {
			t.Errorf("%+v", o)
		}
	}
}

// A batch that is refused never makes the next ones larger than the server said.
func TestSmallerBatches(t *testing.T) {
	refused := &remote.Error{What: "upload", Err: status.Error(codes.InvalidArgument, "too large")}
	for _, test := range []struct{ before, wire, after int64 }{
		{10_000, 9000, 10_000}, {maxMessage, 2 << 20, 1 << 20}, {maxMessage, 100, leastBatch},
	} {
		c := &Client{}
		c.batch.Store(test.before)
		c.batchFailed(&batch{wire: test.wire}, refused)
		if got := c.batch.Load(); got != test.after {
			t.Errorf("%d after %d with %d", got, test.before, test.wire)
		}
	}
}

// A batch that does not come over in time is not sent again, but its blobs one by one.
func TestSlowLine(t *testing.T) {
	var calls atomic.Int64
	c := serveHostile(t, &hostile{update: func(ctx context.Context) error {
		calls.Add(1)
		<-ctx.Done()
		return ctx.Err()
	}}, remote.Options{Retries: 5, Timeout: 300 * time.Millisecond})
	begun := time.Now()
	err := c.Ensure(t.Context(), []remote.Blob{inMemory(random(1, 1<<20)), inMemory([]byte("b"))})
	if took := time.Since(begun); err != nil || calls.Load() != 1 || took > 2*time.Second {
		t.Errorf("%d calls in %s, %v", calls.Load(), took, err)
	}
	if n := c.batch.Load(); n > 1<<20 {
		t.Errorf("batches of %d bytes", n)
	}
}

// Compressed data that is never anything ends, too.
func TestEndlessFrames(t *testing.T) {
	frame := append([]byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 4, 0}, make([]byte, 4<<16)...) // skippable, RFC 8878
	c := serveHostile(t, &hostile{zstd: true, read: func(_ *bspb.ReadRequest, s bspb.ByteStream_ReadServer) error {
		for s.Send(&bspb.ReadResponse{Data: frame}) == nil {
		}
		return nil
	}}, remote.Options{Compression: true, Retries: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := c.session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.readBlob(ctx, s, cas.Digest{Size: 1 << 20}, &memory{}); err == nil || ctx.Err() != nil {
		t.Errorf("%v", err)
	}
}

// Lost inputs are sent again, whatever the server's words are.
func TestLostInOtherWords(t *testing.T) {
	a := job("m", "true", nil, "a.o")
	lost := &errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
		{Type: "MISSING", Subject: fmt.Sprintf("blobs/%x/%d", a.Blobs[0].Digest.Hash, a.Blobs[0].Digest.Size)}}}
	said, err := status.New(codes.FailedPrecondition, "No workers found").WithDetails(lost)
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	c := serveHostile(t, &hostile{
		execute: func(s grpc.ServerStreamingServer[longrunning.Operation]) error {
			if calls.Add(1) == 1 {
				return said.Err()
			}
			op := failure(codes.InvalidArgument, "enough")
			op.Done = true
			return s.Send(op)
		},
		update: func(context.Context) error { return status.Error(codes.Unimplemented, "one by one") },
	}, remote.Options{})
	_, err = c.Execute(t.Context(), a, false)
	if err == nil || !strings.Contains(err.Error(), "enough") || calls.Load() < 2 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}
