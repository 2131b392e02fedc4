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
)

// answerError is a failure that the server reports as the outcome of an execution: a
// gRPC status that is not one of a call.
type answerError struct{ error }

func (e *answerError) Unwrap() error { return e.error }

// watch is a stream of operations: the first one has been received.
type watch struct {
	stream grpc.ServerStreamingClient[longrunning.Operation]
	cancel context.CancelFunc
	first  *longrunning.Operation
}

// run executes once. A stream that breaks or falls silent is taken up again where it
// is, by the operation's name; if the server has forgotten that, from the start.
func (e *execution) run(ctx context.Context) (*repb.ExecuteResponse, error) {
	name, breaks := "", 0
	for {
		begun := time.Now()
		w, err := e.begin(ctx, name)
		if err != nil {
			if name != "" && forgotten(err) && breaks <= e.client.o.Retries {
				name = ""
				breaks++
				continue
			}
			return nil, err
		}
		op, err := e.follow(w)
		if op.GetName() != "" {
			name = op.Name
		}
		if op.GetDone() {
			return response(op)
		}
		if time.Since(begun) > e.client.patience() {
			breaks = 0 // it lasted
		}
		if breaks++; breaks > e.client.o.Retries+1 || ctx.Err() != nil {
			return nil, e.broken(ctx, err)
		}
	}
}

func (e *execution) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
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
func (e *execution) begin(ctx context.Context, name string) (w *watch, err error) {
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
func (e *execution) first(ctx, try context.Context, name string) (*watch, error) {
	inner, cancel := context.WithCancel(context.WithoutCancel(try))
	tied := context.AfterFunc(try, cancel)
	untie := context.AfterFunc(ctx, cancel)
	end := func() { cancel(); untie() }
	stream, err := e.open(e.client.identity.action(inner, e.action.Key, e.action.Module), name)
	var op *longrunning.Operation
	if err == nil {
		op, err = stream.Recv()
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if !tied() && err == nil { // the try's time was up just now
		err = context.Cause(try)
	}
	if err != nil {
		end()
		return nil, err
	}
	return &watch{stream: stream, cancel: end, first: op}, nil
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
func (e *execution) follow(w *watch) (op *longrunning.Operation, err error) {
	defer w.cancel()
	op = w.first
	timer := time.AfterFunc(e.client.patience(), w.cancel)
	defer timer.Stop()
	for !op.Done {
		next, err := w.stream.Recv()
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
	if failure := op.GetError(); failure != nil {
		return nil, &answerError{status.ErrorProto(failure)}
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
