// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	longrunning "cloud.google.com/go/longrunning/autogen/longrunningpb"
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

// answerError is a failure that the server reports as the outcome of an execution: a
// gRPC status that is not one of a call.
type answerError struct{ error }

func (e *answerError) Unwrap() error { return e.error }

// operations are a stream of which the first one has been received.
type operations struct {
	stream grpc.ServerStreamingClient[longrunning.Operation]
	cancel context.CancelFunc
	first  *longrunning.Operation
}

// run executes once. A stream that breaks or falls silent is taken up again where it
// is, by the operation's name; if the server has forgotten that, from the start.
func (e *execution) run(ctx context.Context) (*repb.ExecuteResponse, error) {
	name := ""
	for breaks := 0; ; breaks++ {
		begun := time.Now()
		op, err := e.watch(ctx, name)
		if op.GetDone() {
			return response(op)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if time.Since(begun) > e.client.patience() {
			breaks = 0 // it lasted
		}
		if breaks > e.client.o.Retries || op == nil && (name == "" || !forgotten(err)) {
			return nil, e.broken(err)
		}
		if breaks > 0 { // once is a lost connection; a server that does it again needs a rest
			if err := pause(ctx, breaks-1); err != nil {
				return nil, err
			}
		}
		name = op.GetName()
	}
}

// watch gives the last operation that came from one stream, nil if none came.
func (e *execution) watch(ctx context.Context, name string) (*longrunning.Operation, error) {
	w, err := e.begin(ctx, name)
	if err != nil {
		return nil, err
	}
	op, err := e.follow(w)
	if op.Name == "" {
		op.Name = name
	}
	return op, err
}

// broken is an error of a call that was tried again, or of a stream.
func (e *execution) broken(err error) error {
	if _, ok := errors.AsType[*remote.Error](err); ok {
		return err
	}
	return e.client.executor.Classify("execute", err)
}

// forgotten says whether a server does not know, or never knew, how to go on.
func forgotten(err error) bool {
	switch status.Code(err) {
	case codes.NotFound, codes.InvalidArgument, codes.Unimplemented:
		return true
	}
	return false
}

// patience is how long a stream may be silent after its first message. Waiting for a
// worker is no fault, so it is asked again then, not given up.
func (c *Client) patience() time.Duration {
	if c.o.Timeout > 0 {
		return 2 * c.o.Timeout
	}
	return 2 * time.Minute
}

// begin opens a stream and waits for the first message, which must come in time.
func (e *execution) begin(ctx context.Context, name string) (w *operations, err error) {
	what := "execute"
	if name != "" {
		what = "wait for execution"
	}
	err = e.client.executor.Do(ctx, what, func(try context.Context) (err error) {
		w, err = e.first(ctx, try, name)
		return err
	})
	return w, err
}

// first opens a stream that lives on when the try has ended well.
func (e *execution) first(ctx, try context.Context, name string) (*operations, error) {
	inner, cancel := context.WithCancel(context.WithoutCancel(try))
	tied := context.AfterFunc(try, cancel)
	untie := context.AfterFunc(ctx, cancel)
	end := func() { cancel(); untie() }
	stream, err := e.open(e.client.identity.action(inner, e.action.Key, e.action.Module), name)
	var op *longrunning.Operation
	if err == nil {
		op, err = receive(stream)
	}
	if !tied() && err == nil { // the try's time was up just now
		err = context.Cause(try)
	}
	if err != nil {
		end()
		return nil, err
	}
	return &operations{stream: stream, cancel: end, first: op}, nil
}

// receive takes an end before the last operation for what it is.
func receive(stream grpc.ServerStreamingClient[longrunning.Operation]) (*longrunning.Operation, error) {
	op, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return op, err
}

func (e *execution) open(ctx context.Context, name string) (grpc.ServerStreamingClient[longrunning.Operation], error) {
	if name != "" {
		return e.client.executions.WaitExecution(ctx, &repb.WaitExecutionRequest{Name: name})
	}
	return e.client.executions.Execute(ctx, &repb.ExecuteRequest{
		InstanceName: e.client.o.Instance, SkipCacheLookup: e.again, DigestFunction: e.session.function,
		ActionDigest: message(cas.Digest(e.action.Key)), InlineStdout: true, InlineStderr: true, InlineOutputFiles: e.action.Outputs,
	})
}

// follow reads operations until the last one, and gives the last that came.
func (e *execution) follow(w *operations) (op *longrunning.Operation, err error) {
	defer w.cancel()
	op = w.first
	timer := time.AfterFunc(e.client.patience(), w.cancel)
	defer timer.Stop()
	for !op.Done {
		next, err := receive(w.stream)
		if err != nil {
			return op, err
		}
		timer.Reset(e.client.patience())
		if next.Name == "" {
			next.Name = op.Name
		}
		op = next
	}
	// The end of the stream is on its way too. To wait for it, a little, is better
	// than to reset the stream: proxies close connections with many resets.
	timer.Reset(time.Second)
	_, _ = w.stream.Recv()
	return op, nil
}

// response is what a finished operation says.
func response(op *longrunning.Operation) (*repb.ExecuteResponse, error) {
	if err := status.ErrorProto(op.GetError()); err != nil { // nil too for an error of code OK
		return nil, &answerError{err}
	}
	reply := new(repb.ExecuteResponse)
	if err := op.GetResponse().UnmarshalTo(reply); err != nil {
		return nil, &answerError{status.Error(codes.Internal, fmt.Sprintf("operation %.80q has no answer: %v", op.Name, err))}
	}
	if reply.Status.GetCode() != int32(codes.OK) {
		return nil, &answerError{status.ErrorProto(reply.Status)}
	}
	if reply.Result == nil {
		return nil, &answerError{status.Error(codes.Internal, "the server's answer has no result")}
	}
	return reply, nil
}
