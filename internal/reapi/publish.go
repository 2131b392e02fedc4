// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"sync/atomic"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

// refusals remember that the action cache is not ours to write.
type refusals struct{ publish atomic.Bool }

// Publish puts a result into the action cache. Its blobs must be there (Ensure). A
// server that lets nobody write is an error once; after that Publish does nothing.
func (c *Client) Publish(ctx context.Context, key cas.ActionKey, r remote.Result) error {
	s, err := c.session(ctx)
	if err != nil || c.refusals.publish.Load() {
		return err
	}
	if !s.ActionCacheUpdate {
		return c.refused(c.readOnly())
	}
	wire, outputs, err := s.published(key, r.Outputs)
	if err != nil {
		return err
	}
	request := &repb.UpdateActionResultRequest{InstanceName: c.o.Instance, ActionDigest: message(cas.Digest(wire)),
		ActionResult: actionResult(&r, outputs), DigestFunction: s.function}
	err = c.storage.Do(ctx, "publish result", func(ctx context.Context) error {
		_, err := c.results.UpdateActionResult(c.identity.action(ctx, wire, ""), request)
		return err
	})
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unimplemented, codes.Unauthenticated:
		return c.refused(err)
	}
	return err
}

func (c *Client) readOnly() error {
	return &remote.Error{What: "publish result on " + c.storage.String(),
		Err:  errors.New("the server says that its action cache is not for us to write"),
		Hint: "turn off --remote-upload-local-results, or use credentials that may write"}
}

// refused gives err to the first who asks.
func (c *Client) refused(err error) error {
	if c.refusals.publish.Swap(true) {
		return nil
	}
	return err
}

func actionResult(r *remote.Result, outputs []remote.Output) *repb.ActionResult {
	m := &repb.ActionResult{ExitCode: int32(r.ExitCode), StderrRaw: r.Messages}
	for _, o := range outputs {
		m.OutputFiles = append(m.OutputFiles, &repb.OutputFile{Path: o.Name, Digest: message(o.Digest)})
	}
	m.ExecutionMetadata = &repb.ExecutedActionMetadata{Worker: valid(r.Worker)}
	if r.Duration > 0 {
		m.ExecutionMetadata.VirtualExecutionDuration = durationpb.New(r.Duration)
	}
	return m
}
