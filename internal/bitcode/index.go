// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"errors"
	"fmt"
	"io"
)

// An index is a summary index shard as it was read, and what is known of the
// order and the numbers that its contents get when it is written again.
type index struct {
	size    int // of its summary in bytes, which bounds what that may become in memory
	room    int // for paths, in operands
	modules []indexModule
	version uint64
	records []record // of the summary, in its order; those of VALUE_GUID are in guids
	ops     []uint64 // operands of all records, rewritten in place
	guids   []valueGUID
	heads   [maxSummaryCode + 1]int // where in records is the one record of its code, and one more; 0 if none
	strtab  []byte

	numbering
	order
	strings stringTable
	radix   []uint64 // the new radix array
}

// A record is one of the summary's.
type record struct {
	*layout
	at       uint64 // bit offset
	from, to int    // its operands in index.ops
}

// An indexModule is a line of the shard's table of modules.
type indexModule struct {
	id, newID  uint64
	path, name string // as LLD called it, and as it is to be called
	hash       [5]uint32
	hashed     bool
	at         uint64
}

// An unknown says what in a shard is not understood.
type unknown struct {
	at   uint64 // bit offset
	what string
}

func (u *unknown) Error() string { return fmt.Sprintf("%s, at bit %d", u.what, u.at) }

func notUnderstood(at uint64, format string, args ...any) error {
	return &unknown{at, fmt.Sprintf(format, args...)}
}

// unknownEntry is for a block or record that does not belong where it is.
func unknownEntry(c *Cursor, e Entry, where string) error {
	kind := "record"
	if e.Kind == Block {
		kind = "block"
	}
	return notUnderstood(c.at, "%s %d in %s", kind, e.ID, where)
}

// operands are the record's.
func (x *index) operands(r record) []uint64 { return x.ops[r.from:r.to] }

// spend keeps what a summary becomes in memory within a multiple of its size: n is
// the number of operands to come. LLD writes at most two operands a byte; an
// abbreviation made up of literals could make hundreds of one. The size of the
// module table, and so the length of names, makes no difference to the result.
func (x *index) spend(c *Cursor, n int) error {
	if len(x.ops)+n+4*(len(x.records)+len(x.guids)) > 8*x.size {
		return notUnderstood(c.at, "more than %d operands in %d bytes of summary", 8*x.size, x.size)
	}
	return nil
}

// pathRoom bounds, for the same reason, the operands of a shard's module table.
func pathRoom(shard []byte) int { return 8 * len(shard) }

// checkEntry checks a record of a module table that was read with this much room
// left.
func checkEntry(c *Cursor, code uint32, ops Operands, room int) error {
	if room < 0 || code == moduleEntry && len(ops.Values) == 0 {
		return &Error{c.at, "module table with an empty entry, or with more operands than 8 times the file's bytes"}
	}
	return nil
}

