// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"bytes"
	"fmt"
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
	path, err := pathOf(folder, output)
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
	for _, spelling := range []string{"build/./bin/program", "build/bin/program"} { // the second replaces the first
		want := linkOf(output)
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
	if got := names(t, folder); len(got) != 1 {
		t.Errorf("in the folder: %v", got)
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
	path, err := pathOf(folder, absolute(t, "program"))
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
		if path, err := pathOf(folder, s.Output); err != nil || stat1(t, path).Size != s.Bytes || stat1(t, path).ModTime != s.When.UnixNano() {
			t.Errorf("%+v, %v", s, err)
		}
	}
	return outputs
}

func TestList(t *testing.T) {
	folder := t.TempDir()
	aged(t, save(t, folder, absolute(t, "b")), time.Hour)
	aged(t, save(t, folder, absolute(t, "c")), time.Minute)
	aged(t, save(t, folder, absolute(t, "a")), 2*time.Hour)
	stray := save(t, t.TempDir(), absolute(t, "stray"))
	hash := strings.Repeat("0", 32)
	check(t, os.Rename(stray, filepath.Join(folder, hash+ending)))
	for name, text := range map[string]string{
		"README": "", aside + "0": "", strings.Repeat("1", 32) + ending: "", strings.Repeat("2", 32) + ending: magic + version,
		strings.Repeat("3", 32) + ending: magic + version + "\xff\xff\xff\xff\xff\xff\xff\xff\x7fx", strings.Repeat("4", 32) + ending: magic + version + "\x05abc",
		strings.Repeat("5", 32) + ending: magic + "2\n\x01/",
	} {
		write1(t, filepath.Join(folder, name), text)
	}
	check(t, os.Mkdir(filepath.Join(folder, strings.Repeat("6", 32)+ending), 0o777))
	if got := outputs(t, folder); !slices.Equal(got, []string{"c", "b", "a"}) {
		t.Errorf("%v", got)
	}
	if list, err := List(filepath.Join(folder, "missing")); len(list) > 0 || err != nil {
		t.Errorf("no folder: %v, %v", list, err)
	}
	if _, err := List(filepath.Join(folder, "README")); err == nil {
		t.Error("listed a file")
	}
}

// The first record of an output is when old ones go, and the first for a day.
func TestSaveTidies(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		output string // that is linked now
		left   []string
	}{
		{"current", []string{"current", "recent", "old"}},
		{"recent", []string{"recent", "current"}},
		{"new", []string{"new", "current", "recent"}},
	} {
		t.Run(tc.output, func(t *testing.T) {
			folder := t.TempDir()
			for output, age := range map[string]time.Duration{"old": 31 * day, "recent": 29 * day, "current": 23 * time.Hour} {
				path := save(t, t.TempDir(), absolute(t, output))
				aged(t, path, age)
				check(t, os.Rename(path, filepath.Join(folder, filepath.Base(path))))
			}
			young, abandoned, foreign := filepath.Join(folder, aside+"1"), filepath.Join(folder, aside+"2"), filepath.Join(folder, "foreign")
			for path, age := range map[string]time.Duration{young: time.Minute, abandoned: 2 * time.Hour, foreign: 99 * day} {
				write1(t, path, "")
				aged(t, path, age)
			}
			save(t, folder, absolute(t, tc.output))
			if got := outputs(t, folder); !slices.Equal(got, tc.left) {
				t.Errorf("left: %v", got)
			}
			for path, want := range map[string]bool{young: true, abandoned: tc.output == "current", foreign: true} {
				if _, err := os.Stat(path); (err == nil) != want {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
	}
}

func TestPrune(t *testing.T) {
	folder := t.TempDir()
	var bytes int64
	for i := range 6 {
		path := save(t, folder, absolute(t, fmt.Sprint(i)))
		aged(t, path, time.Duration(i)*time.Hour)
		bytes = stat1(t, path).Size
	}
	for _, step := range []struct {
		prune func() error
		left  []string
	}{
		{func() error { return Prune(folder, time.Now().Add(-24*time.Hour)) }, []string{"0", "1", "2", "3", "4", "5"}},
		{func() error { return Prune(folder, time.Now().Add(-270*time.Minute)) }, []string{"0", "1", "2", "3", "4"}},
		{func() error { return prune(folder, time.Time{}, 4, maxBytes) }, []string{"0", "1", "2", "3"}},
		{func() error { return prune(folder, time.Time{}, 9, 4*bytes) }, []string{"0", "1", "2", "3"}},
		{func() error { return prune(folder, time.Time{}, 9, 4*bytes-1) }, []string{"0", "1", "2"}},
		{func() error { return Prune(folder, time.Now().Add(time.Hour)) }, nil},
	} {
		check(t, step.prune())
		if got := outputs(t, folder); !slices.Equal(got, step.left) {
			t.Errorf("left: %v, want %v", got, step.left)
		}
	}
	check(t, Prune(filepath.Join(folder, "missing"), time.Now()))
}

func TestClear(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "records")
	save(t, folder, absolute(t, "a"))
	save(t, folder, absolute(t, "b"))
	write1(t, filepath.Join(folder, aside+"1"), "")
	write1(t, filepath.Join(folder, "foreign"), "")
	foreign := filepath.Join(folder, strings.Repeat("0", 32)+ending)
	check(t, os.Mkdir(foreign, 0o777))
	check(t, Clear(folder))
	if got := names(t, folder); !slices.Equal(got, []string{filepath.Base(foreign), "foreign"}) {
		t.Errorf("left: %v", got)
	}
	check(t, os.Remove(foreign))
	check(t, os.Remove(filepath.Join(folder, "foreign")))
	save(t, folder, absolute(t, "a"))
	check(t, Clear(folder))
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
	check(t, Clear(folder))
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
