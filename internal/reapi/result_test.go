// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/proto"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/remote"
)

// Results that cannot be used are not known; names that were not asked for do not matter.
func TestResultUse(t *testing.T) {
	good := message(cas.DigestOf([]byte("object")))
	file := func(path string, d *repb.Digest) *repb.OutputFile { return &repb.OutputFile{Path: path, Digest: d} }
	for name, test := range map[string]struct {
		result *repb.ActionResult
		want   bool
	}{
		"good":             {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("b.dwo", good), file("a.o", good)}}, true},
		"more than asked":  {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("../../etc/passwd", good), file("b.dwo", good), file("a.o", good)}}, true},
		"empty second":     {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("b.dwo", message(cas.DigestOf(nil))), file("a.o", good)}}, true},
		"empty first":      {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("b.dwo", good), file("a.o", message(cas.DigestOf(nil)))}}, false},
		"one lacks":        {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("a.o", good)}}, false},
		"none":             {&repb.ActionResult{}, false},
		"failed":           {&repb.ActionResult{ExitCode: 1, OutputFiles: []*repb.OutputFile{file("b.dwo", good), file("a.o", good)}}, false},
		"no digest":        {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("b.dwo", nil), file("a.o", good)}}, false},
		"bad digest":       {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("b.dwo", good), file("a.o", &repb.Digest{Hash: strings.Repeat("x", 64), SizeBytes: 1})}}, false},
		"negative size":    {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("b.dwo", good), file("a.o", &repb.Digest{Hash: good.Hash, SizeBytes: -1})}}, false},
		"messages lost":    {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("b.dwo", good), file("a.o", good)}, StderrDigest: message(cas.DigestOf([]byte("gone")))}, false},
		"a link for a.o":   {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("b.dwo", good)}, OutputSymlinks: []*repb.OutputSymlink{{Path: "a.o", Target: "/etc/passwd"}}}, false},
		"messages, inline": {&repb.ActionResult{OutputFiles: []*repb.OutputFile{file("b.dwo", good), file("a.o", good)}, StdoutRaw: []byte("x")}, true},
	} {
		s, c := start(t, reapitest.Options{Unchecked: true})
		s.Put([]byte("object"))
		a := job("m", "true", nil, "a.o", "b.dwo")
		s.SetResult(message(cas.Digest(a.Key)), proto.CloneOf(test.result))
		r, ok, err := c.Result(t.Context(), a)
		if ok != test.want || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
		if ok && (len(r.Outputs) != 2 || r.Outputs[0].Name != "a.o" || r.Outputs[1].Name != "b.dwo") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// FuzzOutcome: whatever a server says, outputs are some that were asked for, once each.
func FuzzOutcome(f *testing.F) {
	good, err := proto.Marshal(&repb.ActionResult{OutputFiles: []*repb.OutputFile{{Path: "a.o", Digest: message(cas.DigestOf([]byte("x")))}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{0x12, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		reply := new(repb.ActionResult)
		if proto.Unmarshal(data, reply) != nil {
			return
		}
		r, err := outcome(&remote.Action{Outputs: []string{"b.dwo", "a.o"}}, reply)
		if err == nil && r.ExitCode == 0 && len(r.Outputs) != 2 || r.Duration < 0 || r.Queued < 0 {
			t.Errorf("%+v", r)
		}
		for _, o := range r.Outputs {
			if o.Name != "a.o" && o.Name != "b.dwo" || o.Digest.Size < 0 {
				t.Errorf("%+v", o)
			}
		}
	})
}

// Messages are there however they come, and never too many.
func TestMessages(t *testing.T) {
	for name, o := range map[string]reapitest.Options{"raw": {RawStreams: true}, "digests": {}} {
		for _, test := range []struct {
			script     string
			exit, size int
		}{
			{"echo x >a.o; yes | head -c 3000 >&2; yes | head -c 3000", 0, 6000},
			{"echo x >a.o; yes | head -c 3000000 >&2", 0, cas.MaxMessages},
			{"yes | head -c 6000000 >&2; yes no | head -c 6000000; exit 1", 1, maxMessages},
			{"yes | head -c 500000 >&2; yes no | head -c 6000000; exit 1", 1, maxMessages},
		} {
			_, c := start(t, o)
			r, err := c.Execute(t.Context(), job("m", test.script, nil, "a.o"), false)
			if err != nil || r.ExitCode != test.exit || len(r.Messages) != test.size {
				t.Errorf("%s, %s: exit code %d, %d bytes, %v", name, test.script, r.ExitCode, len(r.Messages), err)
			}
			if tail := r.Messages[max(0, len(r.Messages)-100):]; test.exit != 0 && strings.Contains(string(tail), "no") {
				t.Errorf("%s: the errors are not what is left", test.script)
			}
		}
	}
}

// An execution whose messages are lost says so.
func TestMessagesLost(t *testing.T) {
	_, c := start(t, reapitest.Options{Faults: []reapitest.Fault{{Kind: reapitest.LostStderr}}})
	r, err := c.Execute(t.Context(), job("m", "echo said >&2; exit 1", nil, "a.o"), false)
	if err != nil || r.ExitCode != 1 || !strings.Contains(string(r.Messages), "cannot be fetched") {
		t.Errorf("%+v, %q, %v", r, r.Messages, err)
	}
}

// What one client publishes another one finds.
func TestPublish(t *testing.T) {
	for name, o := range servers {
		t.Run(name, func(t *testing.T) {
			s, c := start(t, o)
			a, object := job("m", "exit 1", inputs(), "a.o"), inMemory(random(1, 5000))
			if _, ok, err := c.Result(t.Context(), a); ok || err != nil {
				t.Fatal(ok, err)
			}
			if err := c.Ensure(t.Context(), []remote.Blob{object}); err != nil {
				t.Fatal(err)
			}
			r := remote.Result{Outputs: []remote.Output{{Name: "a.o", Digest: object.Digest}}, Messages: []byte("a warning\n"), Duration: time.Second}
			if err := c.Publish(t.Context(), a.Key, r); err != nil {
				t.Fatal(err)
			}
			settings := options(s)
			settings.Instance = o.Instance
			other := connect(t, settings)
			got, ok, err := other.Result(t.Context(), a)
			if !ok || err != nil || string(got.Messages) != "a warning\n" {
				t.Fatalf("%+v, %v, %v", got, ok, err)
			}
			if files := fetched(t, other, got.Outputs); files["a.o"] != string(object.Data) {
				t.Error("another object")
			}
		})
	}
}

// A server that lets nobody publish is an error once.
func TestPublishRefused(t *testing.T) {
	for name, o := range map[string]reapitest.Options{
		"said":   {ReadOnly: true},
		"denied": {Faults: []reapitest.Fault{{Kind: reapitest.Fail, Method: "UpdateActionResult", Code: 7}}},
	} {
		s, c := start(t, o)
		err := c.Publish(t.Context(), cas.ActionKey{}, remote.Result{})
		if _, ok := errors.AsType[*remote.Error](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
		before := s.Stats().Calls["UpdateActionResult"]
		if err := c.Publish(t.Context(), cas.ActionKey{}, remote.Result{}); err != nil || s.Stats().Calls["UpdateActionResult"] != before {
			t.Errorf("%s: asked again: %v", name, err)
		}
	}
}

// With BLAKE3, folders within folders are written anew too, and equal actions stay equal.
func TestTranslation(t *testing.T) {
	s, c := start(t, reapitest.Options{Functions: blake3Only})
	file := onDisk(t, []byte("inside"))
	a := nested(t, file)
	for range 2 {
		r, err := c.Execute(t.Context(), a, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := fetched(t, c, r.Outputs); got["a.o"] != "inside" {
			t.Errorf("%q", got)
		}
		if r.Outputs[0].Digest != cas.DigestOf([]byte("inside")) {
			t.Error("the output has no SHA-256")
		}
	}
	if n := s.Stats().Executions; n != 1 {
		t.Errorf("%d executions", n)
	}
	a.Blobs = slices.DeleteFunc(a.Blobs, func(b remote.Blob) bool { return b.Digest == file.Digest })
	if _, err := connect(t, options(s)).Execute(t.Context(), a, false); err == nil || !strings.Contains(err.Error(), "not given") {
		t.Errorf("without a file: %v", err)
	}
}

func nested(t *testing.T, file remote.Blob) *remote.Action {
	t.Helper()
	encode := func(m proto.Message) remote.Blob {
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return inMemory(data)
	}
	inner := encode(&repb.Directory{Files: []*repb.FileNode{{Name: "f", Digest: message(file.Digest)}}})
	root := encode(&repb.Directory{Directories: []*repb.DirectoryNode{{Name: "d", Digest: message(inner.Digest)}, {Name: "e", Digest: message(inner.Digest)}}})
	command := encode(&repb.Command{Arguments: []string{"/bin/sh", "-c", "/bin/cat d/f >a.o"}, OutputPaths: []string{"a.o"}})
	act := encode(&repb.Action{CommandDigest: message(command.Digest), InputRootDigest: message(root.Digest)})
	return &remote.Action{Key: cas.ActionKey(act.Digest), Blobs: []remote.Blob{file, inner, root, command, act}, Outputs: []string{"a.o"}}
}
