// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/filestat"
	"github.com/dtlto/dtlto/internal/object"
)

// later is when files that a test has made are long settled.
func later() time.Time { return time.Now().Add(time.Hour) }

func write1(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func tempFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.o")
	write1(t, path, text)
	return path
}

func stat1(t *testing.T, path string) filestat.Stat {
	t.Helper()
	s, err := filestat.Of(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func digest(text string) cas.Digest { return cas.DigestOf([]byte(text)) }

// isDigest checks what d says of a file.
func isDigest(t *testing.T, d *Digests, path string, want cas.Digest) {
	t.Helper()
	if got, err := d.Of(path); err != nil || got != want {
		t.Errorf("%s: %v, %v, want %v", path, got, err, want)
	}
}

func TestDigestsOf(t *testing.T) {
	path := tempFile(t, "contents")
	folder := filepath.Dir(path)
	empty := filepath.Join(folder, "empty")
	write1(t, empty, "")
	link := filepath.Join(folder, "link")
	if err := os.Symlink("file.o", link); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(folder, "second")
	if err := os.Link(path, second); err != nil {
		t.Fatal(err)
	}
	first := NewDigests(nil, later(), nil, nil)
	// Again with what was remembered.
	for _, d := range []*Digests{first, NewDigests(first.Files(nil), later(), nil, nil)} {
		isDigest(t, d, path, digest("contents"))
		isDigest(t, d, empty, digest(""))
		isDigest(t, d, link, digest("contents"))
		isDigest(t, d, second, digest("contents"))
		if _, err := d.Of(folder); !errors.Is(err, filestat.ErrNotFile) || !strings.Contains(err.Error(), folder) {
			t.Errorf("a folder: %v", err)
		}
		if _, err := d.Of(path + "x"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing file: %v", err)
		}
	}
}

// A remembered digest is given without reading the file, which a false one
// shows, only if every field of its Stat is the same.
func TestDigestsKnown(t *testing.T) {
	path := tempFile(t, "contents")
	right, wrong := digest("contents"), digest("nonsense")
	stat := stat1(t, path)
	isDigest(t, NewDigests([]File{{Path: path, Stat: stat, Digest: wrong}}, later(), nil, nil), path, wrong)
	for name, change := range map[string]func(*filestat.Stat){
		"size":        func(s *filestat.Stat) { s.Size++ },
		"time":        func(s *filestat.Stat) { s.ModTime-- },
		"change time": func(s *filestat.Stat) { s.ChangeTime-- },
		"device":      func(s *filestat.Stat) { s.Device++ },
		"inode":       func(s *filestat.Stat) { s.Inode++ },
		"mount":       func(s *filestat.Stat) { s.Mount++ },
	} {
		other := stat
		change(&other)
		t.Run(name, func(t *testing.T) {
			isDigest(t, NewDigests([]File{{Path: path, Stat: other, Digest: wrong}}, later(), nil, nil), path, right)
		})
	}
}

// A file that was changed shortly before it was hashed may change again without
// its Stat changing.
func TestDigestsMargin(t *testing.T) {
	path := tempFile(t, "contents")
	right, wrong := digest("contents"), digest("nonsense")
	stat := stat1(t, path)
	changed := time.Unix(0, max(stat.ModTime, stat.ChangeTime))
	for _, tc := range []struct {
		name    string
		now     time.Time
		settled bool
	}{
		{"before", changed.Add(-time.Hour), false}, // it is from the future
		{"at once", changed, false},
		{"a second after", changed.Add(time.Second), false},
		{"at the margin", changed.Add(filestat.Margin), false},
		{"long after", changed.Add(filestat.Margin + time.Nanosecond), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := right
			if tc.settled {
				want = wrong
			}
			isDigest(t, NewDigests([]File{{Path: path, Stat: stat, Digest: wrong}}, tc.now, nil, nil), path, want)
		})
	}
}

// What is remembered of files hashed too early is nothing.
func TestDigestsFilesSettled(t *testing.T) {
	path := tempFile(t, "contents")
	for _, tc := range []struct {
		name    string
		modTime time.Time
		now     time.Time
		settled bool
	}{
		{"just written", time.Now(), time.Now(), false},
		{"old", time.Now().Add(-time.Hour), later(), true},
		// The contents may have been written just now, whatever the time says.
		{"with an old time set just now", time.Now().Add(-time.Hour), time.Now(), false},
		{"from the future", time.Now().Add(2 * time.Hour), later(), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := os.Chtimes(path, tc.modTime, tc.modTime); err != nil {
				t.Fatal(err)
			}
			if stat1(t, path).ChangeTime == 0 && strings.HasPrefix(tc.name, "with") {
				t.Skip("NOT TESTED: this system has no change times")
			}
			d := NewDigests(nil, tc.now, nil, nil)
			isDigest(t, d, path, digest("contents"))
			if got := len(d.Files(nil)) == 1; got != tc.settled {
				t.Errorf("remembered: %v", got)
			}
		})
	}
}

