// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dtlto/dtlto/internal/cas"
)

// Portable is a compiler as files that run on any machine with the same kernel and
// kind of processor: the program, every library that it loads, the loader. Nothing
// that is installed there is used, the C library included.
type Portable struct {
	Files  []PortableFile // sorted by Name
	loader loader
	rpaths []string // names of files whose DT_RPATH must not be followed
}

// PortableFile is one of its files.
type PortableFile struct {
	Name       string // in the compiler's folder: bin/clang, lib/libc.so.6
	Path       string // here
	Digest     cas.Digest
	Executable bool // that the kernel runs it; libraries are only read
}

const (
	portableProgram = "bin/clang" // Clang takes how it behaves from this name, so it is the same for all
	portableLibs    = "lib"
)

// MakePortable gives the files of a compiler that was identified, without reading
// more of them than their lists of libraries. The error says why they would not
// run elsewhere, or would not be the same compiler there.
func MakePortable(compiler string, identity Identity) (Portable, error) {
	p, err := makePortable(compiler, identity)
	if err == nil && !identity.Current() {
		err = errors.New("it changes while it is being read")
	}
	if err != nil {
		return Portable{}, fmt.Errorf("%s: cannot be sent to other machines: %w", compiler, err)
	}
	return p, nil
}

func makePortable(compiler string, identity Identity) (Portable, error) {
	if name := filepath.Base(compiler); strings.Contains(name, "clang-cl") {
		return Portable{}, fmt.Errorf("as %s it takes other options than as clang", name)
	}
	files, err := identity.files()
	if err != nil {
		return Portable{}, err
	}
	program, err := interpreter(files[0].Path)
	if err != nil {
		return Portable{}, err
	}
	p := Portable{loader: loader(path.Base(program))}
	if program == "" {
		p.loader = ""
	}
	return p, p.add(files)
}

// add names the files, the program first among them, and checks that they are all
// that it needs.
func (p *Portable) add(files []PortableFile) error {
	var n needs
	for i, f := range files {
		if i == 0 {
			f.Name, f.Executable = portableProgram, true
		} else {
			base := filepath.Base(f.Path)
			f.Name, f.Executable = portableLibs+"/"+base, base == string(p.loader)
		}
		known, err := p.find(f)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		d, err := readDynamic(f.Path)
		if err != nil {
			return err
		}
		if d.rpath {
			p.rpaths = append(p.rpaths, f.Name)
		}
		n.add(f, d)
		p.Files = append(p.Files, f)
	}
	slices.SortFunc(p.Files, func(a, b PortableFile) int { return strings.Compare(a.Name, b.Name) })
	return n.check(p.loader)
}

// find says whether a file is there already. It is an error if another one has its
// name, and if it may not be used elsewhere.
func (p *Portable) find(f PortableFile) (bool, error) {
	if !utf8.ValidString(f.Name) || strings.ContainsAny(f.Name, ":;") {
		return false, fmt.Errorf("%q: has a name that servers or loaders do not take", f.Path)
	}
	if folder := forOneProcessor(f.Path); folder != "" {
		return false, fmt.Errorf("%s: is only for processors like this one, as its folder %s says", f.Path, folder)
	}
	for _, other := range p.Files {
		if other.Name == f.Name && other.Digest != f.Digest {
			return false, fmt.Errorf("%s: has the name of %s, which is another file", f.Path, other.Path)
		}
		if other.Name == f.Name {
			return true, nil
		}
	}
	return false, nil
}

// forOneProcessor is the folder in a library's path that glibc's loader only looks into on some
// processors, if there is one. Since 2.33 all are in glibc-hwcaps; before 2.37 there
// were also the others.
func forOneProcessor(library string) string {
	for folder := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(library)), "/") {
		switch folder {
		case "glibc-hwcaps", "haswell", "xeon_phi", "avx512_1", "atomics":
			return folder
		}
	}
	return ""
}

// Command is what stands for the compiler in a command: a program and arguments that
// go in front. The files are in folder, which is relative to the one in which the
// command runs, and has slashes between names and neither ':' nor ';' in it.
//
// Of the other machine's environment, LD_LIBRARY_PATH has no effect. LD_PRELOAD and
// LD_AUDIT have, unless the command sets them empty; and /etc/ld.so.preload always has.
func (p Portable) Command(folder string) []string {
	program := path.Join(folder, portableProgram)
	if p.loader == "" {
		return []string{program}
	}
	libs := path.Join(folder, portableLibs)
	command := []string{path.Join(libs, string(p.loader)), "--library-path", libs}
	if p.loader.isGlibc() {
		command = append(command, "--inhibit-cache") // for what is loaded later, such as name services
		if len(p.rpaths) > 0 {
			command = append(command, "--inhibit-rpath", p.inhibited(folder))
		}
	}
	return append(command, program)
}

// inhibited lists the files with a DT_RPATH, which glibc follows before the library
// path (musl after it), by the names under which they are loaded. The program's is
// empty by then, and only found in front (glibc 2.31, 2.36 and 2.41).
func (p Portable) inhibited(folder string) string {
	var names strings.Builder
	for _, name := range p.rpaths {
		names.WriteString(":" + path.Join(folder, name))
	}
	return names.String()
}

// files are those of a compiler, the program first, without names. Their digests
// are those of the identity, for which they were read.
func (i Identity) files() ([]PortableFile, error) {
	var files []PortableFile
	for line := range strings.Lines(i.parts) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if len(fields) != 3 {
			return nil, errors.New("it has no identity")
		}
		size, _, _ := strings.Cut(fields[1], " ")
		digest, err := cas.ParseDigest(fields[0] + "/" + size)
		if err != nil {
			return nil, err
		}
		files = append(files, PortableFile{Path: fields[2], Digest: digest})
	}
	if len(files) == 0 {
		return nil, errors.New("it has no identity")
	}
	return files, nil
}
