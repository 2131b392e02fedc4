// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// call makes the command of a compiler whose files are in a folder of root, run there
// without an environment.
func call(p Portable, root, folder string, args ...string) *exec.Cmd {
	words := append(p.Command(folder), args...)
	return &exec.Cmd{Path: words[0], Args: words, Dir: root, Env: []string{}}
}

func runPortable(t testing.TB, p Portable, root, folder string, env ...string) int {
	t.Helper()
	cmd := call(p, root, folder)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || len(out) > 0 {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
	return cmd.ProcessState.ExitCode()
}

// backendJob is a module with something to import, and its index shard, in a folder;
// and the arguments that compile it to an object there.
func backendJob(t *testing.T, version, root string) []string {
	t.Helper()
	llvmtest.Write(t, root,
		"0.c", "int f(int); int puts(const char *); int main(int n, char **a) { for (int i = 0; i < n * 9; i++) if (f(i) & 4) puts(a[0]); return f(n); }",
		"1.c", "static double v[64]; int f(int x) { for (int i = 0; i < 64; i++) v[i] = v[i] * x + 1; return (int)v[x & 63] + x * 3; }")
	for _, module := range []string{"0", "1"} {
		llvmtest.Run(t, root, "clang-"+version, "-O2", "-g", "-fPIC", "-flto=thin", "-c", module+".c", "-o", module+".bc")
	}
	llvmtest.Run(t, root, "ld.lld-"+version, "-shared", "--thinlto-index-only", "0.bc", "1.bc", "-o", "none")
	return strings.Fields("-c -O2 -fpic -faddrsig -ffunction-sections -Wno-override-module -x ir 0.bc -fthinlto-index=0.bc.thinlto.bc -o")
}

// A sent compiler makes the objects that it makes here, in a folder with nothing but its
// own files and the inputs, wherever that is.
func TestPortableObjects(t *testing.T) {
	RememberIn(t.TempDir())
	defer RememberIn("")
	for _, version := range slices.Concat([]string{"13", "15"}, llvmtest.Versions) {
		t.Run(version, func(t *testing.T) {
			clang, root := llvmtest.Tool(t, "clang-"+version), t.TempDir()
			args := backendJob(t, version, root)
			local := exec.Command(clang, append(args, "local.o")...)
			local.Dir, local.Env = root, []string{}
			if out, err := local.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			p, err := portable(t, clang)
			if err != nil {
				t.Fatal(err)
			}
			place(t, p, filepath.Join(root, "toolchain"))
			impostors := impersonate(t, p, root)
			for _, c := range []struct {
				name   string
				env    []string
				change func(*exec.Cmd)
			}{
				{"folder", nil, nil},
				{"environment", []string{"LD_LIBRARY_PATH=" + impostors, "LD_PRELOAD=", "TMPDIR=/missing"}, nil},
				{"empty", nil, inChroot},
				{"installed", []string{"LD_LIBRARY_PATH=/lib"}, inChroot},
			} {
				t.Run(c.name, func(t *testing.T) {
					cmd := call(p, root, "toolchain", append(args, c.name+".o")...)
					cmd.Env = append(cmd.Env, c.env...)
					if c.change != nil {
						needRoot(t)
						c.change(cmd)
					}
					if c.name == "installed" {
						install(t, impostors, root)
					}
					if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
						t.Fatalf("%v\n%s", err, out)
					}
					same(t, filepath.Join(root, "local.o"), filepath.Join(root, c.name+".o"))
				})
			}
		})
	}
}

// inChroot makes a command see its folder as all there is: no /proc, /dev, /etc or /tmp.
func inChroot(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: cmd.Dir}
	cmd.Path, cmd.Dir = "/"+cmd.Path, "/"
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: an otherwise empty root folder for the sent compiler; that needs root's rights")
	}
}

