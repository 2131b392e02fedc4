// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// put writes a file in dir and returns its path.
func put(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// names returns what is in dir.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

// mockJobs returns a job file whose objects are at the given paths.
func mockJobs(objects ...string) *JobFile {
	f := &JobFile{Output: "p", Args: []string{"clang"}}
	for _, o := range objects {
		f.Jobs = append(f.Jobs, Job{nil, []string{"m.o", "m.bc"}, []string{o, o + ".dwo"}})
	}
	return f
}

func TestMock(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	first := put(t, in, "first", "one", 0o640)
	second := put(t, in, "second", "", 0o755)
	stale := put(t, out, "2.n", "stale and longer", 0o600)
	f := mockJobs(filepath.Join(out, "1.n"), stale, filepath.Join(out, strings.Repeat("n", 255)))
	if err := Mock(f, []string{first, second, first}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		text string
		mode os.FileMode
	}{{"one", 0o640}, {"", 0o755}, {"one", 0o640}} {
		path := f.Jobs[i].Object()
		text, err := os.ReadFile(path)
		if err != nil || string(text) != want.text {
			t.Errorf("object %d: %q, %v", i, text, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != want.mode {
			t.Errorf("object %d: mode %v, %v", i, info.Mode(), err)
		}
	}
	if got, want := names(t, out), "1.n 2.n "+strings.Repeat("n", 255); got != want {
		t.Errorf("left behind: %s", got)
	}
}

func TestMockNeedsAsManyInputs(t *testing.T) {
	dir := t.TempDir()
	in := put(t, dir, "in", "x", 0o600)
	f := mockJobs(filepath.Join(dir, "1.n"), filepath.Join(dir, "2.n"))
	for _, tt := range []struct {
		inputs []string
		want   string
	}{
		{nil, "mock: 0 inputs for 2 jobs"},
		{[]string{in}, "mock: 1 inputs for 2 jobs"},
		{[]string{in, in, in}, "mock: 3 inputs for 2 jobs"},
	} {
		if err := Mock(f, tt.inputs); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if got := names(t, dir); got != "in" {
		t.Errorf("left behind: %s", got)
	}
}

func TestMockFailures(t *testing.T) {
	dir := t.TempDir()
	in := put(t, dir, "in", "x", 0o600)
	old := put(t, dir, "old.n", "old", 0o600)
	if err := os.MkdirAll(filepath.Join(dir, "dir.n", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, input, object string }{
		{"no such input", filepath.Join(dir, "none"), old},
		{"input is a folder", dir, old},
		{"no such folder", in, filepath.Join(dir, "none", "1.n")},
		{"object is a folder", in, filepath.Join(dir, "dir.n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Mock(mockJobs(tt.object), []string{tt.input})
			if err == nil || !strings.HasPrefix(err.Error(), "mock: job 0 (m.o): ") {
				t.Errorf("got %v", err)
			}
			if got := names(t, dir); got != "dir.n in old.n" {
				t.Errorf("left behind: %s", got)
			}
		})
	}
	if text, err := os.ReadFile(old); err != nil || string(text) != "old" {
		t.Errorf("old object: %q, %v", text, err)
	}
	if err := Mock(mockJobs(old), []string{filepath.Join(dir, "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
