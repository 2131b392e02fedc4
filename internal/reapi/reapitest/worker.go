// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"context"
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// job is an action on a worker.
type job struct {
	*Server
	op      *operation
	command *repb.Command
	inputs  *inputs
	result  *repb.ActionResult
}

// errDeath is the end of a worker.
var errDeath = errors.New("worker died")

// run does an action on a worker.
func (s *Server) run(op *operation, worker string) *repb.ExecuteResponse {
	now := timestamppb.Now()
	j := &job{Server: s, op: op, command: &repb.Command{}, result: &repb.ActionResult{ExecutionMetadata: &repb.ExecutedActionMetadata{
		Worker: worker, QueuedTimestamp: timestamppb.New(op.queued), WorkerStartTimestamp: now, InputFetchStartTimestamp: now}}}
	defer func() { j.result.ExecutionMetadata.WorkerCompletedTimestamp = timestamppb.Now() }()
	ctx, cancel := context.WithCancelCause(op.ctx)
	defer cancel(nil)
	death, dies := s.faults.take("Execute", Death)
	if dies {
		defer time.AfterFunc(death.Delay, func() { cancel(errDeath) }).Stop()
	}
	err := j.do(ctx)
	if dies {
		<-ctx.Done() // it may have been faster than its death
		return failure(nil, death.status("Worker disappeared while action was executing"))
	}
	if err != nil {
		return failure(j.result, err)
	}
	return &repb.ExecuteResponse{Result: j.result}
}

// do gathers the inputs and runs the command within its time.
func (j *job) do(ctx context.Context) error {
	timeout, err := j.timeout()
	if err != nil {
		return err
	}
	if err := j.load(); err != nil {
		return err
	}
	if j.o.Simulation != nil {
		return j.simulate(ctx, timeout)
	}
	return j.execute(ctx, timeout)
}

// timeout is how long the command may run.
func (j *job) timeout() (time.Duration, error) {
	if j.op.action.Timeout == nil && !j.o.ZeroTimeout {
		return j.o.MaxTimeout, nil
	}
	timeout := j.op.action.Timeout.AsDuration()
	if timeout < 0 || timeout > j.o.MaxTimeout {
		return 0, status.Errorf(codes.InvalidArgument, "Action timeout of %s exceeds maximum permitted value of %s", timeout, j.o.MaxTimeout)
	}
	return timeout, nil
}

// load reads the command and the input root, all that there is of both.
func (j *job) load() error {
	function := j.op.key.function
	command, err := newKey(function, j.op.action.CommandDigest)
	if err != nil {
		return err
	}
	root, err := newKey(function, j.op.action.InputRootDigest)
	if err != nil {
		return err
	}
	j.inputs = &inputs{store: j.store, function: function, missing: map[key]bool{}}
	if err := j.message(command, j.command); err != nil {
		if status.Code(err) != codes.FailedPrecondition {
			return err
		}
		j.inputs.missing[command] = true
	}
	if err := j.inputs.read(j.Server, root, ""); err != nil {
		return err
	}
	j.evictInput()
	if lost := sorted(j.inputs.missing); len(lost) > 0 {
		if j.o.OneMissing {
			lost = lost[:1]
		}
		return missing(lost)
	}
	if len(j.command.Arguments) == 0 {
		return status.Error(codes.InvalidArgument, "Insufficient number of command arguments")
	}
	return nil
}

// evictInput loses a file, on EvictInput.
func (j *job) evictInput() {
	var files []key
	for _, e := range j.inputs.entries {
		if e.kind == fileEntry && e.key.size > 0 {
			files = append(files, e.key)
		}
	}
	if len(files) == 0 {
		return
	}
	if _, ok := j.faults.take("Execute", EvictInput); !ok {
		return
	}
	lost := files[j.faults.pick(len(files))]
	j.store.evict(lost)
	j.inputs.missing[lost] = true
}

// outputs are the paths of the command's outputs in the input root, with what
// the command calls them.
func (j *job) outputs() map[string]string {
	names := j.command.OutputPaths
	if len(names) == 0 {
		names = j.command.OutputFiles //nolint:staticcheck // what clients for version 2.0 set
	}
	out := map[string]string{}
	for _, name := range names {
		out[path.Join(j.command.WorkingDirectory, name)] = name
	}
	return out
}

// outside says that a path of the command leaves the input root.
func (j *job) outside() error {
	for p := range j.outputs() {
		if p == ".." || strings.HasPrefix(p, "../") || path.IsAbs(p) {
			return status.Errorf(codes.InvalidArgument, "Path resolves to a location outside the input root directory: %q", p)
		}
	}
	return nil
}

// simulate stands for a compile.
func (j *job) simulate(ctx context.Context, timeout time.Duration) error {
	m, meta := j.o.Simulation, j.result.ExecutionMetadata
	duration := m.Duration
	if m.Durations != nil {
		duration = m.Durations(j.op.key.hash)
	}
	meta.InputFetchCompletedTimestamp, meta.ExecutionStartTimestamp = timestamppb.Now(), timestamppb.Now()
	if !j.pause(ctx, min(duration, timeout)) {
		return status.FromContextError(context.Canceled).Err()
	}
	meta.ExecutionCompletedTimestamp, meta.OutputUploadStartTimestamp = timestamppb.Now(), timestamppb.Now()
	if duration > timeout {
		return status.Error(codes.DeadlineExceeded, "Failed to run command: context deadline exceeded")
	}
	data := m.Output
	if data == nil {
		data = noise(j.op.key.hash, m.Size)
	}
	for _, name := range j.outputs() {
		if err := j.output(name, data, false); err != nil {
			return err
		}
	}
	meta.OutputUploadCompletedTimestamp = timestamppb.Now()
	return nil
}

// output adds a file to the result.
func (j *job) output(name string, data []byte, executable bool) error {
	data, skip := j.poor(data)
	if skip {
		return nil
	}
	k, err := j.store.keep(j.op.key.function, data)
	j.result.OutputFiles = append(j.result.OutputFiles, &repb.OutputFile{Path: name, Digest: k.proto(), IsExecutable: executable})
	return err
}

// poor is what NoOutput and EmptyOutput leave of an output.
func (j *job) poor(data []byte) (left []byte, none bool) {
	if _, ok := j.faults.take("Execute", NoOutput); ok {
		return nil, true
	}
	if _, ok := j.faults.take("Execute", EmptyOutput); ok {
		return nil, false
	}
	return data, false
}

// noise is bytes that depend on a seed.
func noise(seed string, size int) []byte {
	var s [32]byte
	copy(s[:], seed)
	data := make([]byte, size)
	_, _ = rand.NewChaCha8(s).Read(data)
	return data
}
