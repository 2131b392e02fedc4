// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dtlto/dtlto/internal/remote"
)

const (
	// firstDelay doubles with each retry up to maxDelay; half of it is left to chance.
	firstDelay = 100 * time.Millisecond
	maxDelay   = 5 * time.Second
	// maxWish is how long a server can have us wait before a retry; one that wants to
	// be left alone for longer is too busy for this link.
	maxWish = 20 * time.Second
)

// Do makes one call, and makes it again after failures that may pass. Each try has
// a context that ends when nothing was heard for Options.Timeout (see Progress), and
// much earlier as long as the server never answered anything. What is being done is
// said in a word or two, "execute", "upload of a.o"; the address is added.
//
// The error is nil, context.Cause(ctx) if ctx has ended, or a *remote.Error, in which
// errors.As and status.Code still find what try returned. An error that is no gRPC
// status, no cut stream (io.ErrUnexpectedEOF) and not marked with Again is not tried
// again; a *remote.Error is returned as it is.
func (c *Channel) Do(ctx context.Context, what string, try func(ctx context.Context) error) error {
	var s soFar
	for n := 0; ; n++ {
		f := c.once(ctx, what, try, &s)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if f.Error == nil {
			c.breaker.earn()
			return nil
		}
		if !f.again || n >= c.retries || f.delay > maxWish || !c.breaker.spend() {
			return c.give(f)
		}
		c.retried.Add(1)
		if !sleep(ctx, max(delay(n), f.delay)) {
			return context.Cause(ctx)
		}
	}
}

// soFar is what the tries of one call have in common.
type soFar struct {
	renewed bool // the credential, once
	counted bool // as a failure that may be the call's own fault
}

// give gives a call up.
func (c *Channel) give(f failure) error {
	if f.again || f.Final {
		c.givenUp.Add(1)
	}
	return f.Error
}

// once makes one try. If the server refused a credential that may have expired, the try is
// repeated with a new one, once in all tries.
func (c *Channel) once(ctx context.Context, what string, try func(ctx context.Context) error, s *soFar) failure {
	if reason := c.breaker.opened.Load(); reason != nil {
		return failure{Error: c.reason(what, reason)}
	}
	used, err := c.credential(ctx)
	if err != nil {
		return c.judged(ctx, what, err, time.Now(), s)
	}
	f := c.attempt(context.WithValue(ctx, credentialKey{}, used), what, try, s)
	if f.Error != nil && !s.renewed && codeOf(f.Error) == codes.Unauthenticated && c.helper.renew(used) {
		s.renewed = true
		c.retried.Add(1)
		return c.once(ctx, what, try, s)
	}
	return f
}

// attempt is a try with the credential in its context, and its time.
func (c *Channel) attempt(ctx context.Context, what string, try func(ctx context.Context) error, s *soFar) failure {
	began := time.Now()
	ctx, w := watch(ctx, c.patience())
	defer w.end()
	err := try(ctx)
	if err == nil {
		return failure{}
	}
	return c.judged(ctx, what, err, began, s)
}

// patience is how long a try may hear nothing. A server that never answered gets only
// as long as it takes to connect, twice: so a link learns in seconds that it hangs.
func (c *Channel) patience() time.Duration {
	if c.breaker.answered.Load() {
		return c.timeout
	}
	return min(c.timeout, 2*c.link.limit)
}

// judged judges an error, and gives up if it was one too many. What may be the call's own
// fault counts once for all its tries: one bad job must not end all others.
func (c *Channel) judged(ctx context.Context, what string, err error, began time.Time, s *soFar) failure {
	now := time.Now()
	f := c.judge(ctx, what, err, now.Sub(began).Round(time.Millisecond))
	if !f.infra && !f.never || ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSilence) {
		return f
	}
	if f.own {
		if s.counted {
			return f
		}
		s.counted = true
	}
	since := now
	if codeOf(f.Error) == codes.DeadlineExceeded {
		since = began
	}
	if f.never {
		c.breaker.open(f.Error)
	} else if c.breaker.failed(since, now) {
		c.breaker.open(&remote.Error{
			What: f.What, Err: fmt.Errorf("given up after %s without an answer: %w", tripAfter, f.Err), Hint: f.Hint, Final: true,
		})
	}
	if reason := c.breaker.opened.Load(); reason != nil {
		return failure{Error: c.reason(what, reason)}
	}
	return f
}

// Classify puts the error of a stream that is not made again by Do into words: a
// *remote.Error, with Hint and Final set; nil for nil. A refused credential is not used
// for the next call.
func (c *Channel) Classify(what string, err error) error {
	if err == nil {
		return nil
	}
	if reason := c.breaker.opened.Load(); reason != nil {
		return c.reason(what, reason)
	}
	f := c.judged(context.Background(), what, err, time.Now(), new(soFar))
	if codeOf(f.Error) == codes.Unauthenticated && c.helper != nil {
		c.helper.renew(c.helper.latest())
	}
	return f.Error
}

// Answer puts a failure into words that a server reports as the outcome of something, in
// an answer to a call that went well: it says nothing against the server.
func (c *Channel) Answer(what string, err error) *remote.Error {
	return c.judge(context.Background(), what, err, 0).Error
}

// codeOf is the code of the status in an error, OK if there is none.
func codeOf(err error) codes.Code {
	s, ok := statusOf(err)
	if !ok {
		return codes.OK
	}
	return s.Code()
}

// delay is how long to wait before retry n.
func delay(n int) time.Duration {
	d := min(firstDelay<<min(n, 10), maxDelay)
	return d/2 + rand.N(d/2)
}

// sleep waits, and says whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