// readIndex reads a shard that has the blocks and records that LLD writes, and no
// others.
func readIndex(shard []byte) (*index, error) {
	c, err := NewCursor(shard)
	if err != nil {
		return nil, err
	}
	x := &index{room: pathRoom(shard)}
	for {
		e, err := c.Next()
		if errors.Is(err, io.EOF) {
			return x, x.complete(c)
		}
		if err == nil {
			err = x.readTop(c, e)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (x *index) complete(c *Cursor) error {
	if x.version == 0 || x.strtab == nil {
		return &Error{c.Offset(), "summary index ends without a summary or a string table"}
	}
	return nil
}

func (x *index) readTop(c *Cursor, e Entry) error {
	switch {
	case e.Kind == Block && e.ID == moduleBlock && x.version == 0:
		return x.readModule(c)
	case e.Kind == Block && e.ID == strtabBlock && x.version != 0 && x.strtab == nil:
		return x.readStrtab(c)
	}
	return unknownEntry(c, e, "the file")
}

func (x *index) readModule(c *Cursor) error {
	versioned, tabled := false, false
	return eachEntry(c, func(e Entry) error {
		switch {
		case e.Kind == Record && e.ID == moduleVersion && !versioned:
			versioned = true
			return expectRecord(c, 2)
		case e.Kind == Block && e.ID == moduleStrtabBlock && versioned && !tabled:
			tabled = true
			return x.readModules(c)
		case e.Kind == Block && e.ID == summaryBlock && tabled && x.version == 0:
			return x.readSummary(c)
		}
		return unknownEntry(c, e, "MODULE")
	})
}

// expectRecord reads a record of one operand, which must be this one.
func expectRecord(c *Cursor, want uint64) error {
	ops, err := c.Operands()
	if err == nil && (len(ops.Values) != 1 || ops.Values[0] != want || ops.Blob != nil) {
		err = notUnderstood(c.at, "MODULE VERSION is %d, not %d", ops.Values, want)
	}
	return err
}

// readModules reads the table of modules.
func (x *index) readModules(c *Cursor) error {
	return eachEntry(c, func(e Entry) error {
		if e.Kind != Record || e.ID != moduleEntry && e.ID != moduleEntryHash {
			return unknownEntry(c, e, "MODULE_STRTAB")
		}
		ops, err := c.Operands()
		if x.room -= len(ops.Values); err == nil {
			err = checkEntry(c, e.ID, ops, x.room)
		}
		if err != nil {
			return err
		}
		if e.ID == moduleEntryHash {
			return x.addHash(c, ops)
		}
		return x.addModule(c, ops)
	})
}

func (x *index) addModule(c *Cursor, ops Operands) error {
	if ops.Blob != nil {
		return notUnderstood(c.at, "MODULE_STRTAB ENTRY with a blob")
	}
	x.modules = append(x.modules, indexModule{id: ops.Values[0], path: entryPath(ops), at: c.at})
	return nil
}

// entryPath is the path in a MODULE_STRTAB ENTRY.
func entryPath(ops Operands) string { return Operands{Values: ops.Values[1:]}.Text() }

// addHash adds the hash of the module before.
func (x *index) addHash(c *Cursor, ops Operands) error {
	if len(ops.Values) != 5 || ops.Blob != nil || len(x.modules) == 0 || x.modules[len(x.modules)-1].hashed {
		return notUnderstood(c.at, "MODULE_STRTAB HASH of %d operands, or not right after an ENTRY", len(ops.Values))
	}
	m := &x.modules[len(x.modules)-1]
	m.hashed = true
	for i, v := range ops.Values {
		if v>>32 != 0 {
			return notUnderstood(c.at, "MODULE_STRTAB HASH with a word of more than 32 bits")
		}
		m.hash[i] = uint32(v)
	}
	return nil
}

// readSummary reads the records of GLOBALVAL_SUMMARY.
func (x *index) readSummary(c *Cursor) error {
	var known *layouts
	x.size = int(c.block.end-c.pos) / 8
	x.ops = make([]uint64, 0, x.size/2)
	return eachEntry(c, func(e Entry) error {
		if known == nil {
			var err error
			known, err = x.readVersion(c, e)
			return err
		}
		if e.Kind != Record || e.ID > maxSummaryCode || known[e.ID] == nil {
			return unknownEntry(c, e, fmt.Sprintf("GLOBALVAL_SUMMARY of version %d", x.version))
		}
		return x.readRecord(c, known[e.ID])
	})
}

// readVersion reads the first record of the summary.
func (x *index) readVersion(c *Cursor, e Entry) (*layouts, error) {
	if e.Kind != Record || e.ID != summaryVersion {
		return nil, unknownEntry(c, e, "GLOBALVAL_SUMMARY in front of its version")
	}
	ops, err := c.Operands()
	if err != nil {
		return nil, err
	}
	known := layoutsOf[ops.first()]
	if known == nil || len(ops.Values) != 1 || ops.Blob != nil {
		return nil, notUnderstood(c.at, "GLOBALVAL_SUMMARY VERSION is %d", ops.first())
	}
	x.version = ops.first()
	return known, nil
}

// readRecord keeps a record of the summary.
func (x *index) readRecord(c *Cursor, l *layout) error {
	ops, err := c.Operands()
	if err == nil {
		err = x.spend(c, len(ops.Values))
	}
	if err != nil {
		return err
	}
	if ops.Blob != nil || l.code == summaryVersion {
		return notUnderstood(c.at, "%s a second time or with a blob", l.name)
	}
	if l.place == isDefinition {
		return x.addValue(c, l, ops.Values)
	}
	from := len(x.ops)
	x.ops = append(x.ops, ops.Values...)
	x.records = append(x.records, record{l, c.at, from, len(x.ops)})
	switch l.place {
	case inHead, isNames, isLink:
		if x.heads[l.code] != 0 {
			return notUnderstood(c.at, "%s a second time", l.name)
		}
		x.heads[l.code] = len(x.records)
	}
	return nil
}

// head returns the only record of its code, and whether there is one.
func (x *index) head(code uint32) (record, bool) {
	if i := x.heads[code]; i != 0 {
		return x.records[i-1], true
	}
	return record{}, false
}

func (x *index) readStrtab(c *Cursor) error {
	return eachEntry(c, func(e Entry) error {
		if e.Kind != Record || e.ID != stringBlob || x.strtab != nil {
			return unknownEntry(c, e, "STRTAB")
		}
		ops, err := c.Operands()
		if err == nil && (ops.Blob == nil || len(ops.Values) != 0) {
			err = notUnderstood(c.at, "STRTAB BLOB is not a blob")
		}
		x.strtab = ops.Blob
		return err
	})
}

// IndexModules returns the paths of the modules that a summary index shard
// names, in its order: the module it is for and those that it imports from, or
// none if the link has no use for the module.
func IndexModules(shard []byte) ([]string, error) {
	var paths []string
	room := pathRoom(shard)
	err := eachModuleTable(shard, func(c *Cursor, e Entry) error {
		if e.Kind != Record || e.ID != moduleEntry {
			return nil
		}
		ops, err := c.Operands()
		if room -= len(ops.Values); err == nil {
			err = checkEntry(c, e.ID, ops, room)
		}
		if err != nil {
			return err
		}
		paths = append(paths, entryPath(ops))
		return nil
	})
	return paths, err
}

// eachModuleTable calls f for each entry of each table of modules in a shard.
func eachModuleTable(shard []byte, f func(*Cursor, Entry) error) error {
	c, err := NewCursor(shard)
	if err != nil {
		return err
	}
	for {
		e, err := c.Next()
		if err == nil && e.Kind == Block && e.ID == moduleBlock {
			err = eachEntry(c, func(e Entry) error {
				if e.Kind == Block && e.ID == moduleStrtabBlock {
					return eachEntry(c, func(e Entry) error { return f(c, e) })
				}
				return nil
			})
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
