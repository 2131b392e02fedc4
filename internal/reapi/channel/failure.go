// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/remote"
)

// failure is an error of one try, judged.
type failure struct {
	*remote.Error
	again bool          // it may pass
	infra bool          // the server, or the way to it, is broken; it counts for giving up
	own   bool          // or the call itself is what the server cannot deal with
	never bool          // nothing will ever work: give up now
	delay time.Duration // how long the server wants to be left alone
}

// worded is an error in other words. What is inside can still be asked for its code.
type worded struct {
	text string
	err  error
}

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.err }

// errSilence ends a try that heard nothing for too long.
var errSilence = errors.New("silence")

// again marks an error as one that may pass.
type again struct{ error }

func (a again) Unwrap() error { return a.error }

// Again marks an error as one that may pass, so that Do tries again: a blob that
// arrived damaged, say.
func Again(err error) error { return again{err} }

// judge puts an error of a try into words and says what follows from it.
func (c *Channel) judge(ctx context.Context, what string, err error, silent time.Duration) failure {
	f := failure{Error: &remote.Error{What: what + " on " + c.String(), Err: err}}
	var said *remote.Error
	var credential *helperError
	var marked again
	stated, isStatus := statusOf(err)
	switch {
	case errors.As(err, &said):
		f.Error = said
		if said == c.breaker.opened.Load() {
			f.Error = c.reason(what, said)
		}
	case errors.As(err, &credential):
		f.Hint, f.Final, f.never = "check --credential-helper", true, true
	case errors.Is(context.Cause(ctx), errSilence) && errors.As(err, new(*crowdedError)):
		f.again, f.Hint = true, "a higher --remote-max-connections or a lower --remote-jobs helps"
		f.Err = &worded{fmt.Sprintf("for %s the server allowed no more calls on a connection", silent), err}
	case errors.Is(context.Cause(ctx), errSilence):
		c.judgeSilence(&f, silent)
	case isStatus:
		c.judgeStatus(&f, what, stated)
	case errors.As(err, &marked):
		f.again = true
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.again, f.infra = true, true
		f.Err = &worded{"the stream was cut", err}
	}
	return f
}

// statusOf finds the gRPC status in an error, however deep.
func statusOf(err error) (*status.Status, bool) {
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) || carrier.GRPCStatus() == nil {
		return nil, false
	}
	return carrier.GRPCStatus(), true
}

// judgeSilence judges a try that we ended. A server that never said anything at all
// is not waited for again.
func (c *Channel) judgeSilence(f *failure, silent time.Duration) {
	f.again, f.infra = true, true
	timeout := status.Error(codes.DeadlineExceeded, "no answer")
	if !c.breaker.answered.Load() {
		if cause := c.link.trouble(); cause != nil {
			c.unreachable(f, timeout, cause)
			return
		}
		f.Hint = "is that a server of the Remote Execution API? check " + c.setting
		f.again, f.never, f.Final = false, true, true
	} else {
		f.Hint = "--remote-timeout is how long a server may keep silent"
	}
	f.Err = &worded{fmt.Sprintf("no answer for %s", silent), timeout}
}

// unreachable judges a failure for want of a connection.
func (c *Channel) unreachable(f *failure, err, cause error) {
	text, hint := c.explain(cause)
	f.Err, f.Hint = &worded{oneLine(text), err}, hint
	f.again, f.infra = true, true
	if !c.link.made.Load() {
		f.again, f.never, f.Final = false, true, true
	}
}

// judgeStatus judges what gRPC or the server said.
func (c *Channel) judgeStatus(f *failure, what string, s *status.Status) {
	cause := c.link.trouble()
	if s.Code() == codes.Unavailable && cause != nil && !c.pool.ready() {
		c.unreachable(f, s.Err(), cause)
		return
	}
	f.Err = c.restate(f.Err, s)
	text := strings.ToLower(s.Message())
	tooLarge := s.Code() == codes.ResourceExhausted && strings.Contains(text, "larger than max")
	switch s.Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Internal, codes.Unknown, codes.Canceled:
		f.again, f.infra = true, true
		f.own = s.Code() == codes.Internal || s.Code() == codes.Unknown
	case codes.ResourceExhausted, codes.Aborted, codes.DataLoss:
		f.again = !tooLarge
	case codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.OutOfRange:
		f.Refused = true
	}
	f.delay = retryDelay(s)
	f.Hint, f.Final = c.advise(what, s.Code(), text)
	if strings.Contains(text, "http status code") && !c.breaker.answered.Load() {
		f.Hint = "is that a gRPC server? check " + c.setting
	}
}

// retryDelay is how long the server wants to be left alone, 0 if it does not say.
func retryDelay(s *status.Status) time.Duration {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok && info.GetRetryDelay().IsValid() {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// restate is a status in plain words, in one line, without our own secrets, which
// servers may repeat; the words around it stay.
func (c *Channel) restate(err error, s *status.Status) error {
	text := err.Error()
	plain := fmt.Sprintf("rpc error: code = %s desc = ", s.Code())
	if before, after, ok := strings.Cut(text, plain); ok {
		text = before + codeWords(s.Code()) + ": " + after
	}
	if hidden := c.hide(text); hidden != text {
		p := s.Proto()
		p.Message = c.hide(p.GetMessage())
		return &worded{oneLine(hidden), status.ErrorProto(p)}
	}
	return &worded{oneLine(text), err}
}

// codeWords is a code in words: "permission denied".
func codeWords(code codes.Code) string {
	var words strings.Builder
	for i, c := range code.String() {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				words.WriteByte(' ')
			}
			c += 'a' - 'A'
		}
		words.WriteRune(c)
	}
	return words.String()
}
