// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

const (
	// maxMessages bounds what is kept of a failed command's words.
	maxMessages = 1 << 20
	// maxOutput bounds what a server can put on this machine's disk as one output: a hundred
	// times the largest object of one module that we know of.
	maxOutput = 8 << 30
)

// Result asks the action cache. False means that it has no result that could be used: a
// failed one, or one without all the outputs, is not one.
func (c *Client) Result(ctx context.Context, a *remote.Action) (remote.Result, bool, error) {
	s, err := c.session(ctx)
	if err != nil {
		return remote.Result{}, false, err
	}
	wire, err := s.translated(a)
	if err != nil {
		return remote.Result{}, false, err
	}
	r, err := c.result(ctx, s, wire)
	switch _, gone := errors.AsType[*cas.Miss](err); {
	case err == nil:
		return r, true, nil
	case gone, errors.Is(err, errUnusable), status.Code(err) == codes.NotFound:
		return remote.Result{}, false, nil
	}
	return remote.Result{}, false, err
}

// errUnusable is for results that are as good as none.
var errUnusable = errors.New("result cannot be used")

func (c *Client) result(ctx context.Context, s *session, a *remote.Action) (remote.Result, error) {
	reply, err := c.askResult(ctx, s, a)
	if err != nil {
		return remote.Result{}, err
	}
	if reply.ExitCode != 0 {
		return remote.Result{}, errUnusable
	}
	r, err := outcome(a, reply)
	if err != nil {
		return remote.Result{}, fmt.Errorf("%w: %w", errUnusable, err)
	}
	r.Cached = true
	if err = c.addMessages(ctx, s, a, reply, &r); err == nil {
		err = s.back(ctx, c, &r)
	}
	return r, err
}

func (c *Client) askResult(ctx context.Context, s *session, a *remote.Action) (reply *repb.ActionResult, err error) {
	request := &repb.GetActionResultRequest{
		InstanceName: c.o.Instance, ActionDigest: message(cas.Digest(a.Key)), DigestFunction: s.function,
		InlineStdout: true, InlineStderr: true, InlineOutputFiles: a.Outputs,
	}
	err = c.storage.Do(ctx, "look up result", func(ctx context.Context) (err error) {
		reply, err = c.results.GetActionResult(c.identity.action(ctx, a.Key, a.Module), request)
		return err
	})
	return reply, err
}

// outcome is the result without its messages. It is an error if a command that ended well
// did not make all it was asked for, or made the first one empty: clang can end well
// after writing nothing.
func outcome(a *remote.Action, reply *repb.ActionResult) (remote.Result, error) {
	r := remote.Result{ExitCode: int(reply.ExitCode)}
	for _, name := range slices.Sorted(slices.Values(a.Outputs)) {
		o, err := output(name, reply.OutputFiles)
		if err == nil && o.Digest.Size == 0 && name == a.Outputs[0] {
			err = fmt.Errorf("output %q: empty", name)
		}
		if err == nil {
			r.Outputs = append(r.Outputs, o)
		} else if r.ExitCode == 0 {
			return remote.Result{}, err
		}
	}
	m := reply.ExecutionMetadata
	r.Worker = m.GetWorker()
	r.Duration = between(m.GetExecutionStartTimestamp(), m.GetExecutionCompletedTimestamp())
	r.Queued = between(m.GetQueuedTimestamp(), m.GetWorkerStartTimestamp())
	r.Fetching = between(m.GetInputFetchStartTimestamp(), m.GetInputFetchCompletedTimestamp())
	r.Uploading = between(m.GetOutputUploadStartTimestamp(), m.GetOutputUploadCompletedTimestamp())
	return r, nil
}

// output finds one by its name. Names that were not asked for are not looked at.
func output(name string, files []*repb.OutputFile) (remote.Output, error) {
	for _, f := range files {
		if f.GetPath() != name {
			continue
		}
		d, err := parse(f.Digest)
		if err == nil && d.Size > maxOutput {
			err = fmt.Errorf("%d bytes are too many", d.Size)
		}
		if err != nil {
			return remote.Output{}, fmt.Errorf("output %q: %w", name, err)
		}
		return remote.Output{Name: name, Digest: d, Inline: f.Contents}, nil
	}
	return remote.Output{}, fmt.Errorf("output %q: missing", name)
}

func between(from, to *timestamppb.Timestamp) time.Duration {
	if !from.IsValid() || !to.IsValid() {
		return 0
	}
	return max(0, to.AsTime().Sub(from.AsTime()))
}

// addMessages puts in what the command printed. Servers may leave it in blobs, even if
// it was asked for.
func (c *Client) addMessages(ctx context.Context, s *session, a *remote.Action, reply *repb.ActionResult, r *remote.Result) error {
	room := cas.MaxMessages
	if r.ExitCode != 0 {
		room = maxMessages
	}
	out, err := c.printed(ctx, s, a, reply.StdoutRaw, reply.StdoutDigest, room)
	if err != nil {
		return err
	}
	more, err := c.printed(ctx, s, a, reply.StderrRaw, reply.StderrDigest, room)
	if err != nil {
		return err
	}
	if room -= len(more); len(out) > room { // the errors are what matters
		out = out[:room]
	}
	r.Messages = slices.Concat(out, more)
	return nil
}

// printed is the beginning of what was printed, at most room bytes.
func (c *Client) printed(ctx context.Context, s *session, a *remote.Action, raw []byte, m *repb.Digest, room int) ([]byte, error) {
	if len(raw) > 0 || m.GetSizeBytes() == 0 {
		return slices.Clip(raw[:min(len(raw), room)]), nil
	}
	d, err := parse(m)
	if err != nil {
		return nil, err
	}
	ctx = c.identity.action(ctx, a.Key, a.Module)
	if d.Size > int64(room) {
		return c.readStart(ctx, s, d, room)
	}
	return c.readShort(ctx, s, d)
}

// valid is text that a message can carry.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
