// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"io"
	"strings"

	"github.com/dtlto/dtlto/internal/object"
)

// lookAt refuses what an argument's file names and an argument cannot: LLD before 17
// opens it whatever it is mapped to.
func (w *rewriting) lookAt(arg Arg, file string) error {
	switch arg.Name {
	case "script", "default-script":
		return w.script(file)
	case "", "library":
		if !w.state.Binary {
			return w.file(file)
		}
	}
	return nil
}

// file looks at an input.
func (w *rewriting) file(path string) error {
	key := path
	if w.state.Static {
		key += "\x00" // -l in scripts finds other files
	}
	if w.seen[key] {
		return nil
	}
	w.seen[key] = true
	f, size, err := openFile(path)
	if err != nil {
		return nil //nolint:nilerr // the linker will say so
	}
	defer f.Close()
	switch kindOf(f) {
	case object.Archive, object.ThinArchive:
		return w.archive(path, f, size)
	case object.ELF:
		return w.dependents(path, f, size)
	case object.Unknown:
		return w.script(path)
	case object.Bitcode: // its records of dependent libraries are not read
	}
	return nil
}

func (w *rewriting) archive(path string, f io.ReaderAt, size int64) error {
	for m, err := range object.Members(f, size) {
		switch {
		case err != nil:
			return nil //nolint:nilerr // the linker will say so
		case m.Thin:
			err = w.file(object.ThinPath(path, m))
		default:
			err = w.dependents(path+"("+m.Name+")", io.NewSectionReader(f, m.Offset, m.Size), m.Size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// script looks at what a linker script names.
func (w *rewriting) script(path string) error {
	text, ok := scriptText(path)
	if !ok {
		return nil
	}
	if strings.Contains(text, "SECTIONS") {
		w.patterns = path
	}
	script := readScript(text)
	for _, name := range script.includes {
		if err := w.named(path, w.command.included(name)); err != nil {
			return err
		}
	}
	for _, named := range script.names {
		var file string
		if library := named.library(); library != "" {
			file = w.command.library(library, w.state.Static)
		} else {
			file, _ = w.command.scriptFile(path, named.name)
		}
		if err := w.named(path, file); err != nil {
			return err
		}
	}
	return nil
}

// dependents looks at an object's records of dependent libraries, which LLD searches when
// it has read the command line.
func (w *rewriting) dependents(name string, r io.ReaderAt, size int64) error {
	if w.command.Has("no-dependent-libraries") && !w.command.Enabled("dependent-libraries") {
		return nil
	}
	offset, length, ok, err := object.Section(r, size, ".deplibs")
	if err != nil || !ok {
		return nil //nolint:nilerr // the linker will say so
	}
	records, err := io.ReadAll(io.NewSectionReader(r, offset, min(length, maxScript)))
	if err != nil {
		return nil //nolint:nilerr // likewise
	}
	for record := range strings.SplitSeq(strings.Trim(string(records), "\x00"), "\x00") {
		if err := w.named(name, w.dependent(record)); err != nil {
			return err
		}
	}
	return nil
}

// dependent finds a file by such a record.
func (w *rewriting) dependent(record string) string {
	file := w.command.library(record, w.command.FinalState().Static)
	if file == "" {
		file = w.command.searched(record)
	}
	if file == "" && exists(record) {
		file = record
	}
	return file
}

// named refuses a file that another one names if it is mapped, else looks at it.
func (w *rewriting) named(by, file string) error {
	if file == "" {
		return nil
	}
	if to, ok := w.remap.To(file); ok && to != file {
		return &Untranslatable{by, "names " + file + ", and LLD before 17 cannot be told to open " + to + " in its place"}
	}
	return w.file(file)
}
