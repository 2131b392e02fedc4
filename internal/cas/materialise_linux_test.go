// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// made is a blob's entry and a file made of it.
func made(t *testing.T, d *Disk, folder string, size int) (entry, file string) {
	t.Helper()
	in, file := filepath.Join(t.TempDir(), "in"), filepath.Join(folder, "out.o")
	if err := os.WriteFile(in, bytes.Repeat([]byte("0123456789abcde\n"), size/16), 0o666); err != nil {
		t.Fatal(err)
	}
	digest, err := d.Put(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Materialise(t.Context(), digest, file); err != nil {
		t.Fatal(err)
	}
	return d.entryPath(digest.Hash, blobKind), file
}

func stat(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t)
}

// Without hard links nothing is shared with the store, and the file is an
// ordinary one of its user.
func TestFilesAreTheirOwn(t *testing.T) {
	mask := syscall.Umask(0o027)
	defer syscall.Umask(mask)
	for _, size := range []int{16000, 1 << 20, 5 << 20} {
		entry, file := made(t, testDisk(t), t.TempDir(), size)
		if a, b := stat(t, entry), stat(t, file); a.Ino == b.Ino || a.Mode&0o777 != 0o440 || b.Mode&0o777 != 0o640 {
			t.Errorf("size %d: entry %+v, file %+v", size, a, b)
		}
	}
}

func TestHardLinks(t *testing.T) {
	for _, size := range []int{16000, 1 << 20, 5 << 20} {
		d := testDisk(t)
		d.options.HardLinks = true
		entry, file := made(t, d, t.TempDir(), size)
		if a, b := stat(t, entry), stat(t, file); a.Ino != b.Ino || a.Mode&0o222 != 0 {
			t.Errorf("size %d: entry %+v, file %+v", size, a, b)
		}
	}
}

// On another file system there are none, and it is asked once.
func TestHardLinksElsewhere(t *testing.T) {
	elsewhere := mount(t, "64m")
	d := testDisk(t)
	d.options.HardLinks = true
	for _, size := range []int{16000, 1 << 20, 5 << 20} {
		entry, file := made(t, d, elsewhere, size)
		if a, b := stat(t, entry), stat(t, file); a.Dev == b.Dev || b.Mode&0o200 == 0 {
			t.Errorf("size %d: entry %+v, file %+v", size, a, b)
		}
	}
	if !d.noLinks.Load() {
		t.Error("not remembered")
	}
}

// DTLTO_TEST_REFLINK names a folder on a file system that shares blocks. Where
// none is named, what is tested is doing without.
func TestSharedBlocks(t *testing.T) {
	folder, asked := os.LookupEnv("DTLTO_TEST_REFLINK")
	if !asked {
		folder = t.TempDir()
	}
	store := filepath.Join(folder, "store")
	t.Cleanup(func() { _ = os.RemoveAll(store) })
	d := Open(store, Options{Warn: func(err error) { t.Error(err) }})
	defer d.Close()
	entry, file := made(t, d, folder, cloneFrom)
	t.Cleanup(func() { _ = os.Remove(file) })
	a, errA := os.ReadFile(entry)
	b, errB := os.ReadFile(file)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("contents differ, %v, %v", errA, errB)
	}
	if asked && !cloneable(t, entry, folder) {
		t.Error("blocks are not shared there")
	}
}

func cloneable(t *testing.T, path, folder string) bool {
	src, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := createAside(folder, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	err = cloneFile(dst, src)
	if err := errors.Join(dst.Close(), os.Remove(dst.Name())); err != nil {
		t.Fatal(err)
	}
	return err == nil
}

// A pipe in an entry's place is not waited for.
func TestPipeAsEntry(t *testing.T) {
	d := testDisk(t)
	for _, size := range []int{16, 1 << 20} {
		entry, file := made(t, d, t.TempDir(), size)
		if err := os.Remove(entry); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkfifo(entry, 0o600); err != nil {
			t.Fatal(err)
		}
		digest, err := DigestOfFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Materialise(t.Context(), digest, file); err == nil {
			t.Error("a pipe was read")
		}
		if _, err := d.Put(t.Context(), file); err != nil {
			t.Error(err)
		}
		if err := d.Materialise(t.Context(), digest, file); err != nil {
			t.Error(err)
		}
	}
}
