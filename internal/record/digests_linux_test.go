// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mapped is a file that is changed through memory. Linux stamps the first change
// to a page and, until the page has been written to the disk, no other: this is
// how the clock's granularity looks, on any file system and kernel.
type mapped struct {
	path  string
	bytes []byte
}

func newMapped(t *testing.T) mapped {
	t.Helper()
	path := tempFile(t, strings.Repeat("x", 4096))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	check(t, err)
	defer f.Close()
	b, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	check(t, err)
	t.Cleanup(func() { check(t, syscall.Munmap(b)) })
	return mapped{path, b}
}

// unnoticed runs ask when the file has the contents that changed gives, after
// before has run with others, with equal Stats all the time.
func unnoticed(t *testing.T, before, ask func(m mapped)) {
	t.Helper()
	for range 50 {
		m := newMapped(t)
		m.bytes[0] = 'a'
		stat := stat1(t, m.path)
		before(m)
		m.bytes[0] = 'b'
		if stat1(t, m.path) == stat {
			ask(m)
			return
		}
	}
	t.Skip("NOT TESTED: this file system stamps every change")
}

func (m mapped) text() string { return string(m.bytes) }

func TestDigestsRacyFile(t *testing.T) {
	first := NewDigests(nil, time.Now(), nil, nil)
	unnoticed(t,
		func(m mapped) { isDigest(t, first, m.path, digest(m.text())) },
		func(m mapped) {
			if first.Unchanged(m.path) {
				t.Error("unchanged")
			}
			isDigest(t, NewDigests(first.Files(nil), later(), nil, nil), m.path, digest(m.text()))
		})
}

// The test above tests something only if Stats do not tell: without the margin
// the file would be taken for what it was.
func TestDigestsRacyFileIsRacy(t *testing.T) {
	first := NewDigests(nil, later(), nil, nil)
	old := ""
	unnoticed(t,
		func(m mapped) { old = m.text(); isDigest(t, first, m.path, digest(old)) },
		func(m mapped) {
			isDigest(t, NewDigests(first.Files(nil), later(), nil, nil), m.path, digest(old))
		})
}

// Many that want the same digest read the file once.
func TestDigestsOnce(t *testing.T) {
	const size, users = 8 << 20, 16
	path := tempFile(t, strings.Repeat("x", size))
	d := NewDigests(nil, later(), nil, nil)
	before := bytesRead(t)
	var group sync.WaitGroup
	for range users {
		group.Go(func() { isDigest(t, d, path, digest(strings.Repeat("x", size))) })
	}
	group.Wait()
	if n := bytesRead(t) - before; n < size || n > 3*size/2 {
		t.Errorf("%d bytes were read of a file of %d", n, size)
	}
}

// bytesRead is what this process has read of all files.
func bytesRead(t *testing.T) (n int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/io")
	check(t, err)
	if _, err := fmt.Sscanf(string(b), "rchar: %d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}
