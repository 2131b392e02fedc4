// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package stage

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.o", []byte("module"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := For("prog")
	onlyFiles(t, ".", "a.o")
	f, err := s.Folder(7)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Place("00.bc", "a.o"), f.Write("index", []byte("shard")), f.Write("out", []byte("object"))); err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(f.Path) {
		t.Errorf("%s is not absolute", f.Path)
	}
	for name, want := range map[string]string{"00.bc": "module", "index": "shard"} {
		if text, err := os.ReadFile(f.In(name)); string(text) != want {
			t.Errorf("%s has %q, %v", name, text, err)
		}
	}
	if err := Move(f.In("out"), "a.native.o"); err != nil {
		t.Fatal(err)
	}
	f.Remove()
	onlyFiles(t, ".dtlto-prog", "lock")
	if err := s.Remove(); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, ".", "a.native.o", "a.o")
	if err := For("prog").Remove(); err != nil {
		t.Errorf("removing what was never made: %v", err)
	}
}

// Links of one output at once have a stage each, and leave each other's alone.
func TestSeveralLinks(t *testing.T) {
	output := filepath.Join(t.TempDir(), "prog")
	first, second := For(output), For(output)
	a, err := first.Folder(0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := second.Folder(0)
	if err != nil {
		t.Fatal(err)
	}
	For(output) // which sweeps
	if err := errors.Join(a.Write("x", nil), b.Write("x", nil)); err != nil {
		t.Error(err)
	}
	if err := errors.Join(first.Remove(), second.Remove()); err != nil {
		t.Error(err)
	}
	onlyFiles(t, filepath.Dir(output))
}

// What a killed link left, the next link of the same output removes.
func TestSweep(t *testing.T) {
	if output := os.Getenv("DTLTO_TEST_STAGE"); output != "" {
		f, err := For(output).Folder(0)
		if err == nil {
			err = f.Write("x", nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
	}
	folder := t.TempDir()
	output := filepath.Join(folder, "prog")
	cmd := exec.Command(os.Args[0], "-test.run=^TestSweep$")
	cmd.Env = append(os.Environ(), "DTLTO_TEST_STAGE="+output)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(folder, ".dtlto-prog", "0", "x")
	for range 3000 {
		if _, err := os.Stat(made); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	For(output)
	if _, err := os.Stat(made); err != nil {
		t.Errorf("a running link's stage was swept: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	For(output)
	onlyFiles(t, folder)
}

// A folder of that name that is no stage stays, as does what a link points to.
func TestNotAStage(t *testing.T) {
	folder := t.TempDir()
	output := filepath.Join(folder, "prog")
	precious := filepath.Join(folder, "precious")
	for _, dir := range []string{precious, filepath.Join(folder, ".dtlto-prog-1")} {
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(filepath.Join(precious, "lock"), nil, 0o600), os.Symlink("precious", filepath.Join(folder, ".dtlto-prog"))); err != nil {
		t.Fatal(err)
	}
	s := For(output)
	if _, err := s.Folder(0); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(); err != nil {
		t.Error(err)
	}
	onlyFiles(t, folder, ".dtlto-prog", ".dtlto-prog-1", "precious")
	onlyFiles(t, precious, "file", "lock")
	onlyFiles(t, filepath.Join(folder, ".dtlto-prog-1"), "file")
}

func TestFolderMissing(t *testing.T) {
	_, err := For(filepath.Join(t.TempDir(), "missing", "prog")).Folder(0)
	if err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("error %v", err)
	}
}

func TestLongName(t *testing.T) {
	s := For(filepath.Join(t.TempDir(), strings.Repeat("x", 255)))
	if _, err := s.Folder(0); err != nil {
		t.Error(err)
	}
	if err := s.Remove(); err != nil {
		t.Error(err)
	}
}

// A move to another file system copies, and leaves nothing half-written.
func TestMoveFar(t *testing.T) {
	far, err := os.MkdirTemp("/dev/shm", "dtlto-test-*")
	if err != nil {
		t.Skipf("NOT TESTED: no second file system: %v", err)
	}
	defer func() { _ = os.RemoveAll(far) }()
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(far, "to")
	if err := errors.Join(os.WriteFile(from, []byte("new"), 0o600), os.WriteFile(to, []byte("old"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := Move(from, to); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(to); string(text) != "new" {
		t.Errorf("moved %q", text)
	}
	onlyFiles(t, far, "to")
	onlyFiles(t, filepath.Dir(from))
	if err := Move(from, to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("moving nothing: %v", err)
	}
}

// onlyFiles checks what a folder has in it.
func onlyFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s has %q, want %q", folder, got, want)
	}
}

// Links of one output that begin and end at once never fail for each other.
func TestLinksBeginAndEndAtOnce(t *testing.T) {
	output := filepath.Join(t.TempDir(), "prog")
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 50 {
				s := For(output)
				if _, err := s.Folder(1); err != nil {
					t.Error(err)
				}
				if err := s.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	For(output)
	onlyFiles(t, filepath.Dir(output))
}

// A dead link's second stage is swept though the first is gone.
func TestSweepBehindAGap(t *testing.T) {
	output := filepath.Join(t.TempDir(), "prog")
	first, second := For(output), For(output)
	for _, s := range []*Stage{first, second} {
		if _, err := s.Folder(0); err != nil {
			t.Fatal(err)
		}
	}
	_ = second.claim.lock.Close() // as if it were killed
	if err := first.Remove(); err != nil {
		t.Fatal(err)
	}
	For(output)
	onlyFiles(t, filepath.Dir(output))
}
