// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"time"

	"github.com/dtlto/dtlto/internal/cas"
)

// Copy is a file that the linker wrote, of a part of another file: LLD writes
// out an archive's member or a section with bitcode, anew in each link and under
// another path. If the original is as it was, so is the copy.
type Copy struct {
	Path     string
	Part     string // the same in each link, such as "libx.a(m.o at 86)"
	Original string // the archive's path
	// Read is a time before the linker read the original, by the clock that
	// stamps files. If it is zero, the copy is hashed.
	Read time.Time
}

// OfCopy is the digest of a copy, like that of a file by [Digests.Of]. It is
// remembered by the original's Stat if that has not changed since the linker
// read it. What is remembered must have been written by the same linker.
func (d *Digests) OfCopy(c Copy) (cas.Digest, error) {
	f := d.file(c.Path)
	f.once.Do(func() {
		d.findCopy(f, c)
		f.asked.Store(true)
	})
	return f.digest, f.err
}

func (d *Digests) findCopy(f *file, c Copy) {
	f.copy = true
	original, err := statOf(c.Original)
	if err != nil || c.Read.IsZero() || !original.settled(min(c.Read.UnixNano(), d.now)) {
		d.find(f, c.Path)
		return
	}
	if known := d.known[c.Part]; known == nil || known.Original != c.Original || known.Stat != original {
		d.find(f, c.Path)
	} else if f.stat, f.err = statOf(c.Path); f.err == nil {
		f.digest = known.Digest
		if f.stat.Size != known.Digest.Size {
			d.find(f, c.Path) // no copy of that
		}
	}
	if f.err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.copies = append(d.copies, File{c.Part, original, f.digest, c.Original})
	}
}
