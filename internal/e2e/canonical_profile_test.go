// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/llvmtest"
)

// instrumentedProfile is what an instrumented build of the program counts in a run. A
// run with several threads never counts quite the same, and the profile's path says
// which build is meant: the first one made for a build is kept.
func instrumentedProfile(t *testing.T, p corpus.Program, llvm int) string {
	t.Helper()
	o := built(t, p, llvm, "-O2", "-fprofile-generate")
	profile := filepath.Join(o.Dir, "program.profdata")
	if _, err := os.Stat(profile); err == nil {
		return profile
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if _, _, err := o.Link(t.Context(), o.FromArchive(), program, "-fprofile-generate"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "LLVM_PROFILE_FILE="+filepath.Join(dir, "raw"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	llvmtest.Run(t, dir, fmt.Sprintf("llvm-profdata-%d", llvm), "merge", "raw", "-o", "merged")
	publish(t, read(t, filepath.Join(dir, "merged")), profile)
	return profile
}

// sampledProfile is a profile as it might have been made by sampling: some functions
// hot, some cold, some never seen. Clang takes what fits the lines of a function.
func sampledProfile(t *testing.T, p corpus.Program, llvm int) string {
	t.Helper()
	o := built(t, p, llvm, corpus.ThinLTO()...)
	symbols := llvmtest.Output(t, o.Dir, fmt.Sprintf("llvm-nm-%d", llvm), "--defined-only", "--format=posix", filepath.Base(o.Archive))
	var functions []string
	for line := range strings.Lines(symbols) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.EqualFold(fields[1], "T") {
			functions = append(functions, fields[0])
		}
	}
	slices.Sort(functions)
	functions = slices.Compact(functions)
	var text strings.Builder
	for i, function := range functions {
		count := []int{0, 3, 1000, 200_000}[hash(function)%4]
		if count == 0 {
			continue
		}
		fmt.Fprintf(&text, "%s:%d:%d\n", function, 40*count, count)
		for line := 1; line <= 40; line++ {
			fmt.Fprintf(&text, " %d: %d %s:%d\n", line, count, functions[(i+line)%len(functions)], count/2)
		}
	}
	profile := filepath.Join(o.Dir, fmt.Sprintf("samples-%.8x.prof", sha256.Sum256([]byte(text.String()))))
	publish(t, []byte(text.String()), profile)
	return profile
}

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

// publish puts a file in its place in one step, unless there is one: other processes
// may be at the same.
func publish(t *testing.T, content []byte, place string) {
	t.Helper()
	aside := fmt.Sprintf("%s.%d", place, os.Getpid())
	if err := os.WriteFile(aside, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(aside, place); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	if err := os.Remove(aside); err != nil {
		t.Fatal(err)
	}
}
