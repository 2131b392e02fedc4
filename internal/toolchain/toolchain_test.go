// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// program writes an executable that prints a line and counts its runs.
func program(t *testing.T, path, says string) string {
	t.Helper()
	llvmtest.Write(t, filepath.Dir(path), filepath.Base(path), "#!/bin/sh\necho run >> "+path+".runs\necho '"+says+"'\n")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func runs(path string) int {
	text, _ := os.ReadFile(path + ".runs")
	return strings.Count(string(text), "run")
}

// llvm makes a folder such as a distribution's /usr/lib/llvm-N/bin.
func llvm(t *testing.T, folder, version string) {
	t.Helper()
	program(t, filepath.Join(folder, "bin", "ld.lld"), "LLD "+version+" (compatible with GNU linkers)")
	program(t, filepath.Join(folder, "bin", "clang"), "clang version "+version)
	llvmtest.Write(t, folder, "lib/LLVMgold.so", "")
}

func TestFindLLD(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	a, b := filepath.Join(root, "a"), filepath.Join(root, "b")
	llvm(t, a, "22.1.8")
	llvm(t, b, "19.1.7")
	bin := filepath.Join(root, "bin")
	program(t, filepath.Join(bin, "ld.lld-7"), "LLD 7.0.0")
	program(t, filepath.Join(bin, "ld.lld-31"), "LLD 31.0.0")
	program(t, filepath.Join(bin, "ld.lld-x"), "")
	llvmtest.Write(t, bin, "ld.lld-99", "not executable")
	if err := os.Symlink(filepath.Join(a, "bin", "clang"), filepath.Join(bin, "my-clang")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	in := func(folder string) string { return filepath.Join(folder, "bin", "ld.lld") }
	says := func(s string) func() string { return func() string { return s } }
	for _, tc := range []struct {
		name  string
		hints Hints
		want  string
	}{
		{"explicit wins", Hints{Explicit: in(b), Plugin: a + "/bin/../lib/LLVMgold.so"}, in(b)},
		{"explicit by name", Hints{Explicit: "ld.lld-7"}, filepath.Join(bin, "ld.lld-7")},
		{"plugin", Hints{Plugin: a + "/bin/../lib/LLVMgold.so", Compiler: b + "/bin/clang"}, in(a)},
		{"plugin of GCC", Hints{Plugin: "/usr/lib/gcc/liblto_plugin.so", Compiler: b + "/bin/clang"}, in(b)},
		{"compiler", Hints{Compiler: b + "/bin/clang", Parent: says(a + "/bin/clang")}, in(b)},
		{"compiler through a link", Hints{Compiler: "my-clang"}, in(a)},
		{"parent", Hints{Parent: says(a + "/bin/clang"), Major: func() int { return 7 }}, in(a)},
		{"parent is no clang", Hints{Parent: says(a + "/bin/ld.lld"), Major: func() int { return 7 }}, filepath.Join(bin, "ld.lld-7")},
		{"unknown major", Hints{Major: func() int { return 0 }}, filepath.Join(bin, "ld.lld-31")},
		{"newest on PATH", Hints{}, filepath.Join(bin, "ld.lld-31")},
	} {
		got, err := FindLLD(tc.hints)
		if err != nil || got != tc.want {
			t.Errorf("%s: %s, %v; want %s", tc.name, got, err, tc.want)
		}
	}
	self, _ := os.Executable()
	if err := os.Symlink(self, filepath.Join(bin, "ld.lld")); err != nil {
		t.Fatal(err)
	}
	if _, err := FindLLD(Hints{Explicit: "ld.lld"}); err == nil || !strings.Contains(err.Error(), "dtlto itself") {
		t.Errorf("itself chosen: %v", err)
	}
	if got, err := FindLLD(Hints{}); err != nil || got != filepath.Join(bin, "ld.lld-31") {
		t.Errorf("itself on PATH: %s, %v", got, err)
	}
	if _, err := FindLLD(Hints{Explicit: root + "/none"}); err == nil || err.Error() != root+"/none: chosen as ld.lld, but cannot be run: no such file or directory" {
		t.Errorf("missing explicit: %v", err)
	}
	t.Setenv("PATH", filepath.Join(root, "empty"))
	if _, err := FindLLD(Hints{}); err != ErrNoLLD { //nolint:errorlint // the very value
		t.Errorf("nothing anywhere: %v", err)
	}
}

func TestFindClang(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	llvm(t, filepath.Join(root, "a"), "22.1.8")
	lone := program(t, filepath.Join(root, "lone", "ld.lld"), "LLD 91.1.8") // no clang of that version is on any machine
	bin := filepath.Join(root, "bin")
	t.Setenv("PATH", bin+":/bin:/usr/bin") // scripts need a shell

	program(t, filepath.Join(root, "mixed", "ld.lld"), "LLD 91.1.8")
	program(t, filepath.Join(root, "mixed", "clang"), "clang version 19.1.7")
	if got, err := FindClang(filepath.Join(root, "mixed", "ld.lld")); err == nil {
		t.Errorf("a clang of another version beside the LLD was taken: %s", got)
	}
	if got, err := FindClang(filepath.Join(root, "a/bin/ld.lld")); err != nil || got != filepath.Join(root, "a/bin/clang") {
		t.Errorf("beside: %s, %v", got, err)
	}
	if _, err := FindClang(lone); err == nil || !strings.Contains(err.Error(), "no clang 91.1.8") {
		t.Errorf("none: %v", err)
	}
	program(t, filepath.Join(bin, "clang-91"), "clang version 91.1.7")
	if _, err := FindClang(lone); err == nil {
		t.Error("a clang of another version was taken")
	}
	clang := program(t, filepath.Join(bin, "clang"), "Some clang version 91.1.8 (tags/x)")
	if got, err := FindClang(lone); err != nil || got != clang {
		t.Errorf("on PATH: %s, %v", got, err)
	}
}

// muchLater makes the files that a test has made old.
func muchLater(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { clock = time.Now })
	clock = func() time.Time { return time.Now().Add(time.Hour) }
}

// A program is asked once, until it changes; a script always.
func TestAnswersAreRemembered(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	asked := 0
	ask := func() (string, error) { asked++; return "answer", nil }
	path := filepath.Join(root, "program")
	llvmtest.Write(t, root, "program", "\x7fELF 1")
	for range 2 {
		if _, err := remembered("q", path, ask); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 {
		t.Errorf("a program that was installed just now was asked %d times", asked)
	}
	asked = 0
	muchLater(t)
	for range 3 {
		if got, err := remembered("q", path, ask); err != nil || got != "answer" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	llvmtest.Write(t, root, "program", "\x7fELF upgraded")
	if _, err := remembered("q", path, ask); err != nil || asked != 2 {
		t.Errorf("after the upgrade asked %d times, %v", asked, err)
	}
	script := program(t, filepath.Join(root, "ld.lld"), "Homebrew LLD 17.0.6 (compatible with GNU linkers)")
	for range 3 {
		if v, err := LLDVersion(script); err != nil || v != (Version{17, 0, 6}) {
			t.Fatalf("%v, %v", v, err)
		}
	}
	if n := runs(script); n != 3 {
		t.Errorf("the script was asked %d times", n)
	}
}

// Whatever becomes of what is remembered, the answer stays right.
func TestDamagedMemory(t *testing.T) {
	root := t.TempDir()
	cache := filepath.Join(root, "cache")
	t.Setenv("XDG_CACHE_HOME", cache)
	path := llvmtest.Tool(t, "ld.lld-22")
	want, _ := LLDVersion(path)
	files, _ := filepath.Glob(filepath.Join(cache, "dtlto", "toolchain", "*"))
	if len(files) != 1 {
		t.Fatalf("kept %q", files)
	}
	whole, _ := os.ReadFile(files[0])
	for i := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 1
		for _, text := range [][]byte{damaged, whole[:i]} {
			if err := os.WriteFile(files[0], text, 0o600); err != nil {
				t.Fatal(err)
			}
			if answer, ok := recall(files[0]); ok {
				t.Fatalf("recalled %q from a damaged file", answer)
			}
		}
	}
	if got, err := LLDVersion(path); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	if err := os.RemoveAll(cache); err != nil {
		t.Fatal(err)
	}
	llvmtest.Write(t, root, "cache", "a file where the folder should be")
	if got, err := LLDVersion(path); err != nil || got != want {
		t.Errorf("without a folder: %v, %v", got, err)
	}
}

func TestVersionErrors(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", root)
	for _, tc := range []struct{ path, want string }{
		{program(t, root+"/odd", "GNU ld 2.40"), `does not say its version as LLVM's tools do: "GNU ld 2.40"`},
		{root + "/missing", "no such file"},
	} {
		if _, err := LLDVersion(tc.path); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.path) {
			t.Errorf("%s: %v", tc.path, err)
		}
	}
}

func TestRealToolchains(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, version := range llvmtest.Versions {
		lld := llvmtest.Tool(t, "ld.lld-"+version)
		v, err := LLDVersion(lld)
		if err != nil || v.String() == "" || !strings.HasPrefix(v.String(), version+".") {
			t.Errorf("LLD %s: %v, %v", version, v, err)
		}
		clang, err := FindClang(lld)
		if err != nil {
			t.Fatal(err)
		}
		if cv, err := ClangVersion(clang); err != nil || cv != v {
			t.Errorf("clang of LLD %s: %v, %v", v, cv, err)
		}
		for name, want := range map[string]bool{"inline-threshold": true, "W": true, "none": false, "": false,
			"no-such-option": false, "inline": false, "help": true} {
			if got, err := KnowsLLVMOption(clang, name); err != nil || got != want {
				t.Errorf("clang %s knows -%s: %v, %v; want %v", v, name, got, err, want)
			}
		}
	}
	if got := ofMajor(22); got == "" {
		t.Error("LLD 22 is not found by its version")
	}
}
