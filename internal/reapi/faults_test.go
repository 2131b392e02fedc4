// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/remote"
)

// Faults that a client gets over: the result is right nevertheless.
var passing = map[string]struct {
	server reapitest.Options
	fault  reapitest.Fault
	// retries are more calls of a method than without the fault.
	method string
	calls  int
}{
	"input evicted":         {fault: reapitest.Fault{Kind: reapitest.EvictInput, Times: 1}, method: "Execute", calls: 2},
	"input evicted thrice":  {fault: reapitest.Fault{Kind: reapitest.EvictInput, Times: 3}, method: "Execute", calls: 4},
	"one named":             {server: reapitest.Options{OneMissing: true}, fault: reapitest.Fault{Kind: reapitest.EvictInput, Times: 2}, method: "Execute", calls: 3},
	"blob said to be there": {fault: reapitest.Fault{Kind: reapitest.LostBlob, Times: 1}, method: "Execute", calls: 2},
	"input not found":       {fault: reapitest.Fault{Kind: reapitest.Death, Code: codes.NotFound, Times: 1}, method: "FindMissingBlobs", calls: 2},
	"worker died":           {fault: reapitest.Fault{Kind: reapitest.Death, Times: 2}, method: "Execute", calls: 3},
	"no worker yet":         {fault: reapitest.Fault{Kind: reapitest.NoWorkers, Times: 1}, method: "Execute", calls: 2},
	"execute refused":       {fault: reapitest.Fault{Kind: reapitest.Fail, Method: "Execute", Times: 2}, method: "Execute", calls: 3},
	"execute hangs":         {fault: reapitest.Fault{Kind: reapitest.Hang, Method: "Execute", Times: 1}, method: "Execute", calls: 2},
	"stream cut":            {fault: reapitest.Fault{Kind: reapitest.Drop, Method: "Execute", After: 2, Times: 1}, method: "WaitExecution", calls: 1},
	"stream failed":         {fault: reapitest.Fault{Kind: reapitest.Fail, Method: "Execute", After: 1, Times: 1}, method: "WaitExecution", calls: 1},
	"stream hangs":          {fault: reapitest.Fault{Kind: reapitest.Hang, Method: "Execute", After: 1, Times: 1}, method: "WaitExecution", calls: 1},
	"find missing fails":    {fault: reapitest.Fault{Kind: reapitest.Fail, Method: "FindMissingBlobs", Times: 1}, method: "FindMissingBlobs", calls: 2},
	"batch fails":           {fault: reapitest.Fault{Kind: reapitest.Fail, Method: "BatchUpdateBlobs", Times: 1}, method: "BatchUpdateBlobs", calls: 2},
	"batch done, unheard":   {fault: reapitest.Fault{Kind: reapitest.Drop, Method: "BatchUpdateBlobs", After: 1, Times: 1}, method: "BatchUpdateBlobs", calls: 2},
	"batches unknown":       {fault: reapitest.Fault{Kind: reapitest.Fail, Method: "BatchUpdateBlobs", Code: codes.Unimplemented}, method: "Write", calls: 5},
	"batches too large":     {fault: reapitest.Fault{Kind: reapitest.Fail, Method: "BatchUpdateBlobs", Code: codes.InvalidArgument}, method: "Write", calls: 5},
	"inline damaged":        {fault: reapitest.Fault{Kind: reapitest.Corrupt, Times: 1}, method: "BatchReadBlobs", calls: 1},
	"batch damaged":         {server: reapitest.Options{NoInline: true}, fault: reapitest.Fault{Kind: reapitest.Corrupt, Method: "BatchReadBlobs", Times: 1}, method: "Read", calls: 1},
	"batch short":           {server: reapitest.Options{NoInline: true}, fault: reapitest.Fault{Kind: reapitest.Short, Method: "BatchReadBlobs", Times: 1}, method: "Read", calls: 1},
	"read batch unknown":    {server: reapitest.Options{NoInline: true}, fault: reapitest.Fault{Kind: reapitest.Fail, Method: "BatchReadBlobs", Code: codes.Unimplemented}, method: "Read", calls: 1},
	"capabilities fail":     {fault: reapitest.Fault{Kind: reapitest.Fail, Method: "GetCapabilities", Times: 1}, method: "GetCapabilities", calls: 3},
}

