// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/dtlto/dtlto/internal/llvmtest"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
)

// A worker with nothing but a kernel compiles with a compiler that was sent.
func TestCompilerInRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: needs privileges")
	}
	clang := llvmtest.Tool(t, "clang-19")
	files := libraries(t, clang)
	files["clang"] = clang
	for _, proc := range []bool{false, true} {
		s, c := start(t, Options{Root: true, Proc: proc})
		lib := &repb.Directory{}
		for name, file := range files {
			lib.Files = append(lib.Files, &repb.FileNode{Name: name, IsExecutable: true, Digest: upload(t, c, file)})
		}
		source := &repb.FileNode{Name: "a.c", Digest: c.put([]byte("int answer(void) { return 42; }\n"))}
		root := &repb.Directory{Files: []*repb.FileNode{source}, Directories: []*repb.DirectoryNode{{Name: "lib", Digest: c.putMessage(lib)}}}
		command := &repb.Command{OutputPaths: []string{"a.o"}, Arguments: append([]string{"lib/" + loader(t, clang), "--library-path", "lib", "lib/clang"},
			"--target=x86_64-pc-linux-gnu", "-nostdinc", "-c", "-O2", "a.c", "-o", "a.o")}
		a := &repb.Action{CommandDigest: c.putMessage(command), InputRootDigest: c.putMessage(root), Timeout: durationpb.New(time.Minute)}
		r := c.must(a)
		if r.ExitCode != 0 {
			data, _ := c.read(r.StderrDigest)
			t.Fatalf("exit %d: %s", r.ExitCode, data)
		}
		if o := c.output(r, "a.o"); !strings.HasPrefix(o, "\x7fELF") {
			t.Errorf("%.20q", o)
		}
		if out, err := c.run(c.shell("true", nil)); err != nil || codes.Code(out.Status.GetCode()) != codes.InvalidArgument && out.Result.GetExitCode() == 0 {
			t.Errorf("this machine's shell was seen: %v %v", err, out)
		}
		s.Close()
	}
}

// loader is the base name of a program's dynamic loader.
func loader(t *testing.T, program string) string {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := f.Section(".interp").Data()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(strings.TrimRight(string(data), "\x00"))
}

// libraries are what a program is linked with, by name.
func libraries(t *testing.T, program string) map[string]string {
	t.Helper()
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range regexp.MustCompile("(/[^ ]+) \\(0x").FindAllStringSubmatch(string(out), -1) {
		found[filepath.Base(m[1])] = m[1]
	}
	return found
}

func upload(t *testing.T, c *client, file string) *repb.Digest {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := c.digest(data)
	if _, _, err := c.write(c.name("uploads/u", "", d), data, 0, 1<<20); err != nil {
		t.Fatal(err)
	}
	return d
}
