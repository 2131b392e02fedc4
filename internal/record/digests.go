// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/filestat"
	"github.com/dtlto/dtlto/internal/object"
)

// File is a file whose digest is remembered: as long as its Stat is this one,
// its contents are those.
type File struct {
	Path   string
	Stat   filestat.Stat
	Digest cas.Digest
	Note   string // what a Look made of the contents
}

// A Look makes a short note of a file's contents while they are being digested
// anyway. The note is remembered with the digest, unless it says that it is not to
// be relied on.
type Look func(r io.ReaderAt, size int64) (note string, ok bool)

// Digests gives the digests of a link's files: the remembered ones of files
// that are as they were, and those of the others by reading them, once. All
// methods may be called concurrently.
type Digests struct {
	now   time.Time // by the file system
	since time.Time // when it was now, for the time that has passed since then
	look  Look
	parts map[string]object.Part

	mu    sync.Mutex
	files map[string]*file // by key
}

// file is a path that was asked for, or that the last link knew.
type file struct {
	known *File // what the last link remembers

	once    sync.Once
	asked   atomic.Bool // once is done; what follows does not change any more
	stat    filestat.Stat
	digest  cas.Digest
	note    string
	err     error
	settled atomic.Bool // changes would show in stat; becomes true, never false
}

// NewDigests starts with what the last link remembers. now is the time by the
// clock that stamps files, and must not be later than that: the time of a file
// that was just written, but not later than the system's own. Paths are looked
// up as they are spelled, so known must come from a link in the same working
// directory (see [Link.Known]). look may be nil, as may parts: by the names under
// which they are asked for, those that are no files of their own.
func NewDigests(known []File, now time.Time, look Look, parts map[string]object.Part) *Digests {
	d := &Digests{now: now, since: time.Now(), look: look, parts: parts, files: make(map[string]*file, len(known))}
	entries := make([]file, len(known))
	for i := range known {
		entries[i].known = &known[i]
		d.files[known[i].Path] = &entries[i]
	}
	return d
}

// Of is the digest of a regular file, symbolic links followed. A file that
// changes while it is read is an error. The answer for a path stays the same,
// whatever becomes of the file: see [Digests.Unchanged].
func (d *Digests) Of(path string) (cas.Digest, error) {
	f := d.found(path)
	return f.digest, f.err
}

// Note is what the Look made of a file; empty if the file cannot be digested.
func (d *Digests) Note(path string) string { return d.found(path).note }

func (d *Digests) found(path string) *file {
	f := d.file(path)
	f.once.Do(func() {
		d.find(f, path)
		f.asked.Store(true)
	})
	return f
}

