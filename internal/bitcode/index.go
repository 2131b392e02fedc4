// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// An Index is a summary index shard: what a thin link tells the compile of one
// module. The zero Index is one to Read a shard into. Reading the next shard into
// the same Index uses its memory again, which makes a large difference to the time
// that many small shards take.
type Index struct {
	shard   []byte
	paths   []string // of its modules, in its order
	text    []byte   // all paths
	ends    []int    // and where each ends in it
	room    tableRoom
	trouble error // why no more is known than the paths, if that is so
	spent   bool  // its contents were rewritten
	cursor  Cursor

	version uint64
	known   *plans // of this version
	size    int    // of the summary in bytes, which bounds what that may become in memory
	modules []indexModule
	records []record // of the summary, in its order; those of VALUE_GUID are in guids
	ops     []uint64 // operands of all records
	guids   []valueGUID
	heads   [maxSummaryCode + 1]int // where in records is the one record of its code, and one more; 0 if none
	strtab  []byte

	numbering
	order
	strings stringTable
	radix   []uint64 // the new radix array
	out     writer
}

// indexes are Indexes whose memory is free to be used.
var indexes = sync.Pool{New: func() any { return new(Index) }}

// A record is one of the summary's.
type record struct {
	code     uint8  // which of the plans is its
	at       uint64 // bit offset
	from, to int    // its operands in Index.ops
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

// Read reads a shard, whose bytes must stay as they are for as long as the Index
// is used. Malformed bitcode is an [*Error]. Something in it that is not
// understood, such as a record of a newer LLVM, is none: the modules are known
// all the same.
func (x *Index) Read(shard []byte) error {
	err := x.parse(shard)
	var u *unknown
	if errors.As(err, &u) {
		x.clear(shard)
		err = x.readPaths()
	}
	if x.trouble = err; err == nil && u != nil {
		x.trouble = u
	}
	return err
}

// parse reads a shard that has the blocks and records that LLD writes, and no
// others.
func (x *Index) parse(shard []byte) error {
	x.clear(shard)
	c := &x.cursor
	if err := c.reset(inMemory(shard)); err != nil {
		return err
	}
	for {
		e, err := c.Next()
		if errors.Is(err, io.EOF) {
			return x.complete()
		}
		if err == nil {
			err = x.readTop(e)
		}
		if err != nil {
			return err
		}
	}
}

// clear empties the Index but for the memory that it holds.
func (x *Index) clear(shard []byte) {
	*x = Index{
		shard: shard, cursor: x.cursor, room: newTableRoom(shard),
		paths: x.paths[:0], text: x.text[:0], ends: x.ends[:0], modules: x.modules[:0],
		records: x.records[:0], ops: x.ops[:0], guids: x.guids[:0], radix: x.radix[:0],
		numbering: x.numbering, order: x.order, strings: x.strings, out: x.out,
	}
	x.numbering.clear()
	x.order.clear()
	x.strings.clear()
}

func (x *Index) complete() error {
	if x.version == 0 || x.strtab == nil {
		return &Error{x.cursor.Offset(), "summary index ends without a summary or a string table"}
	}
	return nil
}

// operands are the record's.
func (x *Index) operands(r *record) []uint64 { return x.ops[r.from:r.to] }

// plan is the record's.
func (x *Index) plan(r *record) *plan { return x.known[r.code] }

// head returns the only record of its code, nil if there is none.
func (x *Index) head(code uint32) *record {
	if i := x.heads[code]; i != 0 {
		return &x.records[i-1]
	}
	return nil
}

func (x *Index) readTop(e Entry) error {
	switch {
	case e.Kind == Block && e.ID == moduleBlock && x.version == 0:
		return x.readModule()
	case e.Kind == Block && e.ID == strtabBlock && x.version != 0 && x.strtab == nil:
		return x.readStrtab()
	}
	return unknownEntry(&x.cursor, e, "the file")
}

func (x *Index) readModule() error {
	c := &x.cursor
	versioned, tabled := false, false
	return eachEntry(c, func(e Entry) error {
		switch {
		case e.Kind == Record && e.ID == moduleVersion && !versioned:
			versioned = true
			return expectRecord(c, 2)
		case e.Kind == Block && e.ID == moduleStrtabBlock && versioned && !tabled:
			tabled = true
			return x.readModules()
		case e.Kind == Block && e.ID == summaryBlock && tabled && x.version == 0:
			return x.readSummary()
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

// readSummary reads the records of GLOBALVAL_SUMMARY.
func (x *Index) readSummary() error {
	c := &x.cursor
	x.size = int(c.block.end-c.pos) / 8
	x.ops = slices.Grow(x.ops, x.size/2)
	if err := c.Enter(); err != nil {
		return err
	}
	for {
		e, ops, b, err := c.appendNext(x.ops)
		if err == nil && e.Kind == Record {
			err = x.spend(len(ops))
		}
		switch {
		case err != nil || e.Kind == End:
			return err
		case x.known == nil:
			err = x.readVersion(e, Operands{ops, b})
		case e.Kind != Record || e.ID > maxSummaryCode || x.known[e.ID] == nil:
			return unknownEntry(c, e, fmt.Sprintf("GLOBALVAL_SUMMARY of version %d", x.version))
		case b != nil:
			return notUnderstood(c.at, "%s with a blob", x.known[e.ID].name)
		default:
			err = x.addRecord(x.known[e.ID], ops)
		}
		if err != nil {
			return err
		}
	}
}

// readVersion takes up the first record of the summary.
func (x *Index) readVersion(e Entry, ops Operands) error {
	c := &x.cursor
	if e.Kind != Record || e.ID != summaryVersion {
		return unknownEntry(c, e, "GLOBALVAL_SUMMARY in front of its version")
	}
	known := plansOf[ops.first()]
	if known == nil || len(ops.Values) != 1 || ops.Blob != nil {
		return notUnderstood(c.at, "GLOBALVAL_SUMMARY VERSION is %d", ops.first())
	}
	x.version, x.known = ops.first(), known
	return nil
}

// addRecord takes up a record. Its operands have been read behind those that x.ops
// has.
func (x *Index) addRecord(p *plan, ops []uint64) error {
	c, from := &x.cursor, len(x.ops)
	if p.place == isDefinition {
		return x.addValue(p, ops[from:])
	}
	x.ops = ops
	x.records = append(x.records, record{uint8(p.code), c.at, from, len(ops)})
	switch p.place {
	case inHead, isNames, isLink:
		if x.heads[p.code] != 0 || p.code == summaryVersion {
			return notUnderstood(c.at, "%s a second time", p.name)
		}
		x.heads[p.code] = len(x.records)
	}
	return nil
}

// spend keeps what a summary becomes in memory within a multiple of its size: n is
// the number of operands with those to come. LLD writes at most two operands a
// byte; an abbreviation made up of literals could make hundreds of one. The size
// of the module table, and so the length of names, makes no difference to the
// result.
func (x *Index) spend(n int) error {
	if n+4*(len(x.records)+len(x.guids)) > 8*x.size {
		return notUnderstood(x.cursor.at, "more than %d operands in %d bytes of summary", 8*x.size, x.size)
	}
	return nil
}

func (x *Index) readStrtab() error {
	c := &x.cursor
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
