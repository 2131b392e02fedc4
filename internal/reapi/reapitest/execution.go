// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// execution takes actions and gives them to workers.
type execution struct {
	repb.UnimplementedExecutionServer
	*Server
}

type operationStream = grpc.ServerStreamingServer[longrunningpb.Operation]

// Execute answers with an error if there can be no operation: as with Buildbarn,
// that is so if the action itself is missing. Whatever happens later is in the
// response, missing inputs too.
func (c execution) Execute(in *repb.ExecuteRequest, stream operationStream) error {
	function, err := c.request(in.InstanceName, in.DigestFunction)
	if err != nil {
		return err
	}
	k, err := newKey(function, in.ActionDigest)
	if err != nil {
		return err
	}
	action := &repb.Action{}
	if err := c.message(k, action); err != nil {
		return err
	}
	answer := &inlining{stream: stream, server: c.Server, function: function, in: in}
	if done, err := c.known(in, k, action, answer); done || err != nil {
		return err
	}
	if err := c.worker(function, action); err != nil {
		return err
	}
	op, fresh := c.ops.join(c.ctx, k, action)
	defer c.ops.leave(op)
	if fresh {
		c.work.Go(func() { c.perform(op) })
	} else {
		c.count(func(s *Stats) { s.Merged++ })
	}
	return c.follow(op, answer)
}

func (c execution) WaitExecution(in *repb.WaitExecutionRequest, stream operationStream) error {
	if f, ok := c.faults.take("WaitExecution", Forget); ok {
		c.ops.forget(in.Name)
		setDefault(&f.Code, codes.NotFound)
		return f.status(fmt.Sprintf("Operation with name %q not found", in.Name))
	}
	op := c.ops.find(in.Name)
	if op == nil {
		return status.Errorf(codes.NotFound, "Operation with name %q not found", in.Name)
	}
	defer c.ops.leave(op)
	return c.follow(op, &inlining{stream: stream, server: c.Server, function: op.key.function, in: &repb.ExecuteRequest{}})
}

// known answers from the action cache.
func (c execution) known(in *repb.ExecuteRequest, k key, action *repb.Action, answer *inlining) (bool, error) {
	if in.SkipCacheLookup || c.o.NoLookup || action.DoNotCache {
		return false, nil
	}
	result := c.result(k)
	if result == nil {
		return false, nil
	}
	c.count(func(s *Stats) { s.ExecuteHits++ })
	c.spoil("Execute", k.function, result)
	metadata := &repb.ExecuteOperationMetadata{Stage: repb.ExecutionStage_COMPLETED, ActionDigest: in.ActionDigest, DigestFunction: k.function}
	return true, answer.send(newName(), metadata, &repb.ExecuteResponse{Result: result, CachedResult: true})
}

// worker says that there is none for an action. The platform is the action's, or
// the command's of clients for version 2.1 and older.
func (c execution) worker(function repb.DigestFunction_Value, action *repb.Action) error {
	platform := action.Platform
	if platform == nil && len(c.o.Platforms) > 0 {
		command := &repb.Command{}
		if k, err := newKey(function, action.CommandDigest); err == nil && c.message(k, command) == nil {
			platform = command.Platform //nolint:staticcheck // what old clients set
		}
	}
	wanted := map[string]string{}
	for _, p := range platform.GetProperties() {
		wanted[p.Name] = p.Value
	}
	fits := func(have map[string]string) bool { return maps.Equal(have, wanted) }
	message := fmt.Sprintf("No workers exist for instance name prefix %q platform %v", c.o.Instance, wanted)
	if f, ok := c.faults.take("Execute", NoWorkers); ok {
		setDefault(&f.Code, c.o.NoWorker)
		return f.status(message)
	}
	if len(c.o.Platforms) > 0 && !slices.ContainsFunc(c.o.Platforms, fits) {
		return status.Error(c.o.NoWorker, message)
	}
	return nil
}

// follow tells a client of an operation until it is done.
func (c execution) follow(op *operation, answer *inlining) error {
	for {
		metadata, response, changed := c.ops.state(op)
		if err := answer.send(op.name, metadata, response); err != nil || response != nil {
			return err
		}
		select {
		case <-changed:
		case <-answer.stream.Context().Done():
			return status.FromContextError(answer.stream.Context().Err()).Err()
		case <-c.ctx.Done():
			return status.Error(codes.Unavailable, "Server is shutting down")
		case <-time.After(c.o.UpdateInterval):
		}
	}
}

// inlining sends news, with the contents that this client asked for.
type inlining struct {
	stream   operationStream
	server   *Server
	function repb.DigestFunction_Value
	in       *repb.ExecuteRequest
}

func (i *inlining) send(name string, metadata *repb.ExecuteOperationMetadata, response *repb.ExecuteResponse) error {
	if response.GetResult() != nil {
		response = proto.CloneOf(response)
		i.server.inline("Execute", i.function, response.Result, i.in.InlineStdout, i.in.InlineStderr, i.in.InlineOutputFiles)
	}
	out, err := news(name, metadata, response)
	if err != nil {
		return err
	}
	return i.stream.Send(out)
}

// perform runs an action as soon as there is a slot.
func (c execution) perform(op *operation) {
	defer op.cancel()
	select {
	case <-op.ctx.Done():
		c.count(func(s *Stats) { s.Cancelled++ })
		c.ops.advance(op, repb.ExecutionStage_COMPLETED, failure(nil, status.FromContextError(op.ctx.Err()).Err()))
		return
	case slot := <-c.slots:
		defer func() { c.slots <- slot }()
		c.count(func(s *Stats) { s.Executions++; s.Running++; s.MaxRunning = max(s.MaxRunning, s.Running) })
		c.ops.advance(op, repb.ExecutionStage_EXECUTING, nil)
		response := c.run(op, fmt.Sprintf("worker-%d", slot))
		c.keep(op, response)
		c.count(func(s *Stats) {
			s.Running--
			if op.ctx.Err() != nil {
				s.Cancelled++
			}
		})
		c.ops.advance(op, repb.ExecutionStage_COMPLETED, response)
	}
}

// keep puts a success into the action cache.
func (c execution) keep(op *operation, response *repb.ExecuteResponse) {
	result := response.Result
	if response.Status.GetCode() == 0 && result.GetExitCode() == 0 && !op.action.DoNotCache {
		c.setResult(op.key, result)
		response.Message = strings.Join([]string{"Action details (cached result): action", op.key.String()}, " ")
	}
	if result != nil {
		c.spoil("Execute", op.key.function, result)
	}
}

// failure is the response of an action that could not be run to its end. What is
// known of its result goes along, as with Buildbarn: an exit code of 0 in it
// means nothing.
func failure(result *repb.ActionResult, err error) *repb.ExecuteResponse {
	return &repb.ExecuteResponse{Result: result, Status: status.Convert(err).Proto()}
}
