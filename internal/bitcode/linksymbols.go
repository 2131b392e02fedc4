// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"encoding/binary"
	"errors"
	"io"
)

// A SymbolVisibility is what an ELF symbol's visibility can be in bitcode.
type SymbolVisibility uint8

// The visibilities, as llvm::GlobalValue numbers them.
const (
	DefaultVisibility SymbolVisibility = iota
	Hidden
	Protected
)

// A LinkSymbol is a symbol as a linker sees it in a bitcode file.
type LinkSymbol struct {
	Name       []byte // mangled; valid until the function that it is given to returns
	Visibility SymbolVisibility
	Undefined  bool // declared, not defined
}

const symtabBlock = 25

// The layout of the symbol table for linkers (llvm/Object/IRSymtab.h): a header of
// 4-byte words, little endian, and symbols of six words.
const (
	linkSymbolsAt   = 28 // offset in the header of where the symbols begin; their number is next
	linkSymbolSize  = 24
	linkSymbolFlags = 20 // offset in a symbol
	linkVisibility  = 3  // of its flags
	linkUndefined   = 1 << 3
	linkGlobal      = 1 << 10
)

// linkTableVersions are the versions of that table whose layout this is: all that
// LLVM 7 to 22 wrote.
const minLinkTable, maxLinkTable = 1, 4

var errNoLinkTable = errors.New("bitcode without a symbol table for linkers that is known")

// EachLinkSymbol calls f for each symbol that other files can see in the bitcode in the
// first size bytes of r. It is an error if the file has no table of them.
func EachLinkSymbol(r io.ReaderAt, size int64, f func(LinkSymbol)) error {
	c, err := NewCursorAt(r, size)
	if err != nil {
		return err
	}
	var table, names []byte
	for {
		e, err := c.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if e.Kind != Block || e.ID != symtabBlock && e.ID != strtabBlock {
			continue
		}
		blob, err := c.blob()
		if err != nil {
			return err
		}
		if e.ID == symtabBlock {
			table = blob
		} else if table != nil {
			names = blob
			break // the one that the table is about
		}
	}
	return eachLinkSymbol(table, names, f)
}

// blob is the contents of a block that is a single blob, such as a string table.
func (c *Cursor) blob() (blob []byte, err error) {
	err = eachEntry(c, func(e Entry) error {
		if e.Kind != Record || e.ID != stringBlob {
			return nil
		}
		ops, err := c.Operands()
		blob = append(blob[:0], ops.Blob...)
		return err
	})
	return blob, err
}

func eachLinkSymbol(table, names []byte, f func(LinkSymbol)) error {
	if len(table) < linkSymbolsAt+8 {
		return errNoLinkTable
	}
	word := func(at uint64) uint64 { return uint64(binary.LittleEndian.Uint32(table[at:])) }
	if version := word(0); version < minLinkTable || version > maxLinkTable {
		return errNoLinkTable
	}
	from, count := word(linkSymbolsAt), word(linkSymbolsAt+4)
	if from+count*linkSymbolSize > uint64(len(table)) {
		return errors.New("bitcode whose symbol table for linkers runs past its end")
	}
	for at := from; at < from+count*linkSymbolSize; at += linkSymbolSize {
		name, size, flags := word(at), word(at+4), word(at+linkSymbolFlags)
		if name+size > uint64(len(names)) {
			return errors.New("bitcode with a symbol whose name is outside of the string table")
		}
		if flags&linkGlobal == 0 {
			continue
		}
		f(LinkSymbol{names[name : name+size], SymbolVisibility(flags & linkVisibility), flags&linkUndefined != 0})
	}
	return nil
}
