// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// mount gives a folder on a small file system of its own.
func mount(t *testing.T, size string) string {
	t.Helper()
	folder := t.TempDir()
	mounted(t, folder, unix.Mount("tmpfs", folder, "tmpfs", 0, "size="+size))
	return folder
}

// mounted ends the test if mounting failed, which takes privileges: as root it
// fails, for other users it is skipped, who can use a user
// namespace ("unshare -rm go test").
func mounted(t *testing.T, folder string, err error) {
	t.Helper()
	if err != nil && os.Geteuid() != 0 {
		t.Skipf("NOT TESTED: only root can mount: %v", err)
	}
	if err != nil && os.Getenv("DTLTO_TEST_ALLOW_SKIP") != "" {
		t.Skipf("DTLTO_TEST_ALLOW_SKIP: not tested, for mounting failed: %v", err)
	}
	if err != nil {
		t.Fatalf("mounting: %v (run as root or in \"unshare -rm\", or set DTLTO_TEST_ALLOW_SKIP)", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
}

// readOnly makes folder read-only, for root too.
func readOnly(t *testing.T, folder string) {
	t.Helper()
	mounted(t, folder, unix.Mount(folder, folder, "", unix.MS_BIND, ""))
	if err := unix.Mount("", folder, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

// warnings collects them.
type warnings struct {
	mutex sync.Mutex
	all   []error
}

func (w *warnings) add(err error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.all = append(w.all, err)
}

func (w *warnings) want(t *testing.T, errno syscall.Errno) {
	t.Helper()
	if len(w.all) != 1 || !errors.Is(w.all[0], errno) {
		t.Errorf("warnings %v, instead of one: %v", w.all, errno)
	}
}

// do wants the seed-th action, which compiles to size bytes, and checks them.
func do(t *testing.T, d *Disk, seed, size int) (hit bool) {
	t.Helper()
	want := bytes.Repeat([]byte{byte(seed)}, size)
	path := filepath.Join(t.TempDir(), "o")
	key := ActionKey(DigestOf(fmt.Append(nil, seed)))
	_, miss, err := Do(t.Context(), d, key, []Place{{"o", path}}, func(context.Context) (Result, error) {
		return Result{}, os.WriteFile(path, want, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("wrong contents, %v", err)
	}
	return miss == nil
}

// A read-only store is read without a word, and computing what is not in it
// gives one warning.
func TestReadOnly(t *testing.T) {
	folder := t.TempDir()
	first := Open(folder, Options{})
	do(t, first, 1, 1000)
	first.Close()
	readOnly(t, folder)
	var w warnings
	d := Open(folder, Options{Warn: w.add, MaxBytes: 1})
	defer d.Close()
	if !do(t, d, 1, 1000) || len(w.all) > 0 {
		t.Errorf("not read, or with warnings %v", w.all)
	}
	for seed := 2; seed < 5; seed++ {
		if do(t, d, seed, 1000) {
			t.Error("found what was never kept")
		}
	}
	w.want(t, syscall.EROFS)
	if !do(t, d, 1, 1000) {
		t.Error("not read any more")
	}
	if err := d.Tidy(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := d.Prune(t.Context(), 0); !errors.Is(err, syscall.EROFS) {
		t.Errorf("pruned: %v", err)
	}
	if _, err := d.Clear(t.Context()); !errors.Is(err, syscall.EROFS) {
		t.Errorf("cleared: %v", err)
	}
	if report, err := d.Verify(t.Context()); err != nil || report.Blobs != 1 || len(report.Bad) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// A corrupt entry that cannot be removed is a miss all the same.
func TestReadOnlyAndCorrupt(t *testing.T) {
	d := testDisk(t)
	entry, file := made(t, d, t.TempDir(), 1600)
	digest, err := DigestOfFile(file)
	if err := errors.Join(err, os.Chmod(entry, 0o644), os.WriteFile(entry, make([]byte, 1600), 0o644)); err != nil {
		t.Fatal(err)
	}
	readOnly(t, d.folder)
	for range 2 {
		err := d.Materialise(t.Context(), digest, file)
		if miss, ok := errors.AsType[*Miss](err); !ok || miss.Reason != Corrupt {
			t.Errorf("error %v", err)
		}
	}
}

// A store that can never be made: in a read-only folder, in the place of a file.
func TestNoFolder(t *testing.T) {
	parent, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	readOnly(t, parent)
	for folder, errno := range map[string]syscall.Errno{filepath.Join(parent, "a", "b"): syscall.EROFS, file: syscall.ENOTDIR} {
		var w warnings
		d := Open(folder, Options{Warn: w.add})
		do(t, d, 1, 1000)
		do(t, d, 1, 1000)
		d.Close()
		w.want(t, errno)
	}
}

// A disk that fills up keeps what it has, whole; what no longer fits is computed
// each time, with one warning.
func TestFullDisk(t *testing.T) {
	for _, size := range []int{10_000, 300 << 10} {
		folder := mount(t, "2m")
		var w warnings
		d := Open(folder, Options{Warn: w.add})
		const actions = 300
		for seed := range actions {
			do(t, d, seed, size)
		}
		d.Close()
		w.want(t, syscall.ENOSPC)
		again := Open(folder, Options{})
		hits := 0
		for seed := range actions {
			if do(t, again, seed, size) {
				hits++
			}
		}
		report, err := again.Verify(t.Context())
		if err != nil || len(report.Bad) > 0 || hits == 0 || hits == actions {
			t.Errorf("%d hits, %+v, %v", hits, report, err)
		}
		again.Close()
		wantNone(t, again.in(tmpFolder))
	}
}

func wantNone(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
		t.Errorf("%s: left %v, %v", folder, left, err)
	}
}

// A full disk at the other end is the caller's affair: an error, not a miss, and
// nothing half-written.
func TestFullDiskOfOutputs(t *testing.T) {
	full := mount(t, "64k")
	for _, size := range []int{100_000, 1 << 20, 5 << 20} {
		d := testDisk(t)
		_, file := made(t, d, t.TempDir(), size)
		digest, err := DigestOfFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Materialise(t.Context(), digest, filepath.Join(full, "o")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("size %d: %v", size, err)
		}
		wantNone(t, full)
		if err := d.Materialise(t.Context(), digest, file); err != nil {
			t.Errorf("size %d: the blob was removed: %v", size, err)
		}
	}
}
