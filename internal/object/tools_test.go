// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// write writes a file and the folders above it.
func write(t testing.TB, path, contents string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(contents), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// compile compiles C source to an object called name in dir.
func compile(t testing.TB, dir, name, source string, args ...string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	write(t, path+".c", source)
	llvmtest.Output(t, dir, "clang-22", append([]string{"-c", "-O2", name + ".c", "-o", name}, args...)...)
	return path
}

// lldVersions are the versions of LLD that archives are given to: those of every
// machine for tests, and 13 and 15 where they are.
func lldVersions() []string {
	versions := slices.Clone(llvmtest.Versions)
	for _, extra := range []string{"13", "15"} {
		if _, err := exec.LookPath("ld.lld-" + extra); err == nil {
			versions = append(versions, extra)
		}
	}
	return versions
}
