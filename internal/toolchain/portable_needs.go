// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// loader is the name of the file that loads a program's libraries, empty for a
// program that has none. How it is called, and what it does by itself, depends on
// the C library that it belongs to.
type loader string

func (l loader) isGlibc() bool { return strings.HasPrefix(string(l), "ld-linux") }
func (l loader) isMusl() bool  { return strings.HasPrefix(string(l), "ld-musl-") }

// is says whether a name by which a library is asked for means the loader. Musl's
// is the C library too, under all the names that parts of one have elsewhere.
func (l loader) is(name string) bool {
	if rest, ok := strings.CutPrefix(name, "lib"); ok && l.isMusl() {
		part, _, _ := strings.Cut(rest, ".")
		switch part {
		case "c", "pthread", "rt", "m", "dl", "util", "xnet":
			return part != rest
		}
	}
	return l != "" && name == string(l)
}

// dynamic is what an ELF file tells its loader.
type dynamic struct {
	needed  []string // libraries, by name
	rpath   bool     // has folders that are searched before all others
	machine elf.Machine
	class   elf.Class
}

// surprises make the loader load files that no list of libraries has.
var surprises = map[elf.DynTag]string{
	elf.DT_AUXILIARY: "DT_AUXILIARY", elf.DT_FILTER: "DT_FILTER", elf.DT_AUDIT: "DT_AUDIT", elf.DT_DEPAUDIT: "DT_DEPAUDIT",
}

// readDynamic reads it from a file.
func readDynamic(file string) (dynamic, error) {
	f, err := elf.Open(file)
	if err != nil {
		return dynamic{}, fmt.Errorf("%s: %w", file, err)
	}
	defer f.Close()
	d, err := dynamicOf(f)
	if err != nil {
		return dynamic{}, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

func dynamicOf(f *elf.File) (dynamic, error) {
	d := dynamic{machine: f.Machine, class: f.Class}
	if !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_DYNAMIC }) {
		return d, nil
	}
	section := f.SectionByType(elf.SHT_DYNAMIC) // loaders go by the segment
	if section == nil || int64(section.Link) >= int64(len(f.Sections)) {
		return d, errors.New("has no section headers, so what it loads cannot be told")
	}
	for tag, name := range surprises {
		if values, err := f.DynValue(tag); len(values) > 0 && err == nil {
			return d, errors.New("makes the loader load more with " + name)
		}
	}
	rpath, err := f.DynValue(elf.DT_RPATH)
	if err != nil {
		return d, err
	}
	d.rpath = len(rpath) > 0
	offsets, err := f.DynValue(elf.DT_NEEDED)
	if err != nil {
		return d, err
	}
	d.needed, err = stringsAt(f.Sections[section.Link], offsets)
	return d, err
}

func stringsAt(table *elf.Section, offsets []uint64) (all []string, err error) {
	for _, offset := range offsets {
		s, err := stringAt(table, offset)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// stringAt reads one string of a table. There are megabytes of others in a library
// of LLVM's.
func stringAt(table *elf.Section, offset uint64) (string, error) {
	var b [4096]byte                                                                  // a path's length at most
	if table.ReaderAt == nil || table.Type == elf.SHT_NOBITS || offset > table.Size { // nil if compressed
		return "", errors.New("names a library outside its strings")
	}
	n, err := table.ReadAt(b[:], int64(offset))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	name, _, ok := bytes.Cut(b[:n], []byte{0})
	if !ok {
		return "", errors.New("has a library's name without an end")
	}
	return string(name), nil
}

// needs are what the files of a program need of each other.
type needs struct {
	files []PortableFile // the program first
	of    map[string]dynamic
}

func (n *needs) add(f PortableFile, d dynamic) {
	if n.of == nil {
		n.of = map[string]dynamic{}
	}
	n.files = append(n.files, f)
	n.of[f.Name] = d
}

// check says what would be missing on another machine, or be there uncalled for.
// With every library in the first folder that is searched, under the name by which it
// is asked for, no other folder is ever searched.
func (n *needs) check(l loader) error {
	if l != "" && !l.isGlibc() && !l.isMusl() {
		return fmt.Errorf("its loader is %s, and only those of glibc and musl can be told what to load", l)
	}
	if _, ok := n.of[path.Join(portableLibs, string(l))]; l != "" && !ok {
		return fmt.Errorf("its loader %s is not in the list of files that it loads", l)
	}
	called := map[string]bool{portableProgram: true, path.Join(portableLibs, string(l)): true}
	for queue := []PortableFile{n.files[0]}; len(queue) > 0; queue = queue[1:] {
		more, err := n.follow(queue[0], l, called)
		if err != nil {
			return err
		}
		queue = append(queue, more...)
	}
	return n.checkAll(called)
}

// follow gives the files that one needs and that were not called for before.
func (n *needs) follow(f PortableFile, l loader, called map[string]bool) (more []PortableFile, err error) {
	for _, name := range n.of[f.Name].needed {
		switch file, ok := n.find(name); {
		case strings.Contains(name, "/"):
			return nil, fmt.Errorf("%s: asks for a library by its path, %s", f.Path, name)
		case l.is(name) || ok && called[file.Name]:
		case !ok:
			return nil, fmt.Errorf("%s: asks for %s, and no file of that name was loaded", f.Path, name)
		default:
			called[file.Name] = true
			more = append(more, file)
		}
	}
	return more, nil
}

// find is the library of a name.
func (n *needs) find(name string) (PortableFile, bool) {
	for _, f := range n.files[1:] {
		if f.Name == portableLibs+"/"+name {
			return f, true
		}
	}
	return PortableFile{}, false
}

// checkAll says which file was not called for, or is for another machine than the
// program.
func (n *needs) checkAll(called map[string]bool) error {
	program := n.of[portableProgram]
	for _, f := range n.files {
		if !called[f.Name] {
			return fmt.Errorf("%s: is loaded with it, though nothing asks for it (LD_PRELOAD or /etc/ld.so.preload?)", f.Path)
		}
		if d := n.of[f.Name]; d.machine != program.machine || d.class != program.class {
			return fmt.Errorf("%s: is for %s of %s, and the program for %s of %s", f.Path, d.machine, d.class, program.machine, program.class)
		}
	}
	return nil
}
