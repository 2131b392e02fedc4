// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"errors"
	"io"
	"strconv"
	"strings"
)

// Blocks and records of LLVM IR that identification looks at; the numbers are
// those of LLVM's LLVMBitCodes.h, the same in 13 to 22.
const (
	moduleBlock         = 8
	identificationBlock = 13
	moduleStrtabBlock   = 19 // module paths: only a summary index has them
	summaryBlock        = 20
	fullSummaryBlock    = 24

	identificationString = 1
	identificationEpoch  = 2

	moduleVersion        = 1
	moduleTriple         = 2
	moduleSourceFileName = 16
	moduleHash           = 17

	summaryFlags = 20
)

// maxModules is how many modules a file may hold. A split unit has two.
const maxModules = 1 << 16

// An LTO says how a linker compiles a module.
type LTO uint8

// The kinds of LTO. A module without a summary (clang -emit-llvm) and one with a
// summary for regular LTO (-flto=full) are both compiled in one piece with the
// others of the link. A module with a ThinLTO summary (-flto=thin, and any that
// -funified-lto made) is compiled by itself, unless the linker was told to
// compile unified modules as regular LTO.
const (
	NoSummary LTO = iota
	Regular
	Thin
)

// Flags are a summary's FLAGS record.
type Flags uint64

// Those of the flags that say how a module was built; others say what a thin
// link found out.
const (
	EnableSplitLTOUnit Flags = 0x8
	UnifiedLTO         Flags = 0x200
)

// An Identity is what is known of a bitcode file without reading its code.
type Identity struct {
	// Producer and Epoch are from the IDENTIFICATION block, that of the newest
	// LLVM if the file was put together from several. A summary index has none.
	Producer string
	Epoch    uint64

	// Modules are the file's modules in its order: usually one, two if the unit
	// was split into a ThinLTO and a regular half, more if files were
	// concatenated. A summary index counts as one.
	Modules []Module
}

// A Module is what is known of one module.
type Module struct {
	Triple         string // target triple
	SourceFileName string // as the compiler was told
	Version        uint64 // of the module's layout; 2 since LLVM 5
	LTO            LTO
	Index          bool      // a summary index made by a thin link, not a module; LTO is NoSummary
	Flags          Flags     // of the summary or index, 0 if it has none
	Hash           [5]uint32 // SHA-1 of the module as the compiler wrote it, all 0 if it has none
}

// IdentifyAt identifies the bitcode in the first size bytes of r, raw or behind a
// wrapper header. Of a module it reads the records at its top level and the head of its
// summary. With an error it returns what came before it.
func IdentifyAt(r io.ReaderAt, size int64) (Identity, error) {
	c, err := NewCursorAt(r, size)
	if err != nil {
		return Identity{}, err
	}
	return identify(c)
}

// ThinLTO reports whether one of the modules has a summary for ThinLTO.
func (id Identity) ThinLTO() bool {
	for _, m := range id.Modules {
		if m.LTO == Thin {
			return true
		}
	}
	return false
}

// Minimized reports whether the file has a module's summary and symbols and none of its
// code, as -fthin-link-bitcode= writes it: for thin links only.
func (id Identity) Minimized() bool {
	return len(id.Modules) == 1 && id.Producer == "" && id.Modules[0].Triple == "" && id.Modules[0].LTO == Thin
}

// LLVMMajor returns the major version of the LLVM that wrote the file, 0 if its
// producer does not say: "LLVM22.1.2-rust-1.95.0-stable" gives 22, a producer
// that is not LLVM's own numbering, such as Apple's, 0.
func (id Identity) LLVMMajor() int { return llvmMajor(id.Producer) }

func llvmMajor(producer string) int {
	version, ok := strings.CutPrefix(producer, "LLVM")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(version, ".")
	major, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return 0
	}
	return int(major)
}