func (d *Digests) file(path string) *file {
	key := path
	if part, ok := d.parts[path]; ok {
		key = partKey(path, part)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[key]
	if f == nil {
		f = new(file)
		d.files[key] = f
	}
	return f
}

// partKey is what the digest of a part is remembered under. No path has a zero byte.
func partKey(name string, p object.Part) string {
	return fmt.Sprintf("%s\x00%d+%d", name, p.Offset, p.Size)
}

// place is where the contents are that go by the name of path.
func (d *Digests) place(path string) (place object.Part, isPart bool) {
	if part, ok := d.parts[path]; ok {
		return part, true
	}
	return object.Part{File: path}, false
}

func (d *Digests) find(f *file, path string) {
	place, isPart := d.place(path)
	if f.stat, f.err = filestat.Of(place.File); f.err != nil {
		return
	}
	// A remembered file was settled when it was hashed. That it must be now as
	// well matters when the clock was set back since: its times will come again.
	if f.known != nil && f.known.Stat == f.stat && f.stat.Settled(d.now) {
		f.digest, f.note = f.known.Digest, f.known.Note
		f.settled.Store(true)
		return
	}
	at, noted := d.clock(), true
	f.digest, f.stat, f.err = hashFile(place, isPart, func(r io.ReaderAt, size int64) {
		if d.look != nil {
			f.note, noted = d.look(r, size)
		}
	})
	f.settled.Store(f.err == nil && noted && f.stat.Settled(at))
}

// clock is the time by the file system, or somewhat earlier.
func (d *Digests) clock() time.Time { return d.now.Add(time.Since(d.since)) }

var errChanges = errors.New("changes while it is being read")

// smallFile is up to what size in bytes a file is read at once.
const smallFile = 256 << 10

var buffers = sync.Pool{New: func() any { return new([smallFile + 1]byte) }}

// hashFile reads a file, or a part of one, whole. The Stat is that of just these
// contents, which look sees as well.
func hashFile(place object.Part, isPart bool, look func(io.ReaderAt, int64)) (cas.Digest, filestat.Stat, error) {
	f, err := filestat.Open(place.File)
	if err != nil {
		return cas.Digest{}, filestat.Stat{}, err
	}
	defer f.Close()
	before, err := filestat.OfOpen(f)
	if err != nil {
		return cas.Digest{}, filestat.Stat{}, err
	}
	if !isPart {
		place.Size = before.Size
	}
	digest, err := hashOpen(f, place, isPart, look)
	if err != nil {
		return cas.Digest{}, filestat.Stat{}, err
	}
	after, err := filestat.OfOpen(f)
	if err == nil && (after != before || digest.Size != place.Size) {
		err = &fs.PathError{Op: "read", Path: place.File, Err: errChanges}
	}
	if err != nil {
		return cas.Digest{}, filestat.Stat{}, err
	}
	return digest, after, nil
}

func hashOpen(f *os.File, place object.Part, isPart bool, look func(io.ReaderAt, int64)) (cas.Digest, error) {
	if isPart || place.Size > smallFile {
		var r io.Reader = f
		var at io.ReaderAt = f
		if isPart {
			part := io.NewSectionReader(f, place.Offset, place.Size)
			r, at = part, part
		}
		digest, err := cas.DigestOfReader(r)
		if err == nil {
			look(at, digest.Size)
		}
		return digest, err
	}
	buffer := buffers.Get().(*[smallFile + 1]byte)
	defer buffers.Put(buffer)
	n, err := io.ReadFull(f, buffer[:place.Size+1]) // a byte more, to see the end
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return cas.Digest{}, cmp.Or[error](err, &fs.PathError{Op: "read", Path: f.Name(), Err: errChanges})
	}
	look(bytes.NewReader(buffer[:n]), int64(n))
	return cas.DigestOf(buffer[:n]), nil
}

// Unchanged says whether the file at path is still the one whose digest Of
// gave, and has been since. It is asked before a result is published that a
// compiler made from the file some time after Of: a file that was edited
// meanwhile must not give its object to the earlier contents. A change of
// anything in Stat counts, so a new hard link to the file does, too.
//
// Usually this is one look at the file's Stat. A file that was hashed within
// the clock's granularity of its last change is read again.
func (d *Digests) Unchanged(path string) bool {
	f := d.file(path)
	if !f.asked.Load() || f.err != nil {
		return false
	}
	place, isPart := d.place(path)
	if stat, err := filestat.Of(place.File); err != nil || stat != f.stat {
		return false
	}
	if f.settled.Load() {
		return true
	}
	at := d.clock()
	digest, stat, err := hashFile(place, isPart, func(io.ReaderAt, int64) {})
	if err != nil || digest != f.digest || stat != f.stat {
		return false
	}
	if stat.Settled(at) {
		f.settled.Store(true)
	}
	return true
}

// Files are those that were asked for and whose digests the next link may rely
// on, sorted by path. keep chooses among them by path; nil keeps all.
func (d *Digests) Files(keep func(path string) bool) []File {
	d.mu.Lock()
	defer d.mu.Unlock()
	files := make([]File, 0, len(d.files))
	for path, f := range d.files {
		if f.asked.Load() && f.settled.Load() && (keep == nil || keep(path)) {
			files = append(files, File{path, f.stat, f.digest, f.note})
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files
}
