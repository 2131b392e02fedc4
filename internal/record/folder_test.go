// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func linkOf(output string) *Link {
	l := sampleLink(3)
	l.Output = output
	return l
}

func save(t *testing.T, folder, output string) (path string) {
	t.Helper()
	check(t, linkOf(output).Save(folder))
	path, err := pathOf(folder, output, ending)
	check(t, err)
	return path
}

// absolute is a path that is one on every system.
func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(string(filepath.Separator), name))
	check(t, err)
	return path
}

func names(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	check(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestSaveAndLoad(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "not", "there", "yet")
	output := absolute(t, "build/bin/program")
	if l, err := Load(folder, output); l != nil || err != nil {
		t.Errorf("before the first link: %v, %v", l, err)
	}
	for i, spelling := range []string{"build/./bin/program", "build/bin/program"} { // the second replaces the first
		want := linkOf(output)
		want.Slots = i
		want.Output = string(filepath.Separator) + spelling
		check(t, want.Save(folder))
		want.Output = output
		// Another spelling of the same path.
		got, err := Load(folder, absolute(t, "build/../build//bin/program"))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v", got, err)
		}
		if l, err := Load(folder, absolute(t, "build/bin/other")); l != nil || err != nil {
			t.Errorf("another output: %v, %v", l, err)
		}
	}
	if got := names(t, folder); len(got) != 2 {
		t.Errorf("in the folder: %v", got)
	}
}

// before is the number of slots by which a test knows the link before.
func before(t *testing.T, folder, output string) int {
	t.Helper()
	l, err := LoadBefore(folder, output)
	check(t, err)
	if l == nil {
		return -1
	}
	return l.Slots
}

func TestLoadBefore(t *testing.T) {
	folder, output := t.TempDir(), absolute(t, "program")
	save(t, folder, absolute(t, "other"))
	for i := range 4 {
		if got := before(t, folder, output); got != i-2 && i > 1 || got != -1 && i < 2 {
			t.Errorf("saved %d: %d is before", i, got)
		}
		l := linkOf(output)
		l.Slots = i
		check(t, l.Save(folder))
	}
	if got := before(t, folder, absolute(t, "other")); got != -1 {
		t.Errorf("another output: %d", got)
	}
	path, err := pathOf(folder, output, endingBefore)
	check(t, err)
	write1(t, path, magic+"987\nwhatever")
	if got := before(t, folder, output); got != -1 {
		t.Errorf("another version: %d", got)
	}
	write1(t, path, "damaged")
	if l, err := LoadBefore(folder, output); l != nil || err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, %v", l, err)
	}
	save(t, folder, output)
	if got := before(t, folder, output); got != 3 {
		t.Errorf("%d is before, after damage", got)
	}
}

