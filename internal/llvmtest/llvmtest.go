// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package llvmtest lets tests use the real LLVM tools.
package llvmtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Versions are the LLVM releases that tests of version-dependent behaviour
// run with.
var Versions = []string{"14", "16", "19", "22"}

// Tool is the path of a program that a test needs. A missing one fails the
// test; with DTLTO_TEST_ALLOW_SKIP set it is skipped, saying so.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("DTLTO_TEST_ALLOW_SKIP") != "" {
			t.Skipf("%s is not installed, and DTLTO_TEST_ALLOW_SKIP is set", name)
		}
		t.Fatalf("%s is not installed: run scripts/install-toolchain.sh, or set DTLTO_TEST_ALLOW_SKIP to do without", name)
	}
	return path
}

// Rustc is the path of a rustc whose LLVM is of a major version. Debian has
// none for a current LLVM, and nothing here can install one, so a test that
// needs it is skipped without, in so many words.
func Rustc(t testing.TB, major string) string {
	t.Helper()
	path, err := exec.LookPath("rustc")
	if err != nil {
		t.Skipf("NOT TESTED: no rustc on PATH; one with LLVM %s is needed", major)
	}
	out, err := exec.Command(path, "--version", "--verbose").Output()
	if _, version, _ := strings.Cut(string(out), "LLVM version: "); err != nil || !strings.HasPrefix(version, major+".") {
		t.Skipf("NOT TESTED: %s has LLVM %.8q; one with LLVM %s is needed", path, version, major)
	}
	return path
}

// Run runs a program in a folder and returns what it printed on both outputs.
// The test fails if the program does.
func Run(t testing.TB, folder, name string, args ...string) string {
	t.Helper()
	out, err := TryRun(t, folder, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// Output is Run for a program whose standard output alone is wanted.
func Output(t testing.TB, folder, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(Tool(t, name), args...)
	cmd.Dir = folder
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// TryRun is Run for a program that may fail.
func TryRun(t testing.TB, folder, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(Tool(t, name), args...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Write writes files into a folder, given as name, text, name, text and so on.
func Write(t testing.TB, folder string, files ...string) {
	t.Helper()
	for i := 0; i+1 < len(files); i += 2 {
		path := filepath.Join(folder, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
