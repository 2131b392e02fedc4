// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"bytes"
	"strings"
	"testing"

	remote "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dtlto/dtlto/internal/cas"
)

func source() *Source {
	file := func(path, text string) File { return File{path, cas.DigestOf([]byte(text))} }
	return &Source{
		Common:  strings.Fields("/usr/bin/clang -c -O2 -fprofile-use=prof/p.profdata -fbasic-block-sections=list=f.txt -x ir -march=b.o"),
		Args:    strings.Fields("b.o -fthinlto-index=out/b.1.77.native.o.thinlto.bc -o out/b.1.77.native.o a.o=b.o -Dx=ab.o"),
		Outputs: []string{"out/b.1.77.native.o"},
		Index:   "out/b.1.77.native.o.thinlto.bc",
		Shard:   cas.DigestOf([]byte("shard")),
		Modules: []File{file("b.o", "b"), file("a.o", "a")},
		Names:   Names([]string{"b.o", "a.o"}, "out/p", 77),
		Extra:   []File{file("prof/p.profdata", "profile"), file("f.txt", "list")},
		Env:     []string{"LC_ALL=C", "EMPTY="}, Toolchain: "abc",
	}
}

func TestOf(t *testing.T) {
	a := Of(source())
	want := strings.Fields("clang -c -O2 -fprofile-use=input0.profdata -fbasic-block-sections=list=input1.txt -x ir " +
		"-march=b.o 01.bc -fthinlto-index=index.thinlto.bc -o output0.o a.o=b.o -Dx=ab.o")
	if diff := cmp.Diff(want, a.Args); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, input := range a.Inputs {
		names = append(names, input.Name)
	}
	if got := strings.Join(names, " "); got != "00.bc 01.bc index.thinlto.bc input0.profdata input1.txt" {
		t.Errorf("inputs %s", got)
	}
	if diff := cmp.Diff([]string{"output0.o"}, a.Outputs); diff != "" {
		t.Error(diff)
	}
	if text := a.String(); !strings.Contains(text, `arg "01.bc"`) || !strings.Contains(text, "toolchain abc") || strings.Contains(text, "native") {
		t.Errorf("printed as\n%s", text)
	}
}

// The key of an action must be what any client of the Remote Execution API
// would make of it.
func TestEncodeAsTheOfficialLibrary(t *testing.T) {
	a := Of(source())
	a.Inputs = append(a.Inputs, Input{"z.empty", cas.DigestOf(nil)})
	root := &remote.Directory{}
	for _, in := range a.Inputs {
		root.Files = append(root.Files, &remote.FileNode{Name: in.Name, Digest: official(in.Digest)})
	}
	command := &remote.Command{Arguments: a.Args, OutputFiles: a.Outputs, OutputPaths: a.Outputs, //nolint:staticcheck // for old servers
		EnvironmentVariables: []*remote.Command_EnvironmentVariable{{Name: "LC_ALL", Value: "C"}, {Name: "EMPTY"}}}
	got := a.Encode()
	same(t, "command", got.Command, command)
	same(t, "root", got.Root, root)
	same(t, "action", got.Action, &remote.Action{
		CommandDigest: official(cas.DigestOf(got.Command)), InputRootDigest: official(cas.DigestOf(got.Root)),
		Timeout: &durationpb.Duration{Seconds: timeout}, Salt: []byte("abc")})
	if got.Key != cas.ActionKey(cas.DigestOf(got.Action)) {
		t.Error("the key is not the action's digest")
	}
}

func official(d cas.Digest) *remote.Digest {
	hash, _, _ := strings.Cut(d.String(), "/")
	return &remote.Digest{Hash: hash, SizeBytes: d.Size}
}

func same(t *testing.T, what string, got []byte, want proto.Message) {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, got) {
		t.Errorf("%s: %x, the library writes %x", what, got, b)
	}
}

// Every part of an action must reach its key.
func TestKeyCoversEverything(t *testing.T) {
	seen := map[cas.ActionKey]string{Of(source()).Encode().Key: "nothing changed"}
	for what, change := range map[string]func(*Source){
		"argument":  func(s *Source) { s.Args[2] = "-O3" },
		"order":     func(s *Source) { s.Args[1], s.Args[2] = s.Args[2], s.Args[1] },
		"shard":     func(s *Source) { s.Shard = cas.DigestOf([]byte("other")) },
		"module":    func(s *Source) { s.Modules[0].Digest = cas.DigestOf([]byte("other")) },
		"import":    func(s *Source) { s.Modules[1].Digest = cas.DigestOf([]byte("other")) },
		"no import": func(s *Source) { s.Modules = s.Modules[:1] },
		"extra":     func(s *Source) { s.Extra[0].Digest = cas.DigestOf([]byte("other")) },
		"env":       func(s *Source) { s.Env[0] = "LC_ALL=D" },
		"toolchain": func(s *Source) { s.Toolchain = "abd" },
		"output":    func(s *Source) { s.Outputs = append(s.Outputs, "b.dwo") },
		"rank":      func(s *Source) { s.Names = Names([]string{"b.o", "z.o"}, "out/p", 77); s.Modules[1].Path = "z.o" },
	} {
		s := source()
		change(s)
		key := Of(s).Encode().Key
		if other, ok := seen[key]; ok {
			t.Errorf("%s: the same key as with %s", what, other)
		}
		seen[key] = what
	}
}

// Nothing of where and when a link runs may reach the key.
func TestKeyForgetsNames(t *testing.T) {
	s := source()
	rename := strings.NewReplacer("out/b.1.77.native", "elsewhere/b.9.1234.native", "a.o", "/x/a.o", "b.o", "/x/b.o", "prof/", "/home/",
		"/usr/bin/clang", "/opt/clang-22")
	moved := source()
	for i, arg := range moved.Common[:len(moved.Common)-1] { // the last is no path
		moved.Common[i] = rename.Replace(arg)
	}
	for i, arg := range moved.Args[:len(moved.Args)-2] {
		moved.Args[i] = rename.Replace(arg)
	}
	moved.Outputs[0], moved.Index = rename.Replace(moved.Outputs[0]), rename.Replace(moved.Index)
	for i := range moved.Modules {
		moved.Modules[i].Path = rename.Replace(moved.Modules[i].Path)
	}
	moved.Extra[0].Path = rename.Replace(moved.Extra[0].Path)
	moved.Names = Names([]string{"/x/b.o", "/x/a.o"}, "elsewhere/p", 1234)
	if diff := cmp.Diff(Of(s).String(), Of(moved).String()); diff != "" {
		t.Error(diff)
	}
}
