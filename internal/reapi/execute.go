// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/remote"
)

const (
	// maxLost is how often inputs are sent again that a server has lost. A storage that
	// is too small loses shared ones again and again, for all actions at once.
	maxLost = 5
	// maxUnnamed is the same if the server does not say what it has lost. It may mean
	// something else.
	maxUnnamed = 2
	// firstPause and longestPause are between tries, doubled each time.
	firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
)

// Execute has an action executed, or its result found, after its blobs were sent.
// With again, nothing is found: it is executed. A command that fails is a result;
// one that ends well without all its outputs is an error.
//
// If ctx ends, so do the streams. The operation is not cancelled by name: Buildbarn,
// as others, ends what nobody has waited for in a minute, and what somebody
// else waits for, too, must not end.
func (c *Client) Execute(ctx context.Context, a *remote.Action, again bool) (remote.Result, error) {
	s, err := c.executing(ctx)
	if err != nil {
		return remote.Result{}, err
	}
	if a, err = a.Whole(); err != nil {
		return remote.Result{}, err
	}
	wire, err := s.translated(a)
	if err != nil {
		return remote.Result{}, err
	}
	if err := c.ensure(ctx, wire.Blobs); err != nil {
		return remote.Result{}, err
	}
	if err := c.jobs.take(ctx); err != nil {
		return remote.Result{}, err
	}
	defer c.jobs.give()
	e := &execution{client: c, session: s, action: wire, again: again}
	r, err := e.result(ctx)
	if err == nil {
		err = s.back(ctx, c, &r)
	}
	return r, err
}

// execution is one call of Execute.
type execution struct {
	client  *Client
	session *session
	action  *remote.Action
	again   bool // skip the server's cache
	lost    int  // tries after lost inputs
	tries   int  // tries after failures that may pass
}

// result executes until there is a result that can be used, or no hope.
func (e *execution) result(ctx context.Context) (remote.Result, error) {
	for {
		since := e.client.present.now()
		reply, err := e.run(ctx)
		if err != nil {
			if err = e.mend(ctx, err, since); err != nil {
				return remote.Result{}, err
			}
			continue
		}
		r, err := outcome(e.action, reply.Result)
		if err == nil {
			return e.complete(ctx, r, reply), nil
		}
		if !reply.CachedResult || e.again {
			return remote.Result{}, e.error(err)
		}
		e.again = true // the cache has nothing of use
	}
}

// complete adds what is said beside the result.
func (e *execution) complete(ctx context.Context, r remote.Result, reply *repb.ExecuteResponse) remote.Result {
	r.Cached = reply.CachedResult
	if err := e.client.addMessages(ctx, e.session, e.action, reply.Result, &r); err != nil {
		r.Messages = fmt.Appendf(r.Messages, "(what the command printed cannot be fetched: %v)\n", err)
	}
	return r
}

// error is for what no call failed with.
func (e *execution) error(err error) error {
	return &remote.Error{What: "execute on " + e.client.executor.String(), Err: err}
}

// answer is a copy of what the server said, in words.
func (e *execution) answer(err error) *remote.Error {
	failure := *e.client.executor.Answer("execute", err)
	return &failure
}

// mend prepares another try after a failure, or says why there is none.
func (e *execution) mend(ctx context.Context, err error, since int64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if noWorker(err) && len(e.missing(err)) == 0 { // Buildfarm says "No workers found" of lost blobs
		return e.noWorker(ctx, err)
	}
	if status.Code(err) == codes.FailedPrecondition {
		return e.restore(ctx, err, since)
	}
	answer, ok := errors.AsType[*answerError](err)
	if !ok {
		return err // its call was tried again already
	}
	if status.Code(err) == codes.NotFound && e.lost == 0 {
		// NativeLink said so of inputs until 2026, and says so of a compiler.
		return e.restore(ctx, err, since)
	}
	if e.tries >= e.limit(status.Code(err)) {
		return e.client.executor.Answer("execute", answer.error)
	}
	return e.retry(ctx)
}

// limit is how often an execution is tried again that ended so.
func (e *execution) limit(code codes.Code) int {
	switch code {
	case codes.Unavailable, codes.Internal, codes.Aborted, codes.ResourceExhausted, codes.Unknown:
		return e.client.o.Retries
	case codes.DeadlineExceeded: // it took as long as an action may
		return min(e.client.o.Retries, 1)
	}
	return 0
}

// retry waits before another try.
func (e *execution) retry(ctx context.Context) error {
	e.tries++
	return pause(ctx, e.tries-1)
}

// pause waits before try n, about twice as long each time.
func pause(ctx context.Context, n int) error {
	d := min(firstPause<<min(n, 10), longestPause)
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// noWorker says whether no worker is of the kind that the action asks for. Servers have
// no code of its own for that. Some say Unavailable while workers may be about to
// come, and FailedPrecondition later.
func noWorker(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "no worker") || strings.Contains(text, "no matching worker") || strings.Contains(text, "no available worker") ||
		strings.Contains(text, "no executors") || strings.Contains(text, "no registered executor")
}

// noWorker tries again for a while if it may pass. After that, it is how things are
// configured.
func (e *execution) noWorker(ctx context.Context, err error) error {
	if _, answer := errors.AsType[*answerError](err); answer && status.Code(err) == codes.Unavailable && e.tries < e.client.o.Retries {
		return e.retry(ctx)
	}
	failure := e.answer(err)
	failure.Final = true
	failure.Hint = "no worker has the properties that were asked for: set --remote-default-exec-properties, or --remote-instance-name"
	return failure
}

// restore sends inputs again that the server does not have.
func (e *execution) restore(ctx context.Context, err error, since int64) error {
	lost, limit := e.missing(err), maxUnnamed
	if len(lost) > 0 {
		limit = maxLost
	}
	if e.lost++; e.lost > limit {
		return e.stillMissing(err)
	}
	// Buildbarn names only the first one, so the others are asked about.
	e.client.present.forget(lost, true, since)
	e.client.present.forget(e.digests(), false, 0)
	if e.lost > 1 {
		// Hundreds may have failed together within the moment that the blob was gone. If
		// they came back together, they would run into the next gap together.
		if err := pause(ctx, e.lost); err != nil {
			return err
		}
	}
	return e.client.ensure(ctx, e.action.Blobs)
}

func (e *execution) stillMissing(err error) error {
	failure := e.answer(err)
	failure.Hint = fmt.Sprintf("inputs were checked or sent %d times; do --remote-executor and --remote-cache have the same storage?", e.lost)
	return failure
}
