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
		first, err := Identity(clang)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Identity(clang)
		if err != nil || again != first {
			t.Errorf("clang %s: %s, then %s, %v", version, first, again, err)
		}
		if other, ok := seen[first]; ok {
			t.Errorf("clang %s and %s have the same identity", version, other)
		}
		seen[first] = version
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
		id, err := Identity(filepath.Join(root, "program"))
		if err != nil {
			t.Fatal(err)
		}
		return id
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
	if _, err := Identity(filepath.Join(root, "program")); err == nil {
		t.Error("no error without the library")
	}
}

func TestNoIdentity(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	script := program(t, filepath.Join(root, "clang"), "clang version 22.1.8")
	if _, err := Identity(script); err == nil || !strings.Contains(err.Error(), "not an ELF program") {
		t.Errorf("a script: %v", err)
	}
	if runs(script) != 0 {
		t.Error("the script was run")
	}
	if _, err := Identity(filepath.Join(root, "missing")); err == nil {
		t.Error("a missing program has an identity")
	}
}
