// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// bin is a folder with dtlto, dtlto-remote, ld.dtlto and the naive distributor.
var bin string

func TestMain(m *testing.M) {
	for _, name := range []string{"MAKEFLAGS", "MAKELEVEL", "MFLAGS"} {
		_ = os.Unsetenv(name) // of the make that runs the tests: what they make is not its
	}
	code, err := withPrograms(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// withPrograms builds what is tested, as `make build` does, and runs the tests.
func withPrograms(run func() int) (code int, err error) {
	if bin, err = os.MkdirTemp("", "dtlto-e2e-"); err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(bin) }()
	build := exec.Command("go", "build", "-o", bin, "../../cmd/dtlto", "../../cmd/dtlto-remote", "../../bench/naive")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.Symlink("dtlto", filepath.Join(bin, "ld.dtlto")); err != nil {
		return 1, err
	}
	if err := os.Setenv("PATH", bin+":"+os.Getenv("PATH")); err != nil {
		return 1, err
	}
	// Nothing from the user's settings and cache, and nothing into it.
	if err := os.Setenv("XDG_CONFIG_HOME", filepath.Join(bin, "config")); err != nil {
		return 1, err
	}
	if err := os.Setenv("XDG_CACHE_HOME", filepath.Join(bin, "cache")); err != nil {
		return 1, err
	}
	return run(), nil
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"samebytes": sameBytes,
			"nofiles":   noFiles,
			"longargs":  longArgs,
			"exits":     exits,
		},
	})
}

// setup gives a script the programs, and a line from every distributed link.
func setup(env *testscript.Env) error {
	env.Setenv("PATH", os.Getenv("PATH"))
	env.Setenv("BIN", bin)
	env.Setenv("NAIVE", filepath.Join(bin, "naive"))
	env.Setenv("HOME", env.WorkDir)
	tmp := filepath.Join(env.WorkDir, ".tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	env.Setenv("TMPDIR", tmp)
	env.Setenv("LC_ALL", "C.UTF-8")
	env.Setenv("DTLTO_SUMMARY", "1")
	// A cache for each script, but what is known of the toolchain is known to all.
	known, cache := filepath.Join(bin, "cache", "dtlto", "toolchain"), filepath.Join(env.WorkDir, ".cache", "dtlto")
	if err := errors.Join(os.MkdirAll(known, 0o755), os.MkdirAll(cache, 0o755), os.Symlink(known, filepath.Join(cache, "toolchain"))); err != nil {
		return err
	}
	env.Setenv("XDG_CACHE_HOME", filepath.Dir(cache))
	// rustup finds its compilers below the home folder, which a script does not have.
	env.Setenv("RUSTUP_HOME", cmp.Or(os.Getenv("RUSTUP_HOME"), filepath.Join(os.Getenv("HOME"), ".rustup")))
	return nil
}

// testLong, if it is set, makes tests do what takes long and finds little.
const testLong = "DTLTO_TEST_LONG"

// allowSkip lets tests be skipped for want of a tool. Without it they fail.
const allowSkip = "DTLTO_TEST_ALLOW_SKIP"

// condition knows `[missing:TOOL] skip 'why'`, an error unless skipping is
// allowed, and rustc22, a rustc with LLVM 22, which Debian does not have.
func condition(cond string) (bool, error) {
	if cond == "rustc22" {
		out, err := exec.Command("rustc", "--version", "--verbose").Output()
		return err == nil && bytes.Contains(out, []byte("LLVM version: 22.")), nil
	}
	tool, ok := strings.CutPrefix(cond, "missing:")
	if !ok {
		return false, fmt.Errorf("unknown condition %s", cond)
	}
	if _, err := exec.LookPath(tool); err == nil {
		return false, nil
	}
	if os.Getenv(allowSkip) == "" {
		return false, fmt.Errorf("%s is not installed (scripts/install-toolchain.sh); set %s to skip", tool, allowSkip)
	}
	return true, nil
}

// sameBytes: `samebytes A B` compares two files without printing them.
func sameBytes(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: samebytes FILE FILE")
	}
	same := bytes.Equal([]byte(ts.ReadFile(args[0])), []byte(ts.ReadFile(args[1])))
	if same == neg {
		ts.Fatalf("%s and %s: same bytes: %v", args[0], args[1], same)
	}
}

// noFiles: `nofiles DIR PATTERN…` wants no file in DIR whose name matches.
func noFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: nofiles DIR PATTERN...")
	}
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, e := range entries {
		left := slices.ContainsFunc(args[1:], func(pattern string) bool {
			ok, err := filepath.Match(pattern, e.Name())
			ts.Check(err)
			return ok
		})
		if left {
			ts.Fatalf("left behind: %s", filepath.Join(args[0], e.Name()))
		}
	}
}

// longArgs: `longargs N FILE WORD…` writes a response file of the words and N
// options after them, so that the whole is longer than a command line can be.
func longArgs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: longargs N FILE WORD...")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var text strings.Builder
	text.WriteString(strings.Join(args[2:], "\n") + "\n")
	for i := range n {
		fmt.Fprintf(&text, "-Wl,--defsym=symbol_%d_%s=%d\n", i, strings.Repeat("x", 512), i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text.String()), 0o644))
}

// exits: `exits CODE PROGRAM ARG…` is exec that wants exactly that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", args[1], got, want)
	}
}
