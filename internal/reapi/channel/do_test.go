// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dtlto/dtlto/internal/remote"
)

// bubble runs a test with a clock of its own and a channel to nowhere, whose server is known.
func bubble(t *testing.T, o remote.Options, test func(t *testing.T, c *Channel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "grpc://cluster.example:80", Storage, o)
		c.heard(nil)
		test(t, c)
		c.Close()
	})
}

// failing is a try that fails with some errors in turn and then goes well.
func failing(tries *int, errs ...error) func(context.Context) error {
	return func(context.Context) error {
		*tries++
		if *tries <= len(errs) {
			return errs[*tries-1]
		}
		return nil
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	unavailable := status.Error(codes.Unavailable, "try later")
	for name, test := range map[string]struct {
		err   error
		again bool
		words string
	}{
		"unavailable":   {unavailable, true, "unavailable: try later"},
		"wrapped":       {fmt.Errorf("blob 7: %w", unavailable), true, "blob 7: unavailable: try later"},
		"exhausted":     {status.Error(codes.ResourceExhausted, "quota"), true, "--remote-jobs"},
		"too large":     {status.Error(codes.ResourceExhausted, "grpc: received message larger than max (5 vs. 4)"), false, "larger than max"},
		"aborted":       {status.Error(codes.Aborted, ""), true, "aborted"},
		"internal":      {status.Error(codes.Internal, "stream terminated by RST_STREAM"), true, "RST_STREAM"},
		"unknown":       {status.Error(codes.Unknown, "proxy"), true, "unknown: proxy"},
		"late":          {status.Error(codes.DeadlineExceeded, "late"), true, "deadline exceeded: late"},
		"canceled":      {status.Error(codes.Canceled, "server"), true, "canceled"},
		"data loss":     {status.Error(codes.DataLoss, ""), true, "data loss"},
		"cut":           {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true, "cut"},
		"marked":        {Again(errors.New("digest differs")), true, "digest differs"},
		"not found":     {status.Error(codes.NotFound, "blob"), false, "not found: blob"},
		"precondition":  {status.Error(codes.FailedPrecondition, "missing"), false, "missing"},
		"invalid":       {status.Error(codes.InvalidArgument, "bad digest"), false, "bad digest"},
		"a local error": {&fs.PathError{Op: "open", Path: "a.o", Err: fs.ErrNotExist}, false, "a.o"},
		"judged":        {&remote.Error{What: "w", Err: unavailable}, false, "w: "},
		"unsafe":        {status.Error(codes.NotFound, "a\n\x1b[31mb"), false, "a [31mb"},
		"long":          {status.Error(codes.NotFound, strings.Repeat("ä", 100000)), false, "..."},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, remote.Options{Retries: 3}, func(t *testing.T, c *Channel) {
				tries := 0
				err := c.Do(t.Context(), "fetch", failing(&tries, test.err))
				if test.again != (err == nil) || test.again != (tries == 2) {
					t.Errorf("%d tries, %v", tries, err)
				}
				tries = 0
				err = c.Do(t.Context(), "fetch", failing(&tries, test.err, test.err, test.err, test.err))
				line(t, err, test.words)
				var said *remote.Error
				if !errors.As(err, &said) || said.Final || len(err.Error()) > 800 || status.Code(err) != status.Code(test.err) {
					t.Errorf("%v, code %s", err, status.Code(err))
				}
				if want := map[bool]int{true: 4, false: 1}[test.again]; tries != want {
					t.Errorf("%d tries, want %d", tries, want)
				}
			})
		})
	}
}

