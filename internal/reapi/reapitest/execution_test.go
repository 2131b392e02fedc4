// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

func TestActionRuns(t *testing.T) {
	for name, o := range map[string]Options{"plain": {}, "instance": {Instance: "a/b"}, "blake3": {Functions: []repb.DigestFunction_Value{BLAKE3}}} {
		t.Run(name, func(t *testing.T) {
			s, c := start(t, o)
			a := c.shell("cat in >out/o; ./x.sh >>out/o; env >env; echo hello; echo woe >&2", map[string]string{"in": "data\n", "x.sh": "#!/bin/sh\necho $0\n"}, "out/o", "env", "none")
			stream, err := c.begin(a)
			if err != nil {
				t.Fatal(err)
			}
			out, stages, err := follow(stream)
			if err != nil || out.Status.GetCode() != 0 || out.CachedResult {
				t.Fatal(err, out)
			}
			if !slices.IsSorted(stages) || stages[len(stages)-1] != repb.ExecutionStage_COMPLETED {
				t.Errorf("stages %v", stages)
			}
			r := out.Result
			if got := c.output(r, "out/o"); got != "data\n./x.sh\n" || r.ExitCode != 0 || len(r.OutputFiles) != 2 {
				t.Errorf("out %q, result %v", got, r)
			}
			if env := c.output(r, "env"); !strings.Contains(env, "PATH=/usr/bin:/bin\n") || strings.Contains(env, "HOME=") {
				t.Errorf("environment %q", env)
			}
			if data, err := c.read(r.StderrDigest); string(data) != "woe\n" || err != nil || len(r.StderrRaw) != 0 {
				t.Errorf("stderr %q %v", data, err)
			}
			m := r.ExecutionMetadata
			if m.Worker == "" || m.ExecutionCompletedTimestamp.AsTime().Before(m.ExecutionStartTimestamp.AsTime()) || m.WorkerCompletedTimestamp == nil {
				t.Errorf("metadata %v", m)
			}
			again, err := c.run(a)
			if err != nil || !again.CachedResult || s.Stats().Executions != 1 || s.Stats().ExecuteHits != 1 {
				t.Errorf("again: %v %v %+v", err, again, s.Stats())
			}
		})
	}
}

func TestFailedActionIsNotCached(t *testing.T) {
	s, c := start(t, Options{RawStreams: true})
	a := c.shell("echo bad >&2; echo x >o; exit 3", nil, "o")
	for range 2 {
		r := c.must(a)
		if r.ExitCode != 3 || string(r.StderrRaw) != "bad\n" || c.output(r, "o") != "x\n" {
			t.Errorf("%v", r)
		}
	}
	a.DoNotCache = true
	a.CommandDigest = c.shell("true", nil).CommandDigest
	c.must(a)
	if n := len(s.Results()); n != 0 || s.Stats().Executions != 3 {
		t.Errorf("%d results, %+v", n, s.Stats())
	}
}

func TestMissingInputs(t *testing.T) {
	s, c := start(t, Options{})
	a := c.shell("cat in", map[string]string{"in": "data", "other": "more"})
	lost := []*repb.Digest{c.digest([]byte("data")), c.digest([]byte("more")), a.CommandDigest}
	if n := s.Evict(lost...); n != 3 {
		t.Fatalf("%d evicted", n)
	}
	out, err := c.run(a)
	if err != nil {
		t.Fatal(err)
	}
	st := status.FromProto(out.Status)
	got := missingBlobs(st)
	if st.Code() != codes.FailedPrecondition || len(got) != 3 {
		t.Fatalf("%v %q", st, got)
	}
	for _, d := range lost {
		if !slices.Contains(got, "MISSING "+key{SHA256, d.Hash, d.SizeBytes}.subject()) {
			t.Errorf("%v is not in %q", d, got)
		}
	}
	_, err = c.Execute(c.ctx, &repb.ExecuteRequest{ActionDigest: c.digest([]byte("never"))})
	if err != nil {
		t.Fatal(err)
	}
	stream, _ := c.Execute(c.ctx, &repb.ExecuteRequest{ActionDigest: c.digest([]byte("never"))})
	_, _, err = follow(stream)
	if got := missingBlobs(status.Convert(err)); status.Code(err) != codes.FailedPrecondition || len(got) != 1 {
		t.Errorf("missing action: %v %q", err, got)
	}
}