func TestPassingFaults(t *testing.T) {
	for name, test := range passing {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.server.RawStreams = true
			test.server.Faults = []reapitest.Fault{test.fault}
			s, c := start(t, test.server)
			r, err := c.Execute(t.Context(), job("a.bc", "sleep 0.2;"+double, inputs(), "a.o"), false)
			if err != nil {
				t.Fatal(err)
			}
			checkDouble(t, c, r)
			if n := s.Stats().Calls[test.method]; n != test.calls {
				t.Errorf("%d calls of %s instead of %d: %v", n, test.method, test.calls, s.Stats().Calls)
			}
		})
	}
}

// Faults that a client does not get over, and the words that its user reads.
var failing = map[string]struct {
	server reapitest.Options
	fault  reapitest.Fault
	words  []string
	final  bool
}{
	"no worker":         {fault: reapitest.Fault{Kind: reapitest.NoWorkers}, words: []string{"execute on grpc://", "--remote-default-exec-properties"}, final: true},
	"no worker for us":  {fault: reapitest.Fault{Kind: reapitest.NoWorkers, Code: codes.FailedPrecondition}, words: []string{"--remote-default-exec-properties"}, final: true},
	"inputs always go":  {fault: reapitest.Fault{Kind: reapitest.EvictInput}, words: []string{"inputs were checked or sent 6 times"}},
	"workers die":       {fault: reapitest.Fault{Kind: reapitest.Death}, words: []string{"execute on grpc://", "Worker disappeared"}},
	"timeout":           {fault: reapitest.Fault{Kind: reapitest.Death, Code: codes.DeadlineExceeded}, words: []string{"Worker disappeared"}},
	"no output":         {fault: reapitest.Fault{Kind: reapitest.NoOutput}, words: []string{`output "a.o": missing`}},
	"empty output":      {fault: reapitest.Fault{Kind: reapitest.EmptyOutput}, words: []string{`output "a.o": empty`}},
	"cache only":        {server: reapitest.Options{CacheOnly: true}, words: []string{"--remote-cache"}, final: true},
	"version 3":         {server: reapitest.Options{Low: "3.0", High: "3.1"}, words: []string{"versions 3.0 to 3.1", "2.x"}, final: true},
	"version 1":         {server: reapitest.Options{Low: "1.0", High: "1.9"}, words: []string{"versions 1.0 to 1.9", "2.x"}, final: true},
	"may not":           {fault: reapitest.Fault{Kind: reapitest.Fail, Method: "Execute", Code: codes.PermissionDenied}, words: []string{"execute on grpc://"}, final: true},
	"action is invalid": {fault: reapitest.Fault{Kind: reapitest.Fail, Method: "Execute", Code: codes.InvalidArgument, Message: "odd"}, words: []string{"odd"}},
}

func TestFailingFaults(t *testing.T) {
	for name, test := range failing {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.fault.Kind != "" {
				test.server.Faults = []reapitest.Fault{test.fault}
			}
			_, c := start(t, test.server)
			c.o.Retries = 2
			_, err := c.Execute(t.Context(), job("a.bc", double, inputs(), "a.o"), false)
			e, ok := errors.AsType[*remote.Error](err)
			if !ok || e.Final != test.final {
				t.Fatalf("%T (final: %v): %v", err, ok && e.Final, err)
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
		})
	}
}

// An operation that the server has forgotten is begun anew.
func TestForgotten(t *testing.T) {
	s, c := start(t, reapitest.Options{RawStreams: true, Faults: []reapitest.Fault{
		{Kind: reapitest.Fail, Method: "Execute", After: 2, Times: 1}, {Kind: reapitest.Forget}}})
	r, err := c.Execute(t.Context(), job("a.bc", "sleep 0.2;"+double, inputs(), "a.o"), false)
	if err != nil {
		t.Fatal(err)
	}
	checkDouble(t, c, r)
	if calls := s.Stats().Calls; calls["Execute"] != 2 || calls["WaitExecution"] != 1 {
		t.Error(calls)
	}
}

// A server that goes silent for good is given up in bounded time.
func TestSilence(t *testing.T) {
	_, c := start(t, reapitest.Options{Faults: []reapitest.Fault{
		{Kind: reapitest.Hang, Method: "Execute", After: 1}, {Kind: reapitest.Hang, Method: "WaitExecution"}}})
	connected, err := c.Capabilities(t.Context())
	if err != nil || !connected.Execution {
		t.Fatal(err)
	}
	settings := c.o
	settings.Timeout, settings.Retries = 200*time.Millisecond, 1
	c, begun := connect(t, settings), time.Now()
	if _, err = c.Execute(t.Context(), job("a.bc", double, inputs(), "a.o"), false); err == nil || time.Since(begun) > 4*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}

