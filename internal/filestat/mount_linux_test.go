// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package filestat

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// image makes an image with one file, f, of which everything but the contents is
// the same in all images of a kind.
func image(t testing.TB, kind, contents string) string {
	t.Helper()
	folder := t.TempDir()
	source, path := filepath.Join(folder, "source"), filepath.Join(folder, "image")
	check(t, os.Mkdir(source, 0o755))
	check(t, os.WriteFile(filepath.Join(source, "f"), []byte(contents), 0o644))
	id := "11111111-1111-1111-1111-111111111111"
	switch kind {
	case "squashfs":
		tool(t, "mksquashfs", source, path, "-noappend", "-all-time", "1700000000", "-mkfs-time", "1700000000")
	case "erofs":
		tool(t, "mkfs.erofs", "-T1700000000", "-U"+id, path, source)
	case "ext4":
		tool(t, "mke2fs", "-q", "-t", "ext4", "-I", "256", "-U", id, "-d", source, path, "8M")
		setTimes(t, path, 1_700_000_000)
	}
	return path
}

// setTimes gives the file in an ext4 image the times of a whole second.
func setTimes(t testing.TB, image string, seconds int64) {
	t.Helper()
	at := time.Unix(seconds, 0).UTC().Format("20060102150405")
	for _, field := range []string{"ctime", "mtime"} {
		tool(t, "debugfs", "-w", "-R", "set_inode_field f "+field+" "+at, image)
		tool(t, "debugfs", "-w", "-R", "set_inode_field f "+field+"_extra 0", image)
	}
}

// tool runs a program of the system's, and skips the test where there is none, or
// it may not do what it is asked for, as mounting.
func tool(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: %s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// mounted mounts an image and gives its file, and what unmounts it.
func mounted(t testing.TB, folder, image, options string) (file string, unmount func()) {
	t.Helper()
	tool(t, "mount", "-o", "loop,"+options, image, folder)
	done := false
	unmount = func() {
		if !done {
			check(t, exec.Command("umount", folder).Run())
		}
		done = true
	}
	t.Cleanup(unmount)
	return filepath.Join(folder, "f"), unmount
}

// inMemory is a folder in memory, and this process's marks are there.
func inMemory(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "dtlto-test-")
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	var fs unix.Statfs_t
	if check(t, unix.Statfs(folder, &fs)); uint32(fs.Type) != unix.TMPFS_MAGIC {
		t.Skip("NOT TESTED: no memory in /dev/shm")
	}
	was := theseMarks
	theseMarks = &marks{boot: was.boot, folder: folder}
	t.Cleanup(func() { theseMarks = was; check(t, os.RemoveAll(folder)) })
	return folder
}

func needKernel(t testing.TB) {
	t.Helper()
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, "/", 0, unix.STATX_MNT_ID_UNIQUE, &st)
	if err != nil || st.Mask&unix.STATX_MNT_ID_UNIQUE == 0 {
		t.Skipf("NOT TESTED: this kernel does not number mounts (%v)", err)
	}
}

// An image that takes another's place is told by its mount alone.
func TestImageSwapped(t *testing.T) {
	for _, kind := range []string{"squashfs", "erofs", "ext4"} {
		t.Run(kind, func(t *testing.T) {
			needKernel(t)
			inMemory(t)
			images := []string{image(t, kind, "contents 1"), image(t, kind, "contents 2")}
			folder := t.TempDir()
			seen := map[uint64]bool{}
			var first Stat
			for i, image := range []string{images[0], images[1], images[0]} {
				file, unmount := mounted(t, folder, image, "ro")
				s := stat1(t, file)
				if s.Mount == 0 || !s.Settled(time.Now()) || s != stat1(t, file) || s != openStat(t, file) {
					t.Errorf("not relied on, or another each time: %v", s)
				}
				if seen[s.Mount] {
					t.Errorf("mount %d is taken for an earlier one: %v", i, s)
				}
				seen[s.Mount] = true
				unmount()
				if s.Mount = 0; i == 0 {
					first = s
				} else if s != first {
					t.Errorf("tests nothing, for the image differs otherwise: %v, %v", first, s)
				}
			}
		})
	}
}

func openStat(t testing.TB, path string) Stat {
	t.Helper()
	f, err := Open(path)
	check(t, err)
	defer f.Close()
	s, err := OfOpen(f)
	check(t, err)
	return s
}

// Another mount of the same image, here or in another namespace, is not known to
// have the same; and what lies under overlayfs may change without it.
func TestMountedTwice(t *testing.T) {
	needKernel(t)
	inMemory(t)
	root := t.TempDir()
	for _, name := range []string{"image", "bound", "upper", "work", "overlay"} {
		check(t, os.Mkdir(filepath.Join(root, name), 0o755))
	}
	t.Chdir(root)
	file, _ := mounted(t, "image", image(t, "squashfs", "contents"), "ro")
	tool(t, "mount", "--bind", "image", "bound")
	defer func() { check(t, exec.Command("umount", "bound").Run()) }()
	a, b := stat1(t, file), stat1(t, "bound/f")
	if a.Mount == 0 || b.Mount == 0 || a.Mount == b.Mount {
		t.Errorf("%v, bound %v", a, b)
	}
	tool(t, "mount", "-t", "overlay", "-o", "lowerdir=image,upperdir=upper,workdir=work", "overlay", "overlay")
	defer func() { check(t, exec.Command("umount", "overlay").Run()) }()
	if s := stat1(t, "overlay/f"); s.Mount != 0 || s.Settled(time.Now()) {
		t.Errorf("under overlayfs: %v", s)
	}
}

// In a writable image, too, a change shows, whatever time the file is given after it.
func TestImageWritten(t *testing.T) {
	needKernel(t)
	inMemory(t)
	file, _ := mounted(t, t.TempDir(), image(t, "ext4", "contents"), "rw")
	before := stat1(t, file)
	if !before.Settled(time.Now()) {
		t.Errorf("an old file is not relied on: %v", before)
	}
	check(t, os.WriteFile(file, []byte("CONTENTS"), 0o666))
	check(t, os.Chtimes(file, time.Time{}, time.Unix(0, before.ModTime)))
	after := stat1(t, file)
	if after == before || after.Size != before.Size || after.ModTime != before.ModTime || after.Settled(time.Now()) {
		t.Errorf("after a change %v, before %v", after, before)
	}
}

// A whole second since the machine was started may be the time of a change.
func TestImageOfThisBoot(t *testing.T) {
	needKernel(t)
	inMemory(t)
	path := image(t, "ext4", "contents")
	started := theseMarks.mount(1).started
	for _, tc := range []struct {
		seconds int64
		settled bool
	}{{started/int64(time.Second) - 1, true}, {started/int64(time.Second) + 1, false}} {
		setTimes(t, path, tc.seconds)
		file, unmount := mounted(t, t.TempDir(), path, "ro")
		s := stat1(t, file)
		if s.ChangeTime != tc.seconds*int64(time.Second) {
			t.Skipf("NOT TESTED: debugfs set another time: %v", s)
		}
		if (s.Mount != 0) != tc.settled || s.Settled(time.Now().Add(time.Hour)) != tc.settled {
			t.Errorf("changed at %d: %v, started at %d", tc.seconds, s, started)
		}
		unmount()
	}
}

func BenchmarkOfImage(b *testing.B) {
	needKernel(b)
	inMemory(b)
	file, _ := mounted(b, b.TempDir(), image(b, "ext4", "contents"), "ro")
	b.ReportAllocs()
	for b.Loop() {
		stat1(b, file)
	}
}