// TripleAt gives the target triple of the first module in the first size bytes
// of r, empty if it has none. It reads no further than to there.
func TripleAt(r io.ReaderAt, size int64) (string, error) {
	c, err := NewCursorAt(r, size)
	if err != nil {
		return "", err
	}
	for {
		e, err := c.Next()
		switch {
		case errors.Is(err, io.EOF), err == nil && e.Kind == End && c.Depth() == 0:
			return "", nil
		case err != nil:
			return "", err
		case e.Kind == Block && e.ID == moduleBlock && c.Depth() == 0:
			if err := c.Enter(); err != nil {
				return "", err
			}
		case e.Kind == Record && e.ID == moduleTriple && c.Depth() == 1:
			ops, err := c.Operands()
			return ops.Text(), err
		}
	}
}

func identify(c *Cursor) (Identity, error) {
	var id Identity
	for {
		e, err := c.Next()
		if errors.Is(err, io.EOF) {
			return id, nil
		}
		if err == nil && e.Kind == Block {
			err = id.add(c, e.ID)
		}
		if err != nil {
			return id, err
		}
	}
}

// add takes up a block of the top level.
func (id *Identity) add(c *Cursor, block uint32) error {
	switch block {
	case identificationBlock:
		return id.readIdentification(c)
	case moduleBlock:
		m, err := readModule(c)
		if err != nil {
			return err
		}
		if len(id.Modules) == maxModules {
			return &Error{c.Offset(), "more than " + strconv.Itoa(maxModules) + " modules"}
		}
		id.Modules = append(id.Modules, m)
	}
	return nil
}

func (id *Identity) readIdentification(c *Cursor) error {
	var producer string
	var epoch uint64
	err := eachEntry(c, func(e Entry) error {
		if e.Kind != Record {
			return nil
		}
		ops, err := c.Operands()
		switch e.ID {
		case identificationString:
			producer = ops.Text()
		case identificationEpoch:
			epoch = ops.first()
		}
		return err
	})
	if err == nil && (id.Producer == "" || llvmMajor(producer) > id.LLVMMajor()) {
		id.Producer, id.Epoch = producer, epoch
	}
	return err
}

func readModule(c *Cursor) (Module, error) {
	var m Module
	summarized := false
	err := eachEntry(c, func(e Entry) error {
		if e.Kind == Record {
			return m.readRecord(c, e.ID)
		}
		switch e.ID {
		case moduleStrtabBlock:
			m.Index = true
		case summaryBlock, fullSummaryBlock:
			if !summarized { // LLVM looks at the first one
				summarized = true
				m.LTO = ltoOf(e.ID)
				return m.readFlags(c)
			}
		}
		return nil
	})
	if m.Index {
		m.LTO = NoSummary
	}
	return m, err
}

func ltoOf(summary uint32) LTO {
	if summary == summaryBlock {
		return Thin
	}
	return Regular
}

// readRecord reads a record of a module's top level, if it is one to keep: a
// module has one for each function and global variable too.
func (m *Module) readRecord(c *Cursor, code uint32) error {
	switch code {
	case moduleVersion, moduleTriple, moduleSourceFileName, moduleHash:
	default:
		return nil
	}
	ops, err := c.Operands()
	switch code {
	case moduleVersion:
		m.Version = ops.first()
	case moduleTriple:
		m.Triple = ops.Text()
	case moduleSourceFileName:
		m.SourceFileName = ops.Text()
	case moduleHash:
		for i := range min(len(m.Hash), len(ops.Values)) {
			m.Hash[i] = uint32(ops.Values[i])
		}
	}
	return err
}

// readFlags reads a summary as far as its flags, which come before all that is
// large in it.
func (m *Module) readFlags(c *Cursor) error {
	if err := c.Enter(); err != nil {
		return err
	}
	for {
		e, err := c.Next()
		if err != nil || e.Kind == End {
			return err
		}
		if e.Kind == Record && e.ID == summaryFlags {
			ops, err := c.Operands()
			if err != nil {
				return err
			}
			m.Flags = Flags(ops.first())
			return c.Leave()
		}
	}
}

// eachEntry enters the block at hand and calls f for each block and record in it
// until it ends.
func eachEntry(c *Cursor, f func(Entry) error) error {
	if err := c.Enter(); err != nil {
		return err
	}
	for {
		e, err := c.Next()
		if err != nil || e.Kind == End {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
}

// first returns the first value, 0 if there is none.
func (o Operands) first() uint64 {
	if len(o.Values) == 0 {
		return 0
	}
	return o.Values[0]
}
