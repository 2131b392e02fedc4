// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
)

const part = "libx.a(m.o at 86)"

// copies is an archive and what a linker wrote of one of its members.
func copies(t *testing.T) Copy {
	folder := t.TempDir()
	c := Copy{Path: filepath.Join(folder, "libx.a(m.o at 86).2.A52.o"), Part: part, Original: filepath.Join(folder, "libx.a"), Read: later()}
	write1(t, c.Original, "an archive with a member")
	write1(t, c.Path, "a member")
	return c
}

func isCopyDigest(t *testing.T, d *Digests, c Copy, want cas.Digest) {
	t.Helper()
	if got, err := d.OfCopy(c); err != nil || got != want {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestOfCopy(t *testing.T) {
	c := copies(t)
	first := NewDigests(nil, later())
	isCopyDigest(t, first, c, digest("a member"))
	known := first.Files(func(name string) bool { return name == part })
	if len(known) != 1 || known[0] != (File{part, stat1(t, c.Original), digest("a member"), c.Original}) {
		t.Fatalf("remembered: %v", known)
	}
	// The next link writes it elsewhere, and with other contents, which shows
	// that it is not read.
	next := c
	next.Path = filepath.Join(filepath.Dir(c.Path), "libx.a(m.o at 86).2.B53.o")
	write1(t, next.Path, "A MEMBER")
	d := NewDigests(known, later())
	isCopyDigest(t, d, next, digest("a member"))
	if got := d.Files(nil); len(got) != 1 || got[0] != known[0] {
		t.Errorf("remembered again: %v", got)
	}
	// It is read before a result is published that was made of it.
	if d.Unchanged(next.Path) || !first.Unchanged(c.Path) {
		t.Error("unchanged, or changed")
	}
}

func TestOfCopyHashed(t *testing.T) {
	for name, change := range map[string]func(c *Copy, known *File){
		"another part":            func(c *Copy, _ *File) { c.Part = "libx.a(m.o at 90)" },
		"an archive elsewhere":    func(_ *Copy, known *File) { known.Original += "2" },
		"an archive that changed": func(_ *Copy, known *File) { known.Stat.ChangeTime-- },
		"an archive that is gone": func(c *Copy, _ *File) { _ = os.Remove(c.Original) },
		"another size":            func(_ *Copy, known *File) { known.Digest.Size++ },
		"read at a time unknown":  func(c *Copy, _ *File) { c.Read = time.Time{} },
		"read when it was fresh":  func(c *Copy, _ *File) { c.Read = time.Now().Add(time.Second) },
		"a file of that name":     func(_ *Copy, known *File) { known.Original = "" },
	} {
		t.Run(name, func(t *testing.T) {
			c := copies(t)
			known := File{part, stat1(t, c.Original), digest("A MEMBER"), c.Original}
			isCopyDigest(t, NewDigests([]File{known}, later()), c, digest("A MEMBER"))
			change(&c, &known)
			isCopyDigest(t, NewDigests([]File{known}, later()), c, digest("a member"))
		})
	}
}

// What the linker read cannot be told from what was written right after it.
func TestOfCopyNotRemembered(t *testing.T) {
	c := copies(t)
	for _, read := range []time.Time{{}, time.Now().Add(time.Second)} {
		c.Read = read
		d := NewDigests(nil, later())
		isCopyDigest(t, d, c, digest("a member"))
		if files := d.Files(nil); len(files) > 0 {
			t.Errorf("read at %v and remembered: %v", read, files)
		}
	}
	check(t, os.Remove(c.Path))
	c.Read = later()
	known := File{part, stat1(t, c.Original), digest("a member"), c.Original}
	for _, d := range []*Digests{NewDigests(nil, later()), NewDigests([]File{known}, later())} {
		if _, err := d.OfCopy(c); err == nil || len(d.Files(nil)) > 0 {
			t.Errorf("a copy that is not there: %v, %v", err, d.Files(nil))
		}
	}
}
