// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"testing"

	remote "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dtlto/dtlto/internal/cas"
)

func digestOfText(s string) cas.Digest { return cas.DigestOf([]byte(s)) }

// An action for a worker is what the official library makes of the same, and it says
// in both places that servers look at what the worker must be.
func TestEncodeForWorker(t *testing.T) {
	w := NewWorker([]string{"lib/ld.so", "bin/clang"}, []Property{{"b", "2"}, {"a", "9"}, {"a", "1"}}, []TreeFile{
		{"bin/clang", digestOfText("clang"), true},
		{"lib/deep/er/x", digestOfText("x"), false},
		{"lib/ld.so", digestOfText("ld"), true},
	})
	a := Of(source())
	got := a.EncodeFor(w)

	er := &remote.Directory{Files: []*remote.FileNode{{Name: "x", Digest: official(digestOfText("x"))}}}
	deep := &remote.Directory{Directories: []*remote.DirectoryNode{{Name: "er", Digest: official(cas.DigestOf(w.Trees[1]))}}}
	bin := &remote.Directory{Files: []*remote.FileNode{{Name: "clang", Digest: official(digestOfText("clang")), IsExecutable: true}}}
	lib := &remote.Directory{
		Files:       []*remote.FileNode{{Name: "ld.so", Digest: official(digestOfText("ld")), IsExecutable: true}},
		Directories: []*remote.DirectoryNode{{Name: "deep", Digest: official(cas.DigestOf(w.Trees[2]))}},
	}
	if len(w.Trees) != 4 {
		t.Fatalf("%d folders", len(w.Trees))
	}
	for i, want := range []*remote.Directory{bin, er, deep, lib} {
		same(t, "folder", w.Trees[i], want)
	}
	root := &remote.Directory{Directories: []*remote.DirectoryNode{
		{Name: "bin", Digest: official(cas.DigestOf(w.Trees[0]))}, {Name: "lib", Digest: official(cas.DigestOf(w.Trees[3]))},
	}}
	for _, in := range a.Inputs {
		root.Files = append(root.Files, &remote.FileNode{Name: in.Name, Digest: official(in.Digest)})
	}
	platform := &remote.Platform{Properties: []*remote.Platform_Property{{Name: "a", Value: "1"}, {Name: "a", Value: "9"}, {Name: "b", Value: "2"}}}
	command := &remote.Command{
		Arguments:   append([]string{"lib/ld.so", "bin/clang"}, a.Args[1:]...),
		OutputFiles: a.Outputs, OutputPaths: a.Outputs, Platform: platform, //nolint:staticcheck // for old servers
		EnvironmentVariables: []*remote.Command_EnvironmentVariable{{Name: "LC_ALL", Value: "C"}, {Name: "EMPTY"}},
	}
	same(t, "root", got.Root, root)
	same(t, "command", got.Command, command)
	same(t, "action", got.Action, &remote.Action{
		CommandDigest: official(cas.DigestOf(got.Command)), InputRootDigest: official(cas.DigestOf(got.Root)),
		Timeout: &durationpb.Duration{Seconds: timeout}, Salt: []byte("abc"), Platform: platform,
	})
	if got.Key == a.Encode().Key {
		t.Error("the worker is not in the key")
	}
}

// The order in which properties are given is not part of what a worker is.
func TestWorkerPropertiesAreSorted(t *testing.T) {
	a := Of(source())
	one := NewWorker([]string{"clang"}, []Property{{"a", "1"}, {"b", "2"}}, nil)
	other := NewWorker([]string{"clang"}, []Property{{"b", "2"}, {"a", "1"}}, nil)
	if a.EncodeFor(one).Key != a.EncodeFor(other).Key {
		t.Error("the order of properties is in the key")
	}
}
