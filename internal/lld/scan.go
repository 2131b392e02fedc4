// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"errors"
	"io"
	"os"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/object"
)

// Found is what FindThinLTO found.
type Found struct {
	// ThinLTO says that the link has ThinLTO bitcode.
	ThinLTO bool
	// File is the first input that has it.
	File string
	// Triple is what that is for.
	Triple string
	// Major is the LLVM major version that made it, 0 if it does not say.
	Major int
	// Minimized says that File has no code in it. If it is not known where that is,
	// there is no Triple.
	Minimized bool
}

// FindThinLTO opens the inputs of a link in order until one has ThinLTO
// bitcode. It reads little: heads of files, headers of archive members, and of
// bitcode what tells its kind. What cannot be read or is broken is passed over;
// the linker will say so. Bitcode that only a dependent-library record of a
// native object leads to is not found.
func (c *Command) FindThinLTO() Found { return c.search(false) }

// NewestProducer is the highest LLVM major version that made any ThinLTO
// bitcode of the link, 0 if none says: the only one that can read it all.
func (c *Command) NewestProducer() int { return c.search(true).Major }

func (c *Command) search(all bool) Found {
	if mode, _ := c.Last("lto"); mode == "full" {
		return Found{} // unified bitcode, all of it linked as regular LTO
	}
	s := newScan(c)
	s.all = all
	for path := range c.InputFiles() {
		if s.file(path) {
			break
		}
	}
	return s.found
}

func newScan(c *Command) scan {
	return scan{command: c, fat: c.Enabled("fat-lto-objects"), seen: map[string]bool{}}
}

// scan is a search under way. Its methods return true when it is over.
type scan struct {
	command *Command
	fat     bool            // look into ELF objects for FatLTO's section
	all     bool            // go on after the first
	seen    map[string]bool // files looked at: the C library comes several times
	found   Found
}

// maxScript is how much of a linker script is read, in bytes; scripts with
// input lists are small.
const maxScript = 1 << 20

func (s *scan) file(path string) bool {
	if s.seen[path] {
		return false
	}
	s.seen[path] = true
	f, size, err := openFile(path)
	if err != nil {
		return false
	}
	defer f.Close()
	switch kind := kindOf(f); kind {
	case object.Archive, object.ThinArchive:
		return s.archive(path, f, size)
	case object.Unknown:
		return s.script(path, f)
	default:
		return s.contents(path, kind, f, size)
	}
}

var errNotRegular = errors.New("not a regular file")

// openFile opens a regular file. Something else it does not even open: whoever writes
// into a pipe would take us for the linker.
func openFile(path string) (f *os.File, size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errNotRegular
	}
	f, err = os.Open(path)
	return f, info.Size(), err
}

func kindOf(r io.ReaderAt) object.Kind {
	var head [object.HeadSize]byte
	n, err := r.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return object.Unknown
	}
	return object.Identify(head[:n])
}

// contents looks at an object: a file, or a member of an archive in one.
func (s *scan) contents(path string, kind object.Kind, r io.ReaderAt, size int64) bool {
	switch {
	case kind == object.Bitcode:
		return s.bitcode(path, r, size)
	case kind == object.ELF && s.fat:
		offset, length, ok, err := object.Section(r, size, ".llvm.lto")
		if err != nil || !ok {
			return false
		}
		return s.bitcode(path, io.NewSectionReader(r, offset, length), length)
	}
	return false
}

func (s *scan) bitcode(path string, r io.ReaderAt, size int64) bool {
	id, err := bitcode.IdentifyAt(r, size)
	if err != nil || !id.ThinLTO() {
		return false
	}
	minimized := id.Minimized()
	id = s.command.wholeOf(path, id)
	if !s.found.ThinLTO {
		s.found = Found{ThinLTO: true, File: path, Triple: id.Modules[0].Triple, Minimized: minimized}
	}
	s.found.Major = max(s.found.Major, id.LLVMMajor())
	return !s.all
}

func (s *scan) archive(path string, f io.ReaderAt, size int64) bool {
	for member, err := range object.Members(f, size) {
		if err != nil {
			return false
		}
		if member.Thin {
			if s.file(object.ThinPath(path, member)) {
				return true
			}
			continue
		}
		r := io.NewSectionReader(f, member.Offset, member.Size)
		if s.contents(path, kindOf(r), r, member.Size) {
			return true
		}
	}
	return false
}

func (s *scan) script(path string, f io.Reader) bool {
	text, err := io.ReadAll(io.LimitReader(f, maxScript))
	if err != nil {
		return false
	}
	script := readScript(string(text))
	for _, name := range script.includes {
		if file := s.command.included(name); file != "" && s.file(file) {
			return true
		}
	}
	for _, named := range script.names {
		if file, _ := s.command.scriptInput(path, named.name); file != "" && s.file(file) {
			return true
		}
	}
	return false
}
