// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package filestat

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stat1(t testing.TB, path string) Stat {
	t.Helper()
	s, err := Of(path)
	check(t, err)
	return s
}

func tempFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(path, []byte(text), 0o666))
	return path
}

func TestSettled(t *testing.T) {
	const second = int64(time.Second)
	at := time.Unix(2_000_000_000, 500)
	now, old := at.UnixNano(), 1_000_000_000*second
	for _, tc := range []struct {
		name    string
		stat    Stat
		settled bool
	}{
		{"old", Stat{ModTime: old, ChangeTime: old + 1}, true},
		{"at the margin", Stat{ModTime: old, ChangeTime: now - int64(Margin)}, false},
		{"before the margin", Stat{ModTime: old, ChangeTime: now - int64(Margin) - 1}, true},
		{"with an old time set just now", Stat{ModTime: old, ChangeTime: now - 1}, false},
		{"modified in the future", Stat{ModTime: now + second, ChangeTime: old + 1}, false},
		{"from the future", Stat{ModTime: old, ChangeTime: now + 1}, false},
		{"of an unknown image", Stat{ModTime: old, ChangeTime: old}, false},
		{"of a mounted image", Stat{ModTime: old, ChangeTime: old, Mount: 7}, true},
		{"of an image mounted just now made", Stat{ModTime: old, ChangeTime: now/second*second - 39*second, Mount: 7}, false},
		{"without a change time", Stat{ModTime: old + 1}, false},
	} {
		if got := tc.stat.Settled(at); got != tc.settled {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// A field that is added is in the text as well.
func TestString(t *testing.T) {
	seen := map[string]bool{Stat{}.String(): true}
	for i := range reflect.TypeFor[Stat]().NumField() {
		var s Stat
		if field := reflect.ValueOf(&s).Elem().Field(i); field.CanInt() {
			field.SetInt(-3)
		} else {
			field.SetUint(1 << 63)
		}
		if seen[s.String()] {
			t.Errorf("field %d does not count: %s", i, s)
		}
		seen[s.String()] = true
	}
}

func TestOf(t *testing.T) {
	path := tempFile(t, "contents")
	link := path + ".link"
	check(t, os.Symlink(path, link))
	f, err := Open(path)
	check(t, err)
	defer f.Close()
	open, err := OfOpen(f)
	check(t, err)
	if s := stat1(t, path); s != open || s != stat1(t, link) || s.Size != 8 || s.Mount != 0 {
		t.Errorf("by its name %v, open %v", s, open)
	}
	folder, err := Open(filepath.Dir(path))
	check(t, err)
	defer folder.Close()
	if _, err := OfOpen(folder); !errors.Is(err, ErrNotFile) {
		t.Errorf("an open folder: %v", err)
	}
	if _, err := Of(filepath.Dir(path)); !errors.Is(err, ErrNotFile) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Of(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func BenchmarkOf(b *testing.B) {
	path := tempFile(b, "contents")
	b.ReportAllocs()
	for b.Loop() {
		stat1(b, path)
	}
}
