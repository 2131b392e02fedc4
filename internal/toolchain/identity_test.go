// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

func TestIdentityOfRealCompilers(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	seen := map[string]string{}
	for _, version := range llvmtest.Versions {
		clang := llvmtest.Tool(t, "clang-"+version)
		first, err := Identify(clang)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Identify(clang)
		if err != nil || again != first {
			t.Errorf("clang %s: %s, then %s, %v", version, first.Digest, again.Digest, err)
		}
		if other, ok := seen[first.Digest]; ok {
			t.Errorf("clang %s and %s have the same identity", version, other)
		}
		seen[first.Digest] = version
		files, err := loadedWith(clang)
		if err != nil || !strings.Contains(strings.Join(files, " "), "libLLVM") || !strings.Contains(strings.Join(files, " "), "ld-linux") {
			t.Errorf("clang %s loads %q, %v", version, files, err)
		}
	}
}

// A library that changes under an unchanged program changes the identity.
func TestIdentityFollowsLibraries(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	build := func(value string) {
		llvmtest.Write(t, root, "lib.c", "int f(void) { return "+value+"; }")
		llvmtest.Run(t, root, "clang-22", "-shared", "-fPIC", "lib.c", "-o", "new.so")
		if err := os.Rename(filepath.Join(root, "new.so"), filepath.Join(root, "lib.so")); err != nil {
			t.Fatal(err)
		}
	}
	build("1")
	llvmtest.Write(t, root, "main.c", "int f(void); int main(void) { return f(); }")
	llvmtest.Run(t, root, "clang-22", "main.c", "-L.", "-l:lib.so", "-Wl,-rpath,"+root, "-o", "program")
	identity := func() string {
		id, err := Identify(filepath.Join(root, "program"))
		if err != nil {
			t.Fatal(err)
		}
		if !id.Current() {
			t.Error("not current")
		}
		return id.Digest
	}
	one := identity()
	build("2")
	if two := identity(); two == one {
		t.Error("another library, the same identity")
	}
	build("1")
	if back := identity(); back != one {
		t.Error("the first library again, another identity")
	}
	if err := os.Remove(filepath.Join(root, "lib.so")); err != nil {
		t.Fatal(err)
	}
	if _, err := Identify(filepath.Join(root, "program")); err == nil {
		t.Error("no error without the library")
	}
}

// What is remembered of a compiler counts for just these files, and is nothing
// while one of them is new.
func TestIdentityIsRemembered(t *testing.T) {
	root := t.TempDir()
	RememberIn(root)
	defer RememberIn("")
	llvmtest.Write(t, root, "main.c", "int main(void) { return 0; }")
	llvmtest.Run(t, root, "clang-22", "main.c", "-o", "program")
	path := filepath.Join(root, "program")
	kept := func() []string {
		files, err := filepath.Glob(filepath.Join(root, memoryFolder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	fresh, err := Identify(path)
	if err != nil || len(kept()) != 0 {
		t.Errorf("of a new program is kept: %q, %v", kept(), err)
	}
	muchLater(t)
	old, err := Identify(path)
	if err != nil || old.Digest != fresh.Digest || len(kept()) != 1 {
		t.Fatalf("%s, later %s; kept %q, %v", fresh.Digest, old.Digest, kept(), err)
	}
	// That it is used shows when it is false.
	keep(kept()[0], strings.Repeat("0", 64)+old.parts[64:])
	if id, err := Identify(path); err != nil || id.Digest == old.Digest {
		t.Errorf("not recalled: %v", err)
	}
	keep(kept()[0], strings.Replace(old.parts, "\t", "\t1", 1))
	if id, err := Identify(path); err != nil || id.Digest != old.Digest {
		t.Errorf("recalled with another stat: %v", err)
	}
}

func TestNoIdentity(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	script := program(t, filepath.Join(root, "clang"), "clang version 22.1.8")
	if _, err := Identify(script); err == nil || !strings.Contains(err.Error(), "not an ELF program") {
		t.Errorf("a script: %v", err)
	}
	if runs(script) != 0 {
		t.Error("the script was run")
	}
	if _, err := Identify(filepath.Join(root, "missing")); err == nil {
		t.Error("a missing program has an identity")
	}
}

// Another library on the loader's way changes the identity, though all files that
// were read before are as they were.
func TestIdentityFollowsTheLoader(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	for _, folder := range []string{"first", "second"} {
		if err := os.Mkdir(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	llvmtest.Write(t, root, "lib.c", "int f(void) { return VALUE; }", "main.c", "int f(void); int main(void) { return f(); }")
	llvmtest.Run(t, root, "clang-22", "-DVALUE=1", "-shared", "-fPIC", "lib.c", "-o", "second/libf.so")
	llvmtest.Run(t, root, "clang-22", "main.c", "-Lsecond", "-lf", "-o", "program")
	t.Setenv("LD_LIBRARY_PATH", filepath.Join(root, "first")+":"+filepath.Join(root, "second"))
	before, err := Identify(filepath.Join(root, "program"))
	if err != nil {
		t.Fatal(err)
	}
	llvmtest.Run(t, root, "clang-22", "-DVALUE=2", "-shared", "-fPIC", "lib.c", "-o", "first/libf.so")
	after, err := Identify(filepath.Join(root, "program"))
	if err != nil || after.Digest == before.Digest {
		t.Errorf("the same identity with another library, %v", err)
	}
	if err := os.WriteFile(filepath.Join(root, "first", "libf.so"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if after.Current() || !before.Current() {
		t.Error("not told which compiler is the one that was identified")
	}
}

// Without a home, things are remembered where the cache is.
func TestRememberIn(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	RememberIn(root)
	defer RememberIn("")
	if _, err := Identify(llvmtest.Tool(t, "clang-22")); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Join(root, "toolchain")); err != nil || len(entries) == 0 {
		t.Errorf("nothing is remembered: %v", err)
	}
}
