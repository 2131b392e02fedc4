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

// A worker with nothing but a kernel runs programs that were sent, and nothing
// else; with /proc or without.
func TestRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: needs privileges")
	}
	for _, proc := range []bool{false, true} {
		_, c := start(t, Options{Root: true, Proc: proc})
		script := "echo x >/dev/null && echo $0 >&2; read x </proc/self/stat && echo proc >&2; exit 3"
		r := c.must(sent(t, c, "/bin/sh", "sub", "-c", script, "name"))
		data, _ := c.read(r.StderrDigest)
		if got := string(data); r.ExitCode != 3 || !strings.Contains(got, "name\n") || strings.Contains(got, "\nproc\n") != proc {
			t.Errorf("proc %v: exit %d: %s", proc, r.ExitCode, got)
		}
		out, err := c.run(c.shell("true", nil))
		if err != nil || codes.Code(out.Status.GetCode()) != codes.InvalidArgument && out.Result.GetExitCode() == 0 {
			t.Errorf("this machine's shell was seen: %v %v", err, out)
		}
	}
}

// A compiler with its libraries is such a program.
func TestCompilerInRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: needs privileges")
	}
	_, c := start(t, Options{Root: true})
	a := sent(t, c, llvmtest.Tool(t, "clang-19"), "sub", "--target=x86_64-pc-linux-gnu", "-nostdinc", "-c", "-O2", "in.c", "-o", "o")
	r := c.must(a)
	if r.ExitCode != 0 {
		data, _ := c.read(r.StderrDigest)
		t.Fatalf("exit %d: %s", r.ExitCode, data)
	}
	if o := c.output(r, "o"); !strings.HasPrefix(o, "\x7fELF") {
		t.Errorf("%.20q", o)
	}
}

// sent is an action that runs a program of this machine, sent with its libraries,
// in a folder that has in.c and makes o.
func sent(t *testing.T, c *client, program, folder string, args ...string) *repb.Action {
	t.Helper()
	lib := &repb.Directory{}
	files := libraries(t, program)
	files["program"] = program
	for name, file := range files {
		lib.Files = append(lib.Files, &repb.FileNode{Name: name, IsExecutable: true, Digest: sendFile(t, c, file)})
	}
	sub := &repb.Directory{Files: []*repb.FileNode{{Name: "in.c", Digest: c.put([]byte("int answer(void) { return 42; }\n"))}}}
	root := &repb.Directory{Directories: []*repb.DirectoryNode{{Name: "lib", Digest: c.putMessage(lib)}, {Name: folder, Digest: c.putMessage(sub)}}}
	command := &repb.Command{WorkingDirectory: folder, OutputPaths: []string{"o"},
		Arguments: append([]string{"../lib/" + loader(t, program), "--library-path", "/lib", "../lib/program"}, args...)}
	return &repb.Action{CommandDigest: c.putMessage(command), InputRootDigest: c.putMessage(root), Timeout: durationpb.New(time.Minute)}
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
	for _, m := range regexp.MustCompile(`(/[^ ]+) \(0x`).FindAllStringSubmatch(string(out), -1) {
		found[filepath.Base(m[1])] = m[1]
	}
	return found
}

func sendFile(t *testing.T, c *client, file string) *repb.Digest {
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
