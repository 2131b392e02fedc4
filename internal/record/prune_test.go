// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestList(t *testing.T) {
	folder := t.TempDir()
	aged(t, save(t, folder, absolute(t, "b")), time.Hour)
	aged(t, save(t, folder, absolute(t, "c")), time.Minute)
	save(t, folder, absolute(t, "a")) // will be the one before
	aged(t, save(t, folder, absolute(t, "a")), 2*time.Hour)
	stray := save(t, t.TempDir(), absolute(t, "stray"))
	hash := strings.Repeat("0", 32)
	check(t, os.Rename(stray, filepath.Join(folder, hash+ending)))
	for name, text := range map[string]string{
		"README": "", aside + "0": "", strings.Repeat("1", 32) + ending: "", strings.Repeat("2", 32) + ending: magic + version,
		strings.Repeat("3", 32) + ending: magic + version + "\xff\xff\xff\xff\xff\xff\xff\xff\x7fx", strings.Repeat("4", 32) + ending: magic + version + "\x05abc",
		strings.Repeat("5", 32) + ending: magic + "2\n\x01/",
		nameOf("/", endingBefore):        magic + version + "\x01/",
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

// A record before another goes when that goes, however young, and when that is
// gone.
func TestPruneBefore(t *testing.T) {
	folder := t.TempDir()
	var paths []string
	for i := range 3 {
		output := absolute(t, fmt.Sprint(i))
		save(t, folder, output)
		paths = append(paths, save(t, folder, output))
		aged(t, paths[i], time.Duration(i)*time.Hour)
	}
	foreign := filepath.Join(folder, "x"+endingBefore)
	write1(t, foreign, "")
	check(t, os.Remove(paths[0]))
	check(t, Prune(folder, time.Now().Add(-90*time.Minute)))
	want := []string{filepath.Base(paths[1]), filepath.Base(beforeOf(paths[1])), filepath.Base(foreign)}
	slices.Sort(want)
	if got := names(t, folder); !slices.Equal(got, want) {
		t.Errorf("left: %v, want %v", got, want)
	}
	// Both count.
	check(t, prune(folder, time.Time{}, 9, 2*stat1(t, paths[1]).Size-1))
	if got := names(t, folder); !slices.Equal(got, []string{filepath.Base(foreign)}) {
		t.Errorf("left: %v", got)
	}
}

func TestClear(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "records")
	save(t, folder, absolute(t, "a"))
	save(t, folder, absolute(t, "b"))
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