// The one before is kept where files have one name only, and a link is saved
// even if it cannot be kept at all. Nothing else is left.
func TestKeepBefore(t *testing.T) {
	folder, output := t.TempDir(), absolute(t, "program")
	path := save(t, folder, output)
	keepBefore(path, filepath.Join(folder, "spare"), func(string, string) error { return errors.ErrUnsupported })
	if got := names(t, folder); !slices.Equal(got, []string{filepath.Base(beforeOf(path))}) {
		t.Errorf("in the folder: %v", got)
	}
	if got := before(t, folder, output); got != linkOf(output).Slots {
		t.Errorf("%d is before", got)
	}
	// A link that was killed left both names to one file.
	save(t, folder, output)
	check(t, os.Remove(beforeOf(path)))
	check(t, os.Link(path, beforeOf(path)))
	save(t, folder, output)
	if got := names(t, folder); len(got) != 2 {
		t.Errorf("in the folder: %v", got)
	}
	check(t, os.Remove(beforeOf(path)))
	check(t, os.MkdirAll(filepath.Join(beforeOf(path), "in the way"), 0o777))
	for i := range 2 {
		l := linkOf(output)
		l.Slots = i
		check(t, l.Save(folder))
		if l, err := Load(folder, output); err != nil || l.Slots != i {
			t.Errorf("%v, %v", l, err)
		}
		if got := names(t, folder); len(got) != 2 {
			t.Errorf("in the folder: %v", got)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	folder := t.TempDir()
	output := absolute(t, "program")
	path := save(t, folder, output)
	whole, err := os.ReadFile(path)
	check(t, err)
	for name, change := range map[string]func() error{
		"empty":     func() error { return os.WriteFile(path, nil, 0o666) },
		"truncated": func() error { return os.WriteFile(path, whole[:len(whole)/2], 0o666) },
		"zeroed":    func() error { return os.WriteFile(path, make([]byte, len(whole)), 0o666) },
		"damaged": func() error {
			b := bytes.Clone(whole)
			b[len(b)/2] ^= 4
			return os.WriteFile(path, b, 0o666)
		},
		"of another output": func() error {
			other := save(t, t.TempDir(), absolute(t, "other"))
			return os.Rename(other, path)
		},
		"huge: more than 67108864": func() error { return os.Truncate(path, maxSize+1) },
		"a folder":                 func() error { check(t, os.Remove(path)); return os.Mkdir(path, 0o777) },
	} {
		t.Run(name, func(t *testing.T) {
			check(t, os.RemoveAll(path))
			check(t, os.WriteFile(path, whole, 0o666))
			check(t, change())
			l, err := Load(folder, output)
			_, words, _ := strings.Cut(name, ": ")
			if l != nil || err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), words) {
				t.Errorf("%v, %v", l, err)
			}
		})
	}
	if l, err := Load(folder, "program"); l != nil || err == nil || !strings.Contains(err.Error(), "program") {
		t.Errorf("a relative path: %v, %v", l, err)
	}
	check(t, os.RemoveAll(path))
	check(t, os.WriteFile(path, []byte(magic+"987\nwhatever"), 0o666))
	if l, err := Load(folder, output); l != nil || err != nil {
		t.Errorf("of another version: %v, %v", l, err)
	}
}

func TestSaveRefuses(t *testing.T) {
	file := tempFile(t, "in the way")
	before := names(t, filepath.Dir(file))
	for name, err := range map[string]error{
		"relative output":       linkOf("program").Save(t.TempDir()),
		"a file for the folder": linkOf(absolute(t, "program")).Save(file),
		"nothing fit to write":  (&Link{Output: absolute(t, "program"), Jobs: []Job{{Outcome: 99}}}).Save(filepath.Dir(file)),
	} {
		if err == nil {
			t.Errorf("%s: saved", name)
		}
	}
	folder := t.TempDir()
	path, err := pathOf(folder, absolute(t, "program"), ending)
	check(t, err)
	check(t, os.MkdirAll(filepath.Join(path, "in the way"), 0o777))
	if err := linkOf(absolute(t, "program")).Save(folder); err == nil {
		t.Error("saved in place of a folder")
	}
	if left := names(t, folder); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	if left := names(t, filepath.Dir(file)); !slices.Equal(left, before) {
		t.Errorf("left: %v", left)
	}
}

// aged makes a file as old as that.
func aged(t *testing.T, path string, age time.Duration) {
	t.Helper()
	when := time.Now().Add(-age)
	check(t, os.Chtimes(path, when, when))
}

func outputs(t *testing.T, folder string) (outputs []string) {
	t.Helper()
	list, err := List(folder)
	check(t, err)
	for _, s := range list {
		outputs = append(outputs, filepath.Base(s.Output))
		path, err := pathOf(folder, s.Output, ending)
		bytes := stat1(t, path).Size
		if before, err := os.Stat(beforeOf(path)); err == nil {
			bytes += before.Size()
		}
		if err != nil || bytes != s.Bytes || stat1(t, path).ModTime != s.When.UnixNano() {
			t.Errorf("%+v, %v", s, err)
		}
	}
	return outputs
}

func TestSavedFileMode(t *testing.T) {
	folder := t.TempDir()
	path := save(t, folder, absolute(t, "a"))
	plain := filepath.Join(folder, "plain")
	write1(t, plain, "")
	var modes []fs.FileMode
	for _, file := range []string{path, plain} {
		info, err := os.Stat(file)
		check(t, err)
		modes = append(modes, info.Mode())
	}
	if modes[0] != modes[1] {
		t.Errorf("%v, and other files are %v", modes[0], modes[1])
	}
}