// What the cache has of no use is not used: it is executed again.
func TestUselessCache(t *testing.T) {
	for _, kind := range []reapitest.Kind{reapitest.NoOutput, reapitest.EmptyOutput} {
		s, c := start(t, reapitest.Options{Faults: []reapitest.Fault{{Kind: kind, Times: 1}}})
		a := job("a.bc", double, inputs(), "a.o")
		if _, err := c.Execute(t.Context(), a, false); err == nil {
			t.Errorf("%s: no error", kind)
		}
		if _, ok, err := c.Result(t.Context(), a); ok || err != nil {
			t.Errorf("%s: found: %v, %v", kind, ok, err)
		}
		r, err := c.Execute(t.Context(), a, false)
		if err != nil || r.Cached {
			t.Fatalf("%s: %+v, %v", kind, r, err)
		}
		checkDouble(t, c, r)
		if n := s.Stats().Executions; n != 2 {
			t.Errorf("%s: %d executions", kind, n)
		}
	}
}

// A blob that is gone is a miss, and nothing is left of the others.
func TestFetchGone(t *testing.T) {
	for _, size := range []int{100, 5_000_000} {
		s, c := start(t, reapitest.Options{NoInline: true})
		there, gone := random(1, size), cas.DigestOf(random(2, size))
		s.Put(there)
		dir := t.TempDir()
		err := c.Fetch(t.Context(), []remote.File{
			{Output: remote.Output{Name: "a", Digest: cas.DigestOf(there)}, Path: filepath.Join(dir, "a")},
			{Output: remote.Output{Name: "b", Digest: gone}, Path: filepath.Join(dir, "b")},
		})
		miss, ok := errors.AsType[*cas.Miss](err)
		if !ok || !miss.Blob || miss.Digest != gone || miss.Reason != cas.Absent {
			t.Errorf("%v", err)
		}
		checkEmpty(t, dir)
	}
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s is left", e.Name())
	}
}

// Large blobs arrive whole through cuts and damage, compressed or not.
func TestFetchLarge(t *testing.T) {
	for _, zstd := range []bool{false, true} {
		for name, f := range map[string]reapitest.Fault{
			"cut":     {Kind: reapitest.Drop, Method: "Read", After: 5, Times: 2},
			"failed":  {Kind: reapitest.Fail, Method: "Read", After: 3, Times: 2},
			"damaged": {Kind: reapitest.Corrupt, Method: "Read", Times: 1},
			"short":   {Kind: reapitest.Short, Method: "Read", Times: 1},
			"hangs":   {Kind: reapitest.Hang, Method: "Read", After: 4, Times: 1},
		} {
			t.Run(fmt.Sprint(name, zstd), func(t *testing.T) {
				t.Parallel()
				s, c := start(t, reapitest.Options{Zstd: zstd, ZstdOffset: true, Faults: []reapitest.Fault{f}})
				data := append(random(1, 5_000_000), text(2, 1_000_000)...)
				s.Put(data)
				fetched(t, c, []remote.Output{{Name: "large", Digest: cas.DigestOf(data)}})
			})
		}
	}
}

// What is damaged for good is a miss with its reason.
func TestFetchDamaged(t *testing.T) {
	for _, size := range []int{100, 5_000_000} {
		s, c := start(t, reapitest.Options{Faults: []reapitest.Fault{{Kind: reapitest.Corrupt}}})
		data, dir := random(1, size), t.TempDir()
		s.Put(data)
		err := c.Fetch(t.Context(), []remote.File{{Output: remote.Output{Digest: cas.DigestOf(data)}, Path: filepath.Join(dir, "a")}})
		if miss, ok := errors.AsType[*cas.Miss](err); !ok || miss.Reason != cas.Corrupt {
			t.Errorf("%v", err)
		}
		checkEmpty(t, dir)
	}
}

