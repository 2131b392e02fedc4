// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"crypto/md5"
	"encoding"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// Records of MODULE that are symbols, LLVM 5 and newer: where the name is in the
// string table and how long it is come first, the linkage is the sixth operand.
const (
	moduleGlobalVar = 7  // MODULE_CODE_GLOBALVAR
	moduleFunction  = 8  // MODULE_CODE_FUNCTION
	moduleOldAlias  = 9  // MODULE_CODE_ALIAS_OLD, of LLVM before 4
	moduleAlias     = 14 // MODULE_CODE_ALIAS
	moduleIFunc     = 15 // MODULE_CODE_IFUNC

	symbolOperands = 6
)

// The linkages, as they are written in a module, whose symbols other modules can
// not see: BitcodeReader.cpp, getDecodedLinkage.
const (
	linkageInternal          = 3
	linkagePrivate           = 9
	linkageLinkerPrivate     = 13
	linkageLinkerPrivateWeak = 14
)

// SymbolNames returns the names of the symbols that the modules in the first size
// bytes of r define or refer to, by GUID, as they are in the object file: mangled.
// Locals have two GUIDs, since what LLVM puts between the source file's name and
// theirs was a colon (seen with 13 to 16) and is a semicolon (19, 22). Of a module it
// reads the records at its top level and the string table. With an error it
// returns the names that it found.
func SymbolNames(r io.ReaderAt, size int64) (map[uint64]string, error) {
	s := &symbols{names: map[uint64]string{}, room: 64 * size}
	c, err := NewCursorAt(r, size)
	for err == nil {
		var e Entry
		if e, err = c.Next(); err == nil && e.Kind == Block {
			err = s.readBlock(c, e.ID)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return s.names, err
}

// symbols are those of the modules of a file.
type symbols struct {
	names   map[uint64]string
	pending []symbolModule // modules whose string table is still to come
	room    int64          // bytes of names to come at most: modules may share them, but not without end
	count   int64          // symbols so far
}

type symbolModule struct {
	source  string
	version uint64
	symbols []symbol
}

// A symbol is a name in the string table to come.
type symbol struct {
	offset, size uint64
	local        bool
}

func (s *symbols) readBlock(c *Cursor, id uint32) error {
	switch id {
	case moduleBlock:
		return s.readModule(c)
	case strtabBlock:
		return s.readStrtab(c)
	}
	return nil
}

func (s *symbols) readModule(c *Cursor) error {
	var m symbolModule
	err := eachEntry(c, func(e Entry) error {
		if e.Kind == Record {
			return s.readRecord(c, &m, e.ID)
		}
		return nil
	})
	if m.version >= 2 {
		s.pending = append(s.pending, m)
	}
	return err
}

func (s *symbols) readRecord(c *Cursor, m *symbolModule, code uint32) error {
	switch code {
	case moduleVersion, moduleSourceFileName, moduleGlobalVar, moduleFunction, moduleAlias, moduleIFunc:
	default:
		return nil
	}
	ops, err := c.Operands()
	switch {
	case err != nil:
		return err
	case code == moduleVersion:
		m.version = ops.first()
	case code == moduleSourceFileName:
		m.source = ops.Text()
	case len(ops.Values) >= symbolOperands:
		// LLVM's own take more than ten bytes each.
		if s.count++; s.count > c.size/4 {
			return &Error{c.at, "more symbols than a quarter of the file's bytes"}
		}
		m.symbols = append(m.symbols, symbol{ops.Values[0], ops.Values[1], isLocal(ops.Values[symbolOperands-1])})
	}
	return nil
}

func isLocal(linkage uint64) bool {
	switch linkage {
	case linkageInternal, linkagePrivate, linkageLinkerPrivate, linkageLinkerPrivateWeak:
		return true
	}
	return false
}

// readStrtab names the symbols of the modules in front of a string table.
func (s *symbols) readStrtab(c *Cursor) error {
	return eachEntry(c, func(e Entry) error {
		if e.Kind != Record || e.ID != stringBlob {
			return nil
		}
		ops, err := c.Operands()
		if err != nil {
			return err
		}
		table := string(ops.Blob)
		for _, m := range s.pending {
			if err := s.nameAll(c, m, table); err != nil {
				return err
			}
		}
		s.pending = nil
		return nil
	})
}

func (s *symbols) nameAll(c *Cursor, m symbolModule, table string) error {
	source := m.source
	if source == "" {
		source = "<unknown>"
	}
	plain, colon, semicolon := newGUID(""), newGUID(source+":"), newGUID(source+";")
	for _, symbol := range m.symbols {
		length := uint64(len(table))
		if symbol.offset > length || symbol.size > length-symbol.offset {
			return &Error{c.at, "symbol whose name is outside the string table"}
		}
		if s.room -= int64(symbol.size); s.room < 0 {
			return &Error{c.at, "symbols whose names overlap"}
		}
		// A first byte 1 tells the backend to leave the name alone.
		name := strings.TrimPrefix(table[symbol.offset:symbol.offset+symbol.size], "\x01")
		if symbol.local {
			s.names[colon.of(name)] = name
			s.names[semicolon.of(name)] = name
		} else {
			s.names[plain.of(name)] = name
		}
	}
	return nil
}

// A guid makes the GUIDs of names behind a prefix as GlobalValue::getGUID does:
// the low half of their MD5 sums.
type guid struct{ prefix []byte } // the state of the hash behind the prefix

func newGUID(prefix string) guid {
	h := md5.New()
	_, _ = io.WriteString(h, prefix)
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err) // md5's has no errors
	}
	return guid{state}
}

func (g guid) of(name string) uint64 {
	h := md5.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(g.prefix); err != nil {
		panic(err)
	}
	_, _ = io.WriteString(h, name)
	return binary.LittleEndian.Uint64(h.Sum(nil))
}
