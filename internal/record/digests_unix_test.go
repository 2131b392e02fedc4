// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package record

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/filestat"
	"github.com/dtlto/dtlto/internal/object"
)

// A pipe would be waited for.
func TestDigestsPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	check(t, syscall.Mkfifo(path, 0o666))
	link := path + ".o"
	check(t, os.Symlink(path, link))
	done := make(chan bool)
	go func() {
		defer close(done)
		if _, err := NewDigests(nil, later(), nil, nil).Of(link); !errors.Is(err, filestat.ErrNotFile) {
			t.Errorf("Of: %v", err)
		}
		// If it takes the place of a file after that was looked at.
		if _, _, err := hashFile(object.Part{File: link}, false, func(io.ReaderAt, int64) {}); !errors.Is(err, filestat.ErrNotFile) {
			t.Errorf("hashFile: %v", err)
		}
		// Such a thing is no record either.
		record, err := pathOf(filepath.Dir(path), "/o", ending)
		check(t, err)
		check(t, os.Rename(path, record))
		if l, err := Load(filepath.Dir(path), "/o"); l != nil || !errors.Is(err, filestat.ErrNotFile) {
			t.Errorf("Load: %v, %v", l, err)
		}
		if list, err := List(filepath.Dir(path)); len(list) > 0 || err != nil {
			t.Errorf("List: %v, %v", list, err)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("waits for somebody to write into a pipe")
	}
}

// A tool that rewrites a file and gives it its old time back, as some that
// "update only if changed" do, is found out by the change time.
func TestDigestsRestoredTime(t *testing.T) {
	path := tempFile(t, "contents")
	first := NewDigests(nil, later(), nil, nil)
	isDigest(t, first, path, digest("contents"))
	old := stat1(t, path)
	for stat1(t, path).ChangeTime == old.ChangeTime { // a tick of the clock
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		check(t, err)
		_, err = f.WriteString("CONTENTS")
		check(t, err)
		check(t, f.Close())
		check(t, os.Chtimes(path, time.Time{}, time.Unix(0, old.ModTime)))
	}
	now := stat1(t, path)
	now.ChangeTime = old.ChangeTime
	if now != old {
		t.Fatalf("differs in more than its change time: %v, %v", now, old)
	}
	if first.Unchanged(path) {
		t.Error("unchanged")
	}
	isDigest(t, NewDigests(first.Files(nil), later(), nil, nil), path, digest("CONTENTS"))
}

func TestDigestsRetargetedLink(t *testing.T) {
	path := tempFile(t, "contents")
	write1(t, path+"2", "CONTENTS")
	link := path + ".link"
	check(t, os.Symlink(path, link))
	first := NewDigests(nil, later(), nil, nil)
	isDigest(t, first, link, digest("contents"))
	check(t, os.Remove(link))
	check(t, os.Symlink(path+"2", link))
	if first.Unchanged(link) {
		t.Error("unchanged")
	}
	isDigest(t, NewDigests(first.Files(nil), later(), nil, nil), link, digest("CONTENTS"))
}