func TestDigestsFiles(t *testing.T) {
	folder := t.TempDir()
	var want []File
	d := NewDigests([]File{{Path: filepath.Join(folder, "never asked for")}}, later(), nil, nil)
	for _, name := range []string{"c", "a", "b", "left out"} {
		path := filepath.Join(folder, name)
		write1(t, path, name)
		isDigest(t, d, path, digest(name))
	}
	_, _ = d.Of(filepath.Join(folder, "missing"))
	for _, name := range []string{"a", "b", "c"} {
		path := filepath.Join(folder, name)
		want = append(want, File{Path: path, Stat: stat1(t, path), Digest: digest(name)})
	}
	got := d.Files(func(path string) bool { return !strings.Contains(path, "left") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The answer stays what it was, so that all of a link works with the same.
func TestDigestsOfStays(t *testing.T) {
	path := tempFile(t, "contents")
	d := NewDigests(nil, time.Now(), nil, nil)
	isDigest(t, d, path, digest("contents"))
	write1(t, path, "others")
	isDigest(t, d, path, digest("contents"))
	missing := path + "2"
	if _, err := d.Of(missing); err == nil {
		t.Error("found a missing file")
	}
	write1(t, missing, "not any more")
	if _, err := d.Of(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("was missing: %v", err)
	}
}

func TestDigestsUnchanged(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"removed":  func(t *testing.T, path string) { check(t, os.Remove(path)) },
		"longer":   func(t *testing.T, path string) { write1(t, path, "contents and more") },
		"as long":  func(t *testing.T, path string) { write1(t, path, "CONTENTS") },
		"replaced": func(t *testing.T, path string) { write1(t, path+"2", "CONTENTS"); check(t, os.Rename(path+"2", path)) },
		"retimed":  func(t *testing.T, path string) { check(t, os.Chtimes(path, time.Time{}, time.Unix(1, 0))) },
		"a folder": func(t *testing.T, path string) { check(t, os.Remove(path)); check(t, os.Mkdir(path, 0o777)) },
	} {
		for when, now := range map[string]time.Time{"settled": later(), "fresh": time.Now()} {
			t.Run(name+"/"+when, func(t *testing.T) {
				path := tempFile(t, "contents")
				d := NewDigests(nil, now, nil, nil)
				if d.Unchanged(path) {
					t.Error("not asked for, and unchanged")
				}
				isDigest(t, d, path, digest("contents"))
				for range 2 {
					if !d.Unchanged(path) {
						t.Fatal("nobody changed it")
					}
				}
				// Longer than a clock tick, since contents of the same length could not be told apart by Stat.
				time.Sleep(20 * time.Millisecond)
				change(t, path)
				if d.Unchanged(path) {
					t.Error("not noticed")
				}
			})
		}
	}
	d := NewDigests(nil, later(), nil, nil)
	if _, err := d.Of(t.TempDir()); err == nil || d.Unchanged(t.TempDir()) {
		t.Error("a folder is unchanged")
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A file that was fresh when it was hashed is remembered once it has been read
// again and was old by then.
func TestDigestsSettleLater(t *testing.T) {
	path := tempFile(t, "contents")
	d := NewDigests(nil, time.Now(), nil, nil)
	isDigest(t, d, path, digest("contents"))
	if !d.Unchanged(path) || len(d.Files(nil)) != 0 {
		t.Error("a fresh file is remembered")
	}
	d.since = d.since.Add(-time.Minute) // a minute passes
	if !d.Unchanged(path) {
		t.Error("changed")
	}
	if len(d.Files(nil)) != 1 {
		t.Error("not remembered")
	}
}

// A file that is written to all the time has no digest.
func TestDigestsChanging(t *testing.T) {
	path := tempFile(t, strings.Repeat("contents", 1<<20))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				if _, err := f.WriteAt([]byte{byte(n)}, 0); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	for range 100 { // the writer may not get the processor
		_, err := NewDigests(nil, later(), nil, nil).Of(path)
		if errors.Is(err, errChanges) && strings.Contains(err.Error(), path) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Error("was never noticed to change")
}

// A note is made once, of just the contents that are digested, and remembered.
func TestDigestsNote(t *testing.T) {
	for _, contents := range []string{"", "contents", strings.Repeat("x", smallFile), strings.Repeat("y", smallFile+1), strings.Repeat("z", 3*smallFile)} {
		path := tempFile(t, contents)
		looked := 0
		look := func(r io.ReaderAt, size int64) (string, bool) {
			looked++
			b, err := io.ReadAll(io.NewSectionReader(r, 0, size))
			if err != nil || string(b) != contents {
				t.Errorf("%d bytes instead of %d, %v", len(b), len(contents), err)
			}
			return "noted", true
		}
		first := NewDigests(nil, later(), look, nil)
		isDigest(t, first, path, digest(contents))
		second := NewDigests(first.Files(nil), later(), look, nil)
		for _, d := range []*Digests{first, second} {
			if note := d.Note(path); note != "noted" || !d.Unchanged(path) {
				t.Errorf("note %q", note)
			}
		}
		if looked != 1 {
			t.Errorf("looked %d times", looked)
		}
	}
	if note := NewDigests(nil, later(), nil, nil).Note(t.TempDir()); note != "" {
		t.Errorf("of no file: %q", note)
	}
}

// A part of a file has the digest of what is there, and is remembered by where that
// is: in an archive made anew a member is looked for where it is now.
func TestParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lib.a")
	write1(t, path, "head|first|second|")
	parts := map[string]object.Part{"lib.a(x at 5)": {File: path, Offset: 5, Size: 5}, "lib.a(y at 11)": {File: path, Offset: 11, Size: 6}}
	look := func(r io.ReaderAt, size int64) (string, bool) {
		text := make([]byte, size)
		n, _ := r.ReadAt(text, 0)
		return string(text[:n]), true
	}
	first := NewDigests(nil, later(), look, parts)
	for _, d := range []*Digests{first, NewDigests(first.Files(nil), later(), look, parts)} {
		for name, want := range map[string]string{"lib.a(x at 5)": "first", "lib.a(y at 11)": "second"} {
			isDigest(t, d, name, digest(want))
			if note := d.Note(name); note != want || !d.Unchanged(name) {
				t.Errorf("%s: noted %q, unchanged %v", name, note, d.Unchanged(name))
			}
		}
	}
	isDigest(t, NewDigests(first.Files(nil), later(), nil, map[string]object.Part{"lib.a(x at 5)": {File: path, Offset: 6, Size: 4}}),
		"lib.a(x at 5)", digest("irst"))
	if d, err := NewDigests(nil, later(), nil, map[string]object.Part{"x": {File: path, Offset: 11, Size: 60}}).Of("x"); err == nil {
		t.Errorf("a part that runs past the end: %v", d)
	}
	write1(t, path, "head|First|second|")
	if first.Unchanged("lib.a(x at 5)") {
		t.Error("a change was not seen")
	}
}