func TestCommandsThatCannotStart(t *testing.T) {
	_, c := start(t, Options{MaxTimeout: time.Minute})
	for name, test := range map[string]struct {
		change func(*repb.Command, *repb.Action)
		code   codes.Code
	}{
		"no such program":     {func(m *repb.Command, _ *repb.Action) { m.Arguments[0] = "./none" }, codes.InvalidArgument},
		"not on PATH":         {func(m *repb.Command, _ *repb.Action) { m.Arguments[0] = "none" }, codes.InvalidArgument},
		"not executable":      {func(m *repb.Command, _ *repb.Action) { m.Arguments[0] = "./in" }, codes.InvalidArgument},
		"no arguments":        {func(m *repb.Command, _ *repb.Action) { m.Arguments = nil }, codes.InvalidArgument},
		"no working folder":   {func(m *repb.Command, _ *repb.Action) { m.WorkingDirectory = "none" }, codes.InvalidArgument},
		"output outside":      {func(m *repb.Command, _ *repb.Action) { m.OutputPaths = []string{"../x"} }, codes.InvalidArgument},
		"timeout too long":    {func(_ *repb.Command, a *repb.Action) { a.Timeout = durationpb.New(time.Hour) }, codes.InvalidArgument},
		"found on PATH":       {func(m *repb.Command, _ *repb.Action) { m.Arguments[0] = "sh" }, codes.OK},
		"relative, in folder": {func(m *repb.Command, _ *repb.Action) { m.Arguments[0] = "../run.sh"; m.WorkingDirectory = "sub" }, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			command := &repb.Command{Arguments: []string{"/bin/sh", "-c", "echo x >o"}, OutputPaths: []string{"o"},
				EnvironmentVariables: []*repb.Command_EnvironmentVariable{{Name: "PATH", Value: "/bin"}}}
			root := &repb.Directory{
				Files:       []*repb.FileNode{{Name: "in", Digest: c.put([]byte("x"))}, {Name: "run.sh", IsExecutable: true, Digest: c.put([]byte("#!/bin/sh\necho x >o\n"))}},
				Directories: []*repb.DirectoryNode{{Name: "sub", Digest: c.putMessage(&repb.Directory{})}}}
			a := &repb.Action{InputRootDigest: c.putMessage(root), Timeout: durationpb.New(10 * time.Second)}
			test.change(command, a)
			a.CommandDigest = c.putMessage(command)
			out, err := c.run(a)
			if err != nil || codes.Code(out.Status.GetCode()) != test.code {
				t.Fatalf("%v %v", err, out.GetStatus())
			}
			if test.code == codes.OK && c.output(out.Result, "o") != "x\n" {
				t.Errorf("%v", out.Result)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	_, c := start(t, Options{})
	a := c.shell("echo begun >o; sleep 60 & sleep 60", nil, "o")
	a.Timeout = durationpb.New(200 * time.Millisecond)
	begin := time.Now()
	out, err := c.run(a)
	if err != nil || codes.Code(out.Status.GetCode()) != codes.DeadlineExceeded || time.Since(begin) > 10*time.Second {
		t.Fatalf("%v %v after %v", err, out, time.Since(begin))
	}
	if out.Result.ExitCode != 0 || c.output(out.Result, "o") != "begun\n" {
		t.Errorf("Buildbarn's response has what there is of a result: %v", out.Result)
	}
}

func TestZeroTimeout(t *testing.T) {
	_, c := start(t, Options{ZeroTimeout: true})
	a := c.shell("true", nil)
	a.Timeout = nil
	out, err := c.run(a)
	if err != nil || codes.Code(out.Status.GetCode()) != codes.DeadlineExceeded {
		t.Fatalf("%v %v", err, out)
	}
}

func TestPlatforms(t *testing.T) {
	_, c := start(t, Options{Platforms: []map[string]string{{"OS": "linux", "pool": "x"}}})
	platform := &repb.Platform{Properties: []*repb.Platform_Property{{Name: "OS", Value: "linux"}, {Name: "pool", Value: "x"}}}
	a := c.shell("true", nil)
	_, err := c.run(a)
	wantCode(t, err, codes.Unavailable)
	a.Platform = platform
	c.must(a)
}

// Equal actions run once, and slots bound the others.
func TestMergeAndSlots(t *testing.T) {
	s, c := start(t, Options{Slots: 3, Simulation: &Simulation{Duration: 50 * time.Millisecond, Size: 100}})
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() { c.must(c.shell(strings.Repeat("#", i/4), nil, "o")) })
	}
	all.Wait()
	if got := s.Stats(); got.Executions != 6 || got.Merged+got.ExecuteHits != 18 || got.MaxRunning > 3 || got.Running != 0 {
		t.Errorf("%+v", got)
	}
}

// An operation outlives its stream, but not for ever.
func TestWaitExecution(t *testing.T) {
	s, c := start(t, Options{Patience: 300 * time.Millisecond})
	ctx, cancel := context.WithCancel(c.ctx)
	stream, err := c.Execute(ctx, &repb.ExecuteRequest{ActionDigest: c.putMessage(c.shell("sleep 0.2; echo x >o", nil, "o"))})
	if err != nil {
		t.Fatal(err)
	}
	op, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range 2 {
		again, err := c.WaitExecution(c.ctx, &repb.WaitExecutionRequest{Name: op.Name})
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := follow(again)
		if err != nil || c.output(out.Result, "o") != "x\n" {
			t.Fatal(err, out)
		}
	}
	time.Sleep(600 * time.Millisecond)
	again, _ := c.WaitExecution(c.ctx, &repb.WaitExecutionRequest{Name: op.Name})
	_, err = again.Recv()
	wantCode(t, err, codes.NotFound)
	if got := s.Stats(); got.Executions != 1 || got.Cancelled != 0 {
		t.Errorf("%+v", got)
	}
}

// What nobody waits for is killed, with all that it started; so is everything on
// Close.
func TestProcessesEnd(t *testing.T) {
	llvmtest.Tool(t, "pgrep")
	for _, test := range []string{"leave", "close"} {
		t.Run(test, func(t *testing.T) {
			s, c := start(t, Options{Patience: 10 * time.Millisecond})
			mark := filepath.Join(t.TempDir(), "here")
			ctx, cancel := context.WithCancel(c.ctx)
			defer cancel()
			a := c.shell("sh -c 'touch "+mark+"; while :; do sleep 0.01; done' & while :; do sleep 0.01; done", nil)
			if _, err := c.Execute(ctx, &repb.ExecuteRequest{ActionDigest: c.putMessage(a)}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the action runs", func() bool { _, err := os.Stat(mark); return err == nil })
			if cancel(); test == "close" {
				s.Close()
			}
			eventually(t, "no process is left", func() bool { return exec.Command("pgrep", "-f", mark).Run() != nil })
			eventually(t, "it was cancelled", func() bool { return s.Stats().Cancelled == 1 })
		})
	}
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so: %s", what)
		}
	}
}