func TestDelays(t *testing.T) {
	bubble(t, remote.Options{Retries: 9}, func(t *testing.T, c *Channel) {
		tries := 0
		began := time.Now()
		aborted := status.Error(codes.Aborted, "")
		if err := c.Do(t.Context(), "a", failing(&tries, aborted, aborted, aborted, aborted, aborted)); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 1550*time.Millisecond || took > 3100*time.Millisecond {
			t.Errorf("five retries took %s", took)
		}
		for wish, want := range map[time.Duration]bool{7 * time.Second: true, time.Hour: false, -time.Hour: true} {
			s, err := status.New(codes.Unavailable, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(wish)})
			if err != nil {
				t.Fatal(err)
			}
			tries, began = 0, time.Now()
			err = c.Do(t.Context(), "a", failing(&tries, s.Err()))
			if took := time.Since(began); want != (err == nil) || want && took < wish || took > 8*time.Second {
				t.Errorf("%s: %v after %s", wish, err, took)
			}
		}
		if got := c.Traffic(); got.Retries != 7 || got.Abandoned != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// hang waits for the end of a try.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return status.FromContextError(ctx.Err()).Err()
}

func TestSilence(t *testing.T) {
	bubble(t, remote.Options{Retries: 1, Timeout: 7 * time.Second}, func(t *testing.T, c *Channel) {
		began := time.Now()
		err := c.Do(t.Context(), "a", hang)
		line(t, err, "no answer for 7s", "--remote-timeout")
		if took := time.Since(began); took < 14*time.Second || took > 15*time.Second || status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s, %v", took, status.Code(err))
		}
		err = c.Do(t.Context(), "a", func(ctx context.Context) error {
			for range 10 {
				time.Sleep(6 * time.Second)
				Progress(ctx)
			}
			return ctx.Err()
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestSilenceFromTheBeginning(t *testing.T) {
	bubble(t, remote.Options{Retries: 5, Timeout: time.Minute, ConnectTimeout: 3 * time.Second}, func(t *testing.T, c *Channel) {
		c.breaker.answered.Store(false)
		began := time.Now()
		err := c.Do(t.Context(), "a", hang)
		line(t, err, "no answer for 6s", "--remote-cache")
		final(t, err)
		if time.Since(began) != 6*time.Second {
			t.Error(time.Since(began))
		}
	})
}

func TestTheCallersEnd(t *testing.T) {
	bubble(t, remote.Options{Retries: 5}, func(t *testing.T, c *Channel) {
		why := errors.New("interrupted")
		for _, try := range []func(context.Context) error{hang, func(context.Context) error { return status.Error(codes.Unavailable, "") }} {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(120*time.Millisecond, func() { cancel(why) })
			if err := c.Do(ctx, "a", try); err != why { //nolint:errorlint // itself, not wrapped
				t.Errorf("%v", err)
			}
		}
		if c.breaker.opened.Load() != nil || c.Traffic().Abandoned != 0 {
			t.Error("counted")
		}
	})
}

func TestGivingUp(t *testing.T) {
	bubble(t, remote.Options{Retries: 2}, func(t *testing.T, c *Channel) {
		down := func(context.Context) error { return status.Error(codes.Unavailable, "down") }
		began := time.Now()
		for range 100 { // one lost connection: all its calls at once
			if err := c.Classify("watch", status.Error(codes.Unavailable, "reset")); err.(*remote.Error).Final { //nolint:errorlint,forcetypeassert // as promised
				t.Fatal(err)
			}
		}
		var err error
		for {
			if err = c.Do(t.Context(), "a", down); err.(*remote.Error).Final { //nolint:errorlint,forcetypeassert // as promised
				break
			}
		}
		if took := time.Since(began); took < tripAfter || took > tripAfter+time.Second {
			t.Errorf("gave up after %s", took)
		}
		line(t, err, "a on grpc://cluster.example:80: given up after 5s without an answer: unavailable: down")
		tries := 0
		line(t, c.Do(t.Context(), "b", failing(&tries)), "b on ", "given up")
		line(t, c.Classify("c", io.EOF), "c on ", "given up")
		line(t, c.Invoke(t.Context(), "/s/m", nil, nil), "given up")
		if tries != 0 {
			t.Error("tried")
		}
	})
}

func TestNotGivingUp(t *testing.T) {
	bubble(t, remote.Options{Retries: 0, Timeout: time.Minute}, func(t *testing.T, c *Channel) {
		done := make(chan error)
		for range 50 { // hang, while others are answered
			go func() { done <- c.Do(t.Context(), "a", hang) }()
		}
		for range 50 {
			time.Sleep(time.Second)
			c.heard(status.Error(codes.NotFound, ""))
		}
		time.Sleep(9 * time.Second)
		c.heard(nil)
		for range 50 {
			if err := <-done; err.(*remote.Error).Final { //nolint:errorlint,forcetypeassert // as promised
				t.Fatal(err)
			}
		}
	})
}

func TestRetriesAreBounded(t *testing.T) {
	bubble(t, remote.Options{Retries: 5, Jobs: 10}, func(t *testing.T, c *Channel) {
		tries := 0
		for range 200 {
			_ = c.Do(t.Context(), "a", func(context.Context) error { tries++; return status.Error(codes.ResourceExhausted, "") })
		}
		if tries != 200+minTokens+10*tokensPerJob {
			t.Errorf("%d tries", tries)
		}
		for range 10 {
			_ = c.Do(t.Context(), "a", func(context.Context) error { return nil })
		}
		before := c.Traffic().Retries
		_ = c.Do(t.Context(), "a", func(context.Context) error { return status.Error(codes.ResourceExhausted, "") })
		if got := c.Traffic().Retries - before; got != 5 {
			t.Errorf("%d retries", got)
		}
	})
}

func TestAdvice(t *testing.T) {
	for _, test := range []struct {
		service Service
		what    string
		served  bool
		err     error
		words   string
		final   bool
	}{
		{Execution, "execute", true, status.Error(codes.Unimplemented, "unknown service"), "set --remote-cache instead of --remote-executor", true},
		{Storage, "find", true, status.Error(codes.Unimplemented, "unknown service"), "check --remote-cache", true},
		{Execution, "execute", true, status.Error(codes.Unauthenticated, "expired"), "--remote-header, --remote-exec-header or --credential-helper", true},
		{Execution, "execute", true, status.Error(codes.PermissionDenied, "no"), "--remote-exec-header", true},
		{Storage, "publish", true, status.Error(codes.PermissionDenied, "no"), "--remote-cache-header", false},
		{Storage, "ask", false, status.Error(codes.PermissionDenied, "no"), "--remote-cache-header", true},
		{Storage, "find", true, status.Error(codes.InvalidArgument, "Unknown instance name: \"x\""), "check --remote-instance-name", true},
		{Execution, "capabilities", false, status.Error(codes.NotFound, "no such thing"), "check --remote-instance-name", true},
		{Storage, "fetch", true, status.Error(codes.NotFound, "blob 7"), "not found: blob 7", false},
		{Execution, "ask", false, status.Error(codes.Unimplemented, "unexpected HTTP status code received from server: 404 (Not Found)"), "is that a gRPC server? check --remote-executor", true},
	} {
		c := open(t, "grpc://cluster.example:80", test.service, remote.Options{Executor: "a", Cache: "b"})
		c.served.Store(test.served)
		err := c.Classify(test.what, test.err)
		line(t, err, test.words)
		var said *remote.Error
		if !errors.As(err, &said) || said.Final != test.final {
			t.Errorf("%v: final %v", err, said.Final)
		}
	}
	if c := open(t, "grpc://a", Execution, remote.Options{}); c.Classify("a", nil) != nil {
		t.Error("an error for none")
	}
}

// A call that the server cannot deal with counts once, however often it is tried; five of
// them are a broken server.
func TestOneBadCall(t *testing.T) {
	bubble(t, remote.Options{Retries: 9}, func(t *testing.T, c *Channel) {
		bad := func(context.Context) error {
			time.Sleep(time.Second)
			return status.Error(codes.Internal, "exception")
		}
		for n := range tripFailures {
			if c.breaker.opened.Load() != nil {
				t.Fatalf("gave up after %d calls", n)
			}
			line(t, c.Do(t.Context(), "execute", bad), "internal: ", "exception")
		}
		if c.breaker.opened.Load() == nil {
			t.Error("never gave up")
		}
	})
}

// An outcome is no failure of the server that reports it.
func TestAnswer(t *testing.T) {
	bubble(t, remote.Options{}, func(t *testing.T, c *Channel) {
		for range 3 * tripFailures {
			err := c.Answer("execute", status.Error(codes.Unavailable, "a worker\n died"))
			line(t, err, "execute on grpc://cluster.example:80: unavailable: a worker died")
			time.Sleep(time.Second)
		}
		if c.breaker.opened.Load() != nil || c.breaker.failing.Load() {
			t.Error("counted")
		}
	})
}