// Large uploads go through cuts, refusals, and servers that have the blob already.
func TestWriteFaults(t *testing.T) {
	for _, zstd := range []bool{false, true} {
		for name, f := range map[string]reapitest.Fault{
			"cut":    {Kind: reapitest.Drop, Method: "Write", After: 5, Times: 2},
			"failed": {Kind: reapitest.Fail, Method: "Write", After: 3, Times: 2},
			"hangs":  {Kind: reapitest.Hang, Method: "Write", After: 4, Times: 1},
		} {
			t.Run(fmt.Sprint(name, zstd), func(t *testing.T) {
				t.Parallel()
				s, c := start(t, reapitest.Options{Zstd: zstd, Faults: []reapitest.Fault{f}})
				b := onDisk(t, append(random(1, 6_000_000), text(2, 1_000_000)...))
				if err := c.Ensure(t.Context(), []remote.Blob{b}); err != nil || !s.Has(message(b.Digest)) {
					t.Error(err)
				}
			})
		}
	}
}

// All faults together, at 5 % of all occasions each, and hundreds of jobs: all of them right in the end.
func TestStorm(t *testing.T) {
	// Each lost input is one of all jobs, and all fail until it is back.
	faults := []reapitest.Fault{{Kind: reapitest.EvictInput, Chance: 0.01}}
	for _, kind := range []reapitest.Kind{reapitest.LostBlob, reapitest.Corrupt, reapitest.Short, reapitest.Death,
		reapitest.NoStderr, reapitest.Forget, reapitest.Delay, reapitest.Fail} {
		faults = append(faults, reapitest.Fault{Kind: kind, Chance: 0.05, Delay: 10 * time.Millisecond})
	}
	s, c := start(t, reapitest.Options{Slots: 16, NoInline: true, Zstd: true, Faults: faults, Seed: 7,
		Simulation: &reapitest.Simulation{Duration: 5 * time.Millisecond, Size: 50_000}})
	shared := map[string]remote.Blob{}
	for i := range 20 {
		shared[fmt.Sprintf("%03d.bc", i)] = inMemory(random(uint64(i), 10_000*i))
	}
	var wg sync.WaitGroup
	dir, failed := t.TempDir(), make(chan error, 300)
	for i := range cap(failed) {
		wg.Go(func() {
			a := job("m", fmt.Sprint("true ", i), shared, "a.o")
			r, err := c.Execute(t.Context(), a, false)
			if err == nil {
				err = c.Fetch(t.Context(), []remote.File{{Output: r.Outputs[0], Path: filepath.Join(dir, fmt.Sprint(i))}})
			}
			if err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	close(failed)
	n := 0
	for err := range failed {
		_, miss := errors.AsType[*cas.Miss](err)
		_, refused := errors.AsType[*remote.Error](err)
		if n++; !miss && !refused {
			t.Errorf("%T: %v", err, err)
		}
		if n == 1 {
			t.Log(err)
		}
	}
	if n > 6 {
		t.Errorf("%d of %d jobs failed", n, cap(failed))
	}
	t.Logf("%v, traffic %+v", s.Stats().Faults, c.Traffic())
}

// A context that ends, ends everything soon, with its cause.
func TestCancel(t *testing.T) {
	for _, method := range []string{"GetCapabilities", "FindMissingBlobs", "BatchUpdateBlobs", "Execute", "BatchReadBlobs", "Write", "Read", "GetActionResult"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			s, c := start(t, reapitest.Options{NoInline: true, Faults: []reapitest.Fault{{Kind: reapitest.Hang, Method: method}}})
			c.o.Timeout = time.Minute
			cause := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(200*time.Millisecond, func() { cancel(cause) })
			dir, begun := t.TempDir(), time.Now()
			err := everything(ctx, s, c, dir)
			if !errors.Is(err, cause) || time.Since(begun) > 1500*time.Millisecond {
				t.Errorf("%v after %v", err, time.Since(begun))
			}
			checkEmpty(t, dir)
		})
	}
}

// everything uses all methods, until one fails.
func everything(ctx context.Context, s *reapitest.Server, c *Client, dir string) error {
	a := job("a.bc", double, inputs(), "a.o")
	if _, _, err := c.Result(ctx, a); err != nil {
		return err
	}
	if err := c.Ensure(ctx, []remote.Blob{inMemory(random(1, 5_000_000))}); err != nil {
		return err
	}
	r, err := c.Execute(ctx, a, false)
	if err != nil {
		return err
	}
	data := random(2, 5_000_000)
	s.Put(data)
	return c.Fetch(ctx, []remote.File{
		{Output: r.Outputs[0], Path: filepath.Join(dir, "a.o")},
		{Output: remote.Output{Digest: cas.DigestOf(data)}, Path: filepath.Join(dir, "b.o")},
	})
}
