// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/dtlto/dtlto/internal/filestat"
	"github.com/dtlto/dtlto/internal/object"
	"github.com/dtlto/dtlto/internal/settings"
)

// InspectAll inspects files one after the other. One that cannot be inspected keeps none
// of the others from it; the error has all of theirs.
func InspectAll(ctx context.Context, s *settings.Settings, names []string, asJSON bool, w io.Writer) error {
	var failed []error
	for _, name := range names {
		if err := Inspect(ctx, s, name, asJSON, w); err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// Inspect says what a file is, as far as links have to do with it: bitcode, an index
// shard, an archive, a job file, a map, a record, an entry of the cache and others. The
// name may also be that of an archive's member, as "libx.a(m.o)" or "libx.a(m.o at 86)",
// or the digest of something in the cache. Damaged files are no error: what is wrong
// with them is said with the rest.
func Inspect(ctx context.Context, s *settings.Settings, name string, asJSON bool, w io.Writer) error {
	i := &inspector{ctx: ctx, settings: s, left: maxRead}
	found, err := i.named(name)
	if err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if asJSON {
		return writeJSON(w, found)
	}
	found.print(w)
	return nil
}

// What is looked at, at most, of files that anybody may have made.
const (
	maxRead    = 4 << 30   // bytes in all, of what is read piece by piece
	maxBitcode = 256 << 20 // bytes of a bitcode file; they become 8 times as many in memory if somebody wants that
	maxNamed   = 32 << 20  // bytes of a module that symbols get their names from
	maxShard   = 8 << 20   // bytes of an index shard, which is held in memory; those of large programs have some 100 KiB
	maxText    = 256 << 20 // bytes of a job file, a map or a list: 20,000 modules with 60 imports each have 80 MiB
	maxListed  = 100_000   // elements of a list in JSON
	maxMembers = 1_000_000 // of an archive
)

// An inspection is what is known of a file. The names in JSON are for scripts: none may
// be changed without need.
type inspection struct {
	File     string `json:"file"`
	Kind     string `json:"kind"`
	What     string `json:"what"`
	Size     int64  `json:"size"`
	Contents string `json:"contents,omitzero"` // of an object: what the part of it is that the rest is about
	Problem  string `json:"problem,omitzero"`  // why no more is known

	Entry   *entryFacts   `json:"cache_entry,omitzero"`
	Bitcode *bitcodeFacts `json:"bitcode,omitzero"`
	Index   *indexFacts   `json:"index,omitzero"`
	Archive *archiveFacts `json:"archive,omitzero"`
	Jobs    *jobFacts     `json:"job_file,omitzero"`
	Map     *mapFacts     `json:"map,omitzero"`
	Imports []string      `json:"imports,omitzero"`
	Link    *linkFacts    `json:"link_record,omitzero"`
	Result  *resultFacts  `json:"result,omitzero"`
	Events  *eventFacts   `json:"events,omitzero"`
}

// A source is a file, or a part of one, that is being looked at.
type source struct {
	io.ReaderAt
	path string // of the file
	name string // to people
	size int64
}

// reader gives all of it from the beginning.
func (s *source) reader() io.Reader { return io.NewSectionReader(s, 0, s.size) }

// head is how the source begins.
func (s *source) head(most int64) ([]byte, error) {
	head := make([]byte, min(max(s.size, 0), most))
	n, err := s.ReadAt(head, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head[:n], err
}

// An inspector looks at a file.
type inspector struct {
	ctx      context.Context
	settings *settings.Settings
	left     int64 // bytes that may still be read, of all that is read piece by piece
}

// named finds what a name is of: a file, a member of an archive, a digest.
func (i *inspector) named(name string) (*inspection, error) {
	s, done, err := i.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if archive, member, offset, ok := memberName(name); ok {
			return i.member(archive, member, offset)
		}
		if hash, ok := digestName(name); ok {
			return i.entry(name, hash)
		}
	}
	if err != nil {
		return nil, err
	}
	defer done()
	return i.file(s), nil
}

// openRegular opens a regular file. Nothing that is not one is waited for.
func openRegular(path string) (*os.File, int64, error) {
	f, err := filestat.Open(path)
	if err != nil {
		return nil, 0, unusable(path, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("a folder, and inspect is for files (of the cache's folder, dtlto cache stat says what is in it)")
	} else if err == nil && !info.Mode().IsRegular() {
		err = filestat.ErrNotFile
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, unusable(path, err)
	}
	return f, info.Size(), nil
}

func unusable(path string, err error) error {
	return &UsageError{fmt.Errorf("%s: %w", plain(path), withoutPath(err))}
}

// file looks at a whole file.
func (i *inspector) file(s *source) *inspection {
	found := &inspection{File: s.path, Size: s.size}
	i.contents(found, s)
	i.entryFile(found, s)
	return found
}

// contents looks at what an object, an archive or a text is.
func (i *inspector) contents(found *inspection, s *source) {
	head, err := s.head(4096)
	if err != nil {
		found.fail("unknown", "cannot be read", err)
		return
	}
	switch kind := object.Identify(head); kind {
	case object.Bitcode:
		i.bitcode(found, s)
	case object.ELF:
		i.elf(found, s, head)
	case object.Archive, object.ThinArchive:
		i.archive(found, s, kind)
	case object.COFF, object.COFFImport, object.MachO:
		found.is(otherKinds[kind], otherKinds[kind]+" file: native code, which dtlto does not look into")
	default:
		i.other(found, s, head)
	}
}

// otherKinds are kinds of which no more is said.
var otherKinds = map[object.Kind]string{object.COFF: "coff", object.COFFImport: "coff-import", object.MachO: "mach-o"}

func (found *inspection) is(kind, what string) { found.Kind, found.What = kind, what }

// fail is for what is of a kind but cannot be read as it.
func (found *inspection) fail(kind, what string, err error) {
	found.is(kind, what)
	found.Problem = err.Error()
}

// open is a file as a source that can be read for as long as nobody interrupts and the
// inspector has bytes left: an archive may have one large file a million times.
func (i *inspector) open(path string) (*source, func(), error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, nil, err
	}
	return &source{&counter{i, f}, path, path, size}, func() { _ = f.Close() }, nil
}

// A counter counts what is read.
type counter struct {
	i *inspector
	r io.ReaderAt
}

func (c *counter) ReadAt(p []byte, at int64) (int, error) {
	if err := context.Cause(c.i.ctx); err != nil {
		return 0, err
	}
	if c.i.left -= int64(len(p)); c.i.left < 0 {
		return 0, fmt.Errorf("more than %s would have to be read", size(maxRead))
	}
	return c.r.ReadAt(p, at)
}

// tooLarge says so of a file of a kind that is looked at only up to a size.
func (found *inspection) tooLarge(s *source, most int64) bool {
	if s.size <= most {
		return false
	}
	found.Problem = fmt.Sprintf("too large to be looked into: %s, and at most %s are", size(s.size), size(most))
	return true
}
