// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"encoding/binary"
)

// The names of GNU's symbol tables.
const (
	symbols32 = "/"
	symbols64 = "/SYM64/"
)

// A symbolTable is the contents of a GNU archive's symbol table: a count, for
// each symbol the offset of the header of the member that defines it, and the
// names in the same order, each with a zero byte behind it. Numbers are
// big-endian, of four bytes or, in /SYM64/, eight.
type symbolTable struct {
	at   int64 // of its header
	wide bool
	b    []byte
}

func (t symbolTable) width() int {
	if t.wide {
		return 8
	}
	return 4
}

// number returns number i: 0 is the count, the others are the offsets.
func (t symbolTable) number(i int) uint64 {
	if t.wide {
		return binary.BigEndian.Uint64(t.b[8*i:])
	}
	return uint64(binary.BigEndian.Uint32(t.b[4*i:]))
}

// each calls visit for each symbol; name has its zero byte. What is behind the
// last name is padding.
func (t symbolTable) each(visit func(i int, offset uint64, name []byte) error) error {
	width := t.width()
	if len(t.b) < width {
		return malformed(t.at, "symbol table of %d bytes has no count", len(t.b))
	}
	count := t.number(0)
	if count > uint64((len(t.b)-width)/(width+1)) {
		return malformed(t.at, "symbol table of %d bytes cannot have %d symbols", len(t.b), count)
	}
	names := t.b[width*(1+int(count)):]
	for i := range int(count) {
		end := bytes.IndexByte(names, 0) + 1
		if end == 0 {
			return malformed(t.at, "name of symbol %d has no end", i)
		}
		if err := visit(i, t.number(i+1), names[:end]); err != nil {
			return err
		}
		names = names[end:]
	}
	return nil
}

// A symbolList is a symbol table in the making.
type symbolList struct {
	wide  bool
	owner []int // for each symbol the number of the member that defines it
	names []byte
}

// size is that of the table's contents with padding.
func (l *symbolList) size() int64 {
	n := int64(symbolTable{wide: l.wide}.width())*int64(1+len(l.owner)) + int64(len(l.names))
	return n + n&1
}

// contents returns the table's contents, given where each member's header is.
func (l *symbolList) contents(offset func(member int) int64) []byte {
	b := l.put(make([]byte, 0, l.size()), int64(len(l.owner)))
	for _, member := range l.owner {
		b = l.put(b, offset(member))
	}
	b = append(b, l.names...)
	return append(b, 0)[:l.size()]
}

func (l *symbolList) put(b []byte, n int64) []byte {
	if l.wide {
		return binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return binary.BigEndian.AppendUint32(b, uint32(n))
}
