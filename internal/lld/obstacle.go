// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"io"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/dtlto/dtlto/internal/object"
)

// Obstacle says which input, or what of the output, keeps LLD 22's own DTLTO from
// doing a link, as an *Untranslatable, or nil:
//
//   - An output that is no regular file (/dev/null), beside which LLD would put its
//     files, or with so long a name that names made of it are too long.
//   - A bitcode module whose name has a byte above 127. LLVM 13 to 22 write such
//     a name wrongly into index shards (every byte is extended to 64 bits and
//     written into 8), so that a backend does not find itself in its index: it
//     would make a wrong object and not say so.
//   - An archive with bitcode that a linker script names and that lies in the
//     script's folder. LLD 22 keeps the path that it puts together for it only
//     while it reads the script (ScriptParser::addFile), and opens another
//     one, or none, later.
//
// All inputs are opened, since any of them may be a script or an archive.
func (c *Command) Obstacle() error {
	s := &survey{newScan(c)}
	output := c.Output()
	if folder := filepath.Dir(output); !IsASCII(folder) {
		return &Untranslatable{folder, notASCII} // where LLD writes members of archives
	}
	if info, err := os.Stat(output); err == nil && !info.Mode().IsRegular() {
		return &Untranslatable{output, "is no regular file, and LLD puts its files beside the output"}
	}
	if len(filepath.Base(output)) > longestOutput {
		return &Untranslatable{output, "has so long a name that LLD cannot make names of files from it"}
	}
	for path := range c.InputFiles() {
		if err := s.file(path, false); err != nil {
			return err
		}
	}
	return nil
}

// longestOutput is how many bytes an output's name may have, of the 255 that a file
// system allows: LLD adds numbers and endings.
const longestOutput = 200

const notASCII = "is not ASCII, and LLVM damages such names of modules in index shards"

// survey is a scan of everything.
type survey struct{ scan }

func (s *survey) file(path string, lost bool) error {
	key := path
	if lost {
		key += "\x00" // what a script names is looked at again: an archive counts there
	}
	if s.seen[key] {
		return nil
	}
	s.seen[key] = true
	f, size, err := openFile(path)
	if err != nil {
		return nil //nolint:nilerr // the linker will say so
	}
	defer f.Close()
	switch kind := kindOf(f); kind {
	case object.Archive, object.ThinArchive:
		return s.archive(path, f, size, lost)
	case object.Unknown:
		return s.script(path, f)
	default:
		if IsASCII(path) || !s.contents(path, kind, f, size) {
			return nil
		}
		return &Untranslatable{path, notASCII}
	}
}

func (s *survey) archive(path string, f io.ReaderAt, size int64, lost bool) error {
	for member, err := range object.Members(f, size) {
		if err != nil {
			return nil //nolint:nilerr // the linker will say so
		}
		if member.Thin {
			file := object.ThinPath(path, member)
			if err := s.file(file, false); err != nil {
				return err
			}
			if lost && s.isThinLTO(file) {
				return lostArchive(path)
			}
			continue
		}
		ascii := IsASCII(filepath.Base(path)) && IsASCII(member.Name) // LLD drops an archive's folder
		if ascii && !lost {
			continue
		}
		r := io.NewSectionReader(f, member.Offset, member.Size)
		switch bitcode := s.contents(path, kindOf(r), r, member.Size); {
		case bitcode && !ascii:
			return &Untranslatable{path + "(" + member.Name + ")", notASCII}
		case bitcode:
			return lostArchive(path)
		}
	}
	return nil
}

func lostArchive(path string) error {
	return &Untranslatable{path, "is an archive that a linker script in its folder names, which LLD 22 loses when it distributes"}
}

// isThinLTO says whether a file is a module.
func (s *survey) isThinLTO(path string) bool {
	one := newScan(s.command)
	return one.file(path)
}

func (s *survey) script(path string, f io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(f, maxScript))
	if err != nil {
		return nil //nolint:nilerr // the linker will say so
	}
	script := readScript(string(text))
	for _, name := range script.includes {
		if file := s.command.included(name); file != "" {
			if err := s.file(file, false); err != nil {
				return err
			}
		}
	}
	for _, named := range script.names {
		if file, beside := s.command.scriptInput(path, named.name); file != "" {
			if err := s.file(file, beside); err != nil {
				return err
			}
		}
	}
	return nil
}

// IsASCII says whether a module's name is one that LLVM's index shards can
// carry.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
