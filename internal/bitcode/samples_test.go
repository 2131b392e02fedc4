// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

const (
	sampleC   = "static int twice(int x) { return 2 * x; }\nint foo(int x) { return twice(x) + 1; }\n"
	sampleCXX = "struct A { virtual int f(); };\nint A::f() { return 1; }\nint g(A *a) { return a->f(); }\n"
)

// compile compiles source, called by this name, to NAME.o in a folder of its own
// and returns the path of the result.
func compile(t testing.TB, version, name, source string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	llvmtest.Output(t, dir, "clang-"+version, append([]string{"-c", "-O2", name, "-o", name + ".o"}, args...)...)
	return filepath.Join(dir, name+".o")
}

// thinLink runs the thin link of LLD on a file and returns the index it made.
func thinLink(t testing.TB, version, path string) []byte {
	t.Helper()
	dir, name := filepath.Split(path)
	llvmtest.Output(t, dir, "ld.lld-"+version, "-shared", "--thinlto-index-only=modules", name, "-o", "x.so")
	return read(t, path+".thinlto.bc")
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