// impersonate makes other libraries with the names of a compiler's, which end any program
// that loads one.
func impersonate(t *testing.T, p Portable, root string) string {
	t.Helper()
	folder := filepath.Join(root, "impostors")
	llvmtest.Write(t, root, "impostor.c", `__attribute__((constructor)) static void f(void) { __builtin_trap(); }`, "impostors/x", "")
	llvmtest.Run(t, root, "clang-22", "-shared", "-fPIC", "-nostdlib", "impostor.c", "-o", "impostor.so")
	for _, f := range p.Files[1:] {
		if err := os.Link(filepath.Join(root, "impostor.so"), filepath.Join(folder, filepath.Base(f.Name))); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// install puts libraries where a root folder's loaders look for them.
func install(t *testing.T, libraries, root string) {
	t.Helper()
	for _, folder := range []string{"lib", "lib64", "usr/lib", "usr/lib64", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/lib/llvm-14/lib"} {
		if err := os.CopyFS(filepath.Join(root, folder), os.DirFS(libraries)); err != nil {
			t.Fatal(err)
		}
	}
}

func same(t *testing.T, one, other string) {
	t.Helper()
	a, errA := os.ReadFile(one)
	b, errB := os.ReadFile(other)
	if errA != nil || errB != nil || len(a) == 0 || !bytes.Equal(a, b) {
		t.Errorf("%s of %d bytes and %s of %d differ: %v, %v", one, len(a), other, len(b), errA, errB)
	}
}

// A DT_RPATH in the program or in a library comes before the library path. On another
// machine there may be anything in that folder.
func TestPortableIgnoresRpath(t *testing.T) {
	for _, where := range []string{"nowhere", "program", "library", "both"} {
		t.Run(where, func(t *testing.T) {
			root := t.TempDir()
			t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
			p, folder := withRpath(t, root, where)
			if len(p.Command("t")) != map[bool]int{true: 5, false: 7}[where == "nowhere"] {
				t.Errorf("%q", p.Command("t"))
			}
			place(t, p, filepath.Join(root, "t"))
			llvmtest.Run(t, root, "clang-22", "-DV=2", "-shared", "-fPIC", "g.c", "-o", filepath.Join(folder, "libg.so"))
			if code := runPortable(t, p, root, "t", "LD_LIBRARY_PATH="+folder); code != 11 {
				t.Errorf("%d: uses another library", code)
			}
		})
	}
}

// withRpath makes a program that needs libf.so and, as that, libg.so, whose folder they
// name.
func withRpath(t *testing.T, root, where string) (p Portable, folder string) {
	t.Helper()
	folder = filepath.Join(root, "folder")
	llvmtest.Write(t, root, "folder/x", "", "g.c", "int g(void) { return V; }", "f.c", "int g(void); int f(void) { return g(); }",
		"main.c", "int f(void); int g(void); int main(void) { return 10 * f() + (TWICE ? g() : 1); }")
	rpath := func(file string) string {
		if where == file || where == "both" {
			return "-Wl,--disable-new-dtags,-rpath," + folder
		}
		return "-Wl,--enable-new-dtags,-rpath," + folder
	}
	twice := map[bool]string{true: "-DTWICE=1", false: "-DTWICE=0"}[where == "program"]
	llvmtest.Run(t, root, "clang-22", "-DV=1", "-shared", "-fPIC", "g.c", "-Wl,-soname,libg.so", "-o", "folder/libg.so")
	llvmtest.Run(t, root, "clang-22", "-shared", "-fPIC", "f.c", "-Lfolder", "-lg", rpath("library"), "-Wl,-soname,libf.so", "-o", "folder/libf.so")
	llvmtest.Run(t, root, "clang-22", twice, "main.c", "-Lfolder", "-lf", "-Wl,--as-needed", "-lg", rpath("program"), "-o", "program")
	p, err := portable(t, filepath.Join(root, "program"))
	if err != nil {
		t.Fatal(err)
	}
	return p, folder
}

func TestStaticIsPortable(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	llvmtest.Write(t, root, "main.c", "int main(void) { return 7; }")
	for _, how := range []string{"-static", "-static-pie"} {
		llvmtest.Run(t, root, "clang-22", how, "main.c", "-o", "program")
		p, err := portable(t, filepath.Join(root, "program"))
		if err != nil || !slices.Equal(names(p), []string{"bin/clang"}) {
			t.Fatalf("%s: %q, %v", how, names(p), err)
		}
		place(t, p, filepath.Join(root, how))
		if code := runPortable(t, p, root, how); code != 7 {
			t.Errorf("%s: %d", how, code)
		}
	}
}

// A library that the user preloads here would be missing there.
func TestPreloadedIsNotPortable(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	llvmtest.Write(t, root, "lib.c", "int unused;", "main.c", "int main(void) { return 0; }")
	llvmtest.Run(t, root, "clang-22", "-shared", "-fPIC", "lib.c", "-o", "lib.so")
	llvmtest.Run(t, root, "clang-22", "main.c", "-o", "program")
	t.Setenv("LD_PRELOAD", filepath.Join(root, "lib.so"))
	if _, err := portable(t, filepath.Join(root, "program")); err == nil || !strings.Contains(err.Error(), "lib.so: is loaded with it, though nothing asks for it") {
		t.Error(err)
	}
}

// Musl's C library is its loader.
func TestPortableWithMusl(t *testing.T) {
	musl := llvmtest.Tool(t, "/lib/ld-musl-x86_64.so.1")
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	llvmtest.Write(t, root, "c.c", "void _exit(int n) {}", "f.c", "int f(void) { return V; }",
		"main.c", "void _exit(int); int f(void); void _start(void) { _exit(f()); }", "folder/x", "")
	for _, args := range []string{
		"-shared c.c -Wl,-soname,libc.so -o libc.so", "-shared -DV=1 f.c -Wl,-soname,libf.so -o folder/libf.so",
		"main.c -O1 folder/libf.so libc.so -Wl,-rpath," + root + "/folder,-dynamic-linker," + musl + " -o program",
	} {
		llvmtest.Run(t, root, "clang-22", append([]string{"-nostdlib", "-fPIC"}, strings.Fields(args)...)...)
	}
	p, err := portable(t, filepath.Join(root, "program"))
	if err != nil {
		t.Fatal(err)
	}
	place(t, p, filepath.Join(root, "t"))
	llvmtest.Run(t, root, "clang-22", "-nostdlib", "-fPIC", "-shared", "-DV=2", "f.c", "-o", "folder/libf.so")
	if code := runPortable(t, p, root, "t", "LD_LIBRARY_PATH="+filepath.Join(root, "folder")); code != 1 || len(p.Files) != 3 {
		t.Errorf("%d, %q", code, names(p))
	}
}
