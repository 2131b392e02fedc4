// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build linux

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/report/reporttest"
)

// TestJobserver: links that make starts at once run no more compiles together than make has
// jobs, and without a jobserver share the processors.
func TestJobserver(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: runs many compilers")
	}
	const links, modules, jobs = 4, 10, 3
	for _, test := range []struct {
		name, recipe, make, kind string
		most                     int
	}{
		{"pipe", "+", fmt.Sprintf("make -j%d", jobs), "pipe", jobs},
		{"not handed on", "", fmt.Sprintf("make -j%d", jobs), "locks", jobs + 2 - 1},
		{"no jobserver", "", fmt.Sprintf("make links=1 -j%d -s; true", links), "locks", links + 2 - 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			makefile := "programs := a b c d\nall: $(programs)\n$(programs): %:\n" +
				"\t" + test.recipe + "clang-22 -O2 -flto=thin -fuse-ld=dtlto -Wl,--dtlto-jobs=2,--dtlto-no-cache,--dtlto-events=events $(wildcard *.o) -o $@\n"
			writeFile(t, filepath.Join(dir, "Makefile"), makefile)
			writeModules(t, dir, modules)
			cmd := exec.Command("sh", "-c", test.make)
			cmd.Dir = dir
			cmd.Env = append(cmd.Environ(), "TMPDIR="+dir, "XDG_RUNTIME_DIR="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			events := readEvents(t, filepath.Join(dir, "events"))
			for _, plan := range ofKind(events, "plan") {
				if plan.Jobserver != test.kind {
					t.Errorf("a link shares by %q, want %q", plan.Jobserver, test.kind)
				}
			}
			most, attempts, err := reporttest.MostAtOnce(read(t, filepath.Join(dir, "events")))
			if err != nil {
				t.Fatal(err)
			}
			if attempts != links*modules || most > test.most {
				t.Errorf("%d compiles, of which %d ran at once, want at most %d", attempts, most, test.most)
			}
			if most < 2 {
				t.Errorf("never more than %d compile at once", most)
			}
		})
	}
}

// writeModules makes a program of n modules, the first of which calls the others.
func writeModules(t *testing.T, dir string, n int) {
	t.Helper()
	var main strings.Builder
	args := []string{"-O2", "-flto=thin", "-c", "main.c"}
	for i := range n - 1 {
		name := fmt.Sprintf("m%02d", i)
		writeFile(t, filepath.Join(dir, name+".c"), fmt.Sprintf("int %s(int n) { int s = %d; for (int i = 0; i < n; i++) s += s * i; return s; }\n", name, i))
		fmt.Fprintf(&main, "int %s(int);\n", name)
		args = append(args, name+".c")
	}
	main.WriteString("int main(int n, char **v) { int s = 0;\n")
	for i := range n - 1 {
		fmt.Fprintf(&main, "  s += m%02d(n);\n", i)
	}
	main.WriteString("  return s == 1; }\n")
	writeFile(t, filepath.Join(dir, "main.c"), main.String())
	cmd := exec.Command("clang-22", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
