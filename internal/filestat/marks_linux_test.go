// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package filestat

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// machine is a folder in memory and a boot's id, with which processes run.
func machine(t *testing.T) (memory, boot string) {
	t.Helper()
	return inMemory(t), tempFile(t, "11111111-2222\n")
}

// number is what a new process would make of the kernel's.
func number(memory, boot string, id uint64) uint64 {
	return (&marks{boot: boot, folder: memory}).mount(id).number
}

func markFile(memory string) string {
	return filepath.Join(memory, "dtlto-mark-"+strconv.Itoa(os.Geteuid()))
}

func TestMarks(t *testing.T) {
	memory, boot := machine(t)
	first := number(memory, boot, 5)
	if first == 0 || first != number(memory, boot, 5) {
		t.Errorf("not the same for two processes: %d", first)
	}
	if lower := number(memory, boot, 4); lower == first || lower == 0 || number(memory, boot, 5) != first {
		t.Errorf("an earlier mount: %d after %d", lower, first)
	}
	one := &marks{boot: boot, folder: memory}
	one.mount(5)
	higher := number(memory, boot, 6)
	if again := number(memory, boot, 5); higher == 0 || higher != number(memory, boot, 6) || again == first || again == 0 {
		t.Errorf("a later mount: %d; the first, with the new mark: %d", higher, again)
	}
	if one.mount(5).number != first {
		t.Error("another number in the same process")
	}
	check(t, os.WriteFile(boot, []byte("33333333-4444\n"), 0o600))
	if number(memory, boot, 5) == number(memory, tempFile(t, "11111111-2222\n"), 5) {
		t.Error("the same number in another boot")
	}
	if entries, err := os.ReadDir(memory); err != nil || len(entries) != 1 {
		t.Errorf("left in memory: %v, %v", entries, err)
	}
}

// A virtual machine that is set back counts its mounts as the last time, but only
// those that it had when it was saved are the same.
func TestMarksSetBack(t *testing.T) {
	memory, boot := machine(t)
	saved := number(memory, boot, 5)
	state, err := os.ReadFile(markFile(memory))
	check(t, err)
	setBack := func() { check(t, os.WriteFile(markFile(memory), state, 0o600)) }
	before := number(memory, boot, 6)
	setBack()
	if number(memory, boot, 5) != saved {
		t.Error("another number for a mount that it had")
	}
	if number(memory, boot, 6) == before {
		t.Error("the same number for a mount that was made since")
	}
	for range 2 { // saved before there was a mark
		check(t, os.Remove(markFile(memory)))
		if number(memory, boot, 5) == saved {
			t.Error("the same number without the mark")
		}
	}
}

// What cannot be relied on makes no number.
func TestNoMarks(t *testing.T) {
	memory, boot := machine(t)
	disk := t.TempDir()
	var fs unix.Statfs_t
	check(t, unix.Statfs(disk, &fs))
	for name, m := range map[string]*marks{
		"no boot id":       {boot: boot + "x", folder: memory},
		"an empty boot id": {boot: tempFile(t, "\n"), folder: memory},
		"no memory":        {boot: boot, folder: memory + "x"},
		"a disk":           {boot: boot, folder: disk},
	} {
		if n := m.mount(5); n != (mount{}) && (m.folder != disk || uint32(fs.Type) != unix.TMPFS_MAGIC) {
			t.Errorf("%s: %v", name, n)
		}
	}
	if entries, err := os.ReadDir(disk); err != nil || len(entries) != 0 && uint32(fs.Type) != unix.TMPFS_MAGIC {
		t.Errorf("left on the disk: %v, %v", entries, err)
	}
}

// A mark that is damaged, a link, or somebody else's is replaced, not read.
func TestMarksOfOthers(t *testing.T) {
	memory, boot := machine(t)
	path, mark := markFile(memory), "dtlto mark 1 9 1700000000 RANDOM\n"
	target := filepath.Join(memory, "target")
	for name, put := range map[string]func(){
		"damaged": func() { check(t, os.WriteFile(path, []byte(mark[:20]), 0o600)) },
		"a link":  func() { check(t, os.WriteFile(target, []byte(mark), 0o600)); check(t, os.Symlink(target, path)) },
		"a pipe":  func() { check(t, unix.Mkfifo(path, 0o600)) },
		"another user's": func() {
			check(t, os.WriteFile(path, []byte(mark), 0o600))
			if os.Geteuid() != 0 || os.Chown(path, 12345, 12345) != nil {
				check(t, os.Remove(path)) // only root can test it
			}
		},
	} {
		put()
		n := number(memory, boot, 5)
		got, err := readMark(path, 5)
		if n == 0 || n != number(memory, boot, 5) || err != nil || got.String() == mark {
			t.Errorf("%s: %d, %v, %v", name, n, got, err)
		}
		check(t, os.Remove(path))
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != mark {
		t.Errorf("what the link led to became %q, %v", text, err)
	}
	check(t, os.Mkdir(path, 0o700))
	if n := number(memory, boot, 5); n != 0 {
		t.Errorf("a folder: %d", n)
	}
}

// Many processes at once agree in the end, and each has a number.
func TestMarksAtOnce(t *testing.T) {
	memory, boot := machine(t)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if number(memory, boot, 5) == 0 {
				t.Error("no number")
			}
		})
	}
	group.Wait()
	if n := number(memory, boot, 5); n == 0 || n != number(memory, boot, 5) {
		t.Errorf("no lasting number: %d", n)
	}
}

// When the machine was started is what the mark says, whatever the clock is now.
func TestMarksStarted(t *testing.T) {
	memory, boot := machine(t)
	m := (&marks{boot: boot, folder: memory}).mount(5)
	up, err := os.ReadFile("/proc/uptime")
	check(t, err)
	seconds, err := strconv.ParseFloat(strings.Fields(string(up))[0], 64)
	check(t, err)
	if got := time.Since(time.Unix(0, m.started)).Seconds(); got < seconds-1 || got > seconds+5 {
		t.Errorf("%f s ago, and running for %f s", got, seconds)
	}
	k, err := readMark(markFile(memory), 5)
	check(t, err)
	k.started -= 1000
	check(t, k.write(markFile(memory)))
	if got := (&marks{boot: boot, folder: memory}).mount(5).started; got != k.started {
		t.Errorf("started at %d, marked %d", got, k.started)
	}
}

func FuzzParseMark(f *testing.F) {
	f.Add("dtlto mark 1 9 1700000000 RANDOM\n")
	f.Add("dtlto mark 1 9 -1 \n")
	f.Add("dtlto mark 1 18446744073709551616 0 x\n")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := parseMark(text); err == nil && (k.String() != text || k.random == "") {
			t.Errorf("%+v of %q", k, text)
		}
	})
}
