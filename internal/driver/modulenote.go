// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"io"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// moduleNote is what a compile of a module must know of it beforehand. It is kept
// with the module's digest, as text.
type moduleNote struct {
	triple   string
	partial  bool   // its profile is of a part of the program
	picLevel uint64 // 0: not position-independent
}

// needsProperties says whether a link's compiles depend on what only the modules'
// metadata says. Indexes of LLVM 19 and newer have a number of basic blocks only
// where it is used.
func (b *backends) needsProperties() bool {
	return b.settings.ModulePIC || b.major > 0 && b.major < 19
}

// countsBlocks says whether a job's backend uses the number of the whole link's basic
// blocks: if its module has a partial profile, or gets one with what it imports.
func (b *backends) countsBlocks(job *thinlto.Job) bool {
	if b.major == 0 || b.major >= 19 {
		return true // then it is there only where it is used
	}
	for i, module := range job.Inputs {
		if i == 1 {
			continue // the index
		}
		if note, err := b.noteOf(module); err != nil || note.partial {
			return true
		}
	}
	return false
}

// noteOf is a module's note, as far as it can be told; if what is needed cannot, the
// error says so.
func (b *backends) noteOf(module string) (note moduleNote, err error) {
	text := ""
	if b.digests != nil {
		text = b.digests.Note(module)
	}
	if note, complete := readNote(text); text != "" && (complete || !b.needsProperties()) {
		return note, nil
	}
	b.parts.look(module, func(r io.ReaderAt, size int64) { note, err = b.readModule(r, size) })
	return note, err
}

// look is how notes are made while modules are being digested.
func (b *backends) look(r io.ReaderAt, size int64) (text string, ok bool) {
	note, err := b.readModule(r, size)
	if err != nil || note.triple == "" {
		return note.triple, err == nil
	}
	return note.text(b.needsProperties()), true
}

func (b *backends) readModule(r io.ReaderAt, size int64) (note moduleNote, err error) {
	if note.triple, err = bitcode.TripleAt(r, size); err != nil || !b.needsProperties() {
		return note, nil //nolint:nilerr // the compiler will say what is wrong with it
	}
	properties, err := bitcode.PropertiesAt(r, size)
	note.partial, note.picLevel = properties.PartialProfile, properties.PICLevel
	return note, err
}

// text is the note as it is kept.
func (n moduleNote) text(complete bool) string {
	if !complete {
		return n.triple
	}
	return n.triple + "\x00" + strconv.FormatBool(n.partial) + "\x00" + strconv.FormatUint(n.picLevel, 10)
}

// readNote reads a kept note; complete says that it has more than the triple.
func readNote(text string) (n moduleNote, complete bool) {
	fields := strings.Split(text, "\x00")
	n.triple = fields[0]
	if len(fields) != 3 {
		return n, false
	}
	var bad, wrong error
	n.partial, bad = strconv.ParseBool(fields[1])
	n.picLevel, wrong = strconv.ParseUint(fields[2], 10, 8)
	return n, bad == nil && wrong == nil
}

// relocation is Clang's option for the module's own relocation model.
func (n moduleNote) relocation() string {
	if n.picLevel > 0 {
		return "-fpic"
	}
	return "-fno-pic"
}
