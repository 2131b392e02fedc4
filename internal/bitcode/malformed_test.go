// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestMalformed(t *testing.T) {
	open := func(words uint64) *bitstream { return newBitstream().enter(2, 8, 3, words) }
	deep := newBitstream()
	for i := range uint64(2000) {
		deep.enter([]uint{2, 3}[min(i, 1)], 8, 3, 2*(1999-i))
	}
	many := open(100000)
	for range 2000 {
		many.define(3, 100)
		for range 100 {
			many.literal(1)
		}
	}
	for _, test := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "32 bits wanted"},
		{"text", []byte("int main() {}"), "magic number 0x20746e69"},
		{"wrapper past the end", wrapped(20, 255, 8), "wrapper header points at bytes 20 to 275 of 28"},
		{"wrapper points at itself", wrapped(0, 20, 8), "wrapper header points at bytes 0 to 20"},
		{"wrapper around nothing", wrapped(20, 0, 0), "32 bits wanted"},
		{"end outside of blocks", newBitstream().pad(4), "end of a block outside all blocks"},
		{"no end", open(1).fixed(unabbrev, 3).vbr(1, 6).vbr(0, 6).define(3, 1).literal(1).pad(0), "bits wanted"},
		{"block past the file", open(9).pad(8), "block 8 of 9 words runs past"},
		{"block past its parent", open(4).enter(3, 9, 3, 3).pad(9), "block 9 of 3 words runs past"},
		{"ends early", open(3).end(3).pad(2), "ends 64 bits before its length says"},
		{"id width 0", newBitstream().enter(2, 8, 0, 1).pad(2), "abbreviation ids of 0 bits"},
		{"id width 33", newBitstream().enter(2, 8, 33, 1).pad(2), "abbreviation ids of 33 bits"},
		{"huge block id", newBitstream().enter(2, 1<<32, 3, 1).pad(2), "block id 4294967296"},
		{"too deep", deep.pad(0), "nested deeper than 32"},
		{"undefined abbreviation", open(1).fixed(7, 3).pad(2), "abbreviation 7 is not defined"},
		{"many operands", open(2).fixed(unabbrev, 3).vbr(1, 6).vbr(1<<31, 6).pad(2), "2147483648 elements of 6 bits"},
		{"huge code", open(3).fixed(unabbrev, 3).vbr(1<<32, 6).vbr(0, 6).pad(2), "record code 4294967296"},
		{"endless vbr", open(9).fixed(unabbrev, 3).fixed(1<<64-1, 64).fixed(1<<64-1, 64).pad(9), "integer of more than 64 bits"},
		{"vbr past the block", open(2).define(3, 2).literal(1).field(vbr, 32).fixed(4, 3).vbr(7, 32).pad(8), "32 bits wanted, the block ends after 30"},
		{"field past the block", open(2).define(3, 2).literal(1).field(fixed, 31).fixed(4, 3).fixed(7, 31).pad(8), "31 bits wanted, the block ends after 30"},
		{"operand past the block", open(1).define(3, 4).literal(1).literal(2).literal(3).pad(8), "bits wanted, the block ends after"},
		{"id past the block", newBitstream().enter(2, 8, 5, 1).define(5, 2).literal(1).field(fixed, 1).fixed(4, 5).pad(8), "5 bits wanted, the block ends after"},
		{"long vbr", open(9).fixed(unabbrev, 3).vbr(1, 6).vbr(1, 6).fixed(1<<60-1, 60).fixed(1<<18-1, 18).fixed(31, 6).pad(9), "integer of more than 64 bits"},
		{"huge literal code", open(4).define(3, 1).literal(1<<32).fixed(4, 3).pad(9), "record code 4294967296"},
		{"no operands", open(1).define(3, 0).pad(2), "abbreviation of 0 operands"},
		{"long abbreviation", open(1).define(3, maxAbbrevOps+1).pad(2), "abbreviation of 129 operands"},
		{"many abbreviations", many.pad(100000), "with 65500 in force"},
		{"encoding 7", open(1).define(3, 1).encoding(7).pad(2), "operand encoding 7"},
		{"width 65", open(2).define(3, 1).field(fixed, 65).pad(2), "field of 65 bits"},
		{"code is an array", open(3).define(3, 2).encoding(array).encoding(char6).fixed(4, 3).pad(3), "array or blob where a single value"},
		{"array in the middle", open(3).define(3, 4).literal(1).encoding(array).encoding(char6).encoding(char6).fixed(4, 3).pad(3), "not the last but one"},
		{"array of nothing", open(3).define(3, 3).literal(1).encoding(array).literal(0).fixed(4, 3).vbr(31, 6).pad(3), "elements have no size"},
		{"array of bits", open(9).define(3, 3).literal(1).encoding(array).field(fixed, 1).fixed(4, 3).vbr(130, 6).pad(8), "130 elements of 1 bits"},
		{"blob in the middle", open(3).define(3, 3).literal(1).encoding(blob).literal(0).fixed(4, 3).pad(3), "blob that is not the last"},
		{"long blob", open(3).define(3, 2).literal(1).encoding(blob).fixed(4, 3).vbr(99, 6).pad(3), "99 times 8 bits wanted"},
		{"huge blob", open(5).define(3, 2).literal(1).encoding(blob).fixed(4, 3).vbr(1<<61, 6).pad(5), "2305843009213693952 times 8 bits wanted"},
		{"huge code of a registered record", registered(func(w *writer) { w.define(operand{literal, 1 << 32}) }), "record code 4294967296"},
		{"id past a block of registered records", registered(func(w *writer) { w.define(operand{literal, 1}) }), "5 bits wanted, the block ends after 2"},
		{"block in BLOCKINFO", open(5).enter(3, 0, 2, 3).enter(2, 8, 3, 1).pad(5), "block inside of BLOCKINFO"},
		{"abbreviation for no block", open(4).enter(3, 0, 2, 1).define(2, 1).literal(1).pad(4), "abbreviation for no block"},
		{"SETBID of nothing", open(4).enter(3, 0, 2, 1).fixed(unabbrev, 2).vbr(setBID, 6).vbr(0, 6).pad(4), "SETBID without a block id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, err := range walkAll(test.b) {
				var malformed *Error
				if !errors.As(err, &malformed) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: got %v, want %q", name, err, test.want)
				}
			}
		})
	}
}

// registered is a block of one word with records of five bits, by the abbreviation that
// BLOCKINFO registers for it; more of them stand behind its end.
func registered(define func(w *writer)) []byte {
	w := newWriter()
	w.enter(8, 3)
	w.enter(0, 3)
	w.record(setBID, 9)
	define(w)
	w.end()
	w.enter(9, 5)
	for range 40 {
		w.abbreviated(firstAbbrevID)
	}
	w.end()
	w.end()
	b := w.bytes()
	binary.LittleEndian.PutUint32(b[len(b)-4*9:], 1)
	return b
}

// walkAll walks all of b, reading each record, skipping it and reading it quickly.
func walkAll(b []byte) map[string]error {
	errs := map[string]error{}
	c, err := NewCursor(b)
	if err == nil {
		err = walk(c, func(Entry, Operands) {})
	}
	errs["read"] = err
	if c, err = NewCursor(b); err == nil {
		err = skim(c)
	}
	errs["skip"] = err
	if c, err = NewCursor(b); err == nil {
		err = walkQuickly(c, func(Entry, Operands) {})
	}
	errs["read quickly"] = err
	return errs
}

// skim enters every block and reads no record.
func skim(c *Cursor) error {
	for {
		e, err := c.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && e.Kind == Block {
			err = c.Enter()
		}
		if err != nil {
			return err
		}
	}
}

// TestBlockInfoOfItself has BLOCKINFO register abbreviations for the block that
// it stands in: they hold for blocks entered afterwards, not for the open one.
func TestBlockInfoOfItself(t *testing.T) {
	s := newBitstream().enter(2, 8, 3, 8)
	s.define(3, 1).literal(1)
	s.enter(3, 0, 2, 2).fixed(unabbrev, 2).vbr(setBID, 6).vbr(1, 6).vbr(8, 6).define(2, 1).literal(2).end(2)
	s.fixed(4, 3).enter(3, 8, 3, 1).fixed(4, 3).end(3).end(3)
	var codes []uint32
	c, err := NewCursor(s.pad(0))
	if err == nil {
		err = walk(c, func(e Entry, _ Operands) {
			if e.Kind == Record {
				codes = append(codes, e.ID)
			}
		})
	}
	if err != nil || !slices.Equal(codes, []uint32{1, 2}) {
		t.Errorf("codes %v, %v", codes, err)
	}
}

// TestMisuse covers calls out of order: an error, and the cursor stays put.
func TestMisuse(t *testing.T) {
	b := newBitstream().enter(2, 8, 3, 1).end(3).pad(0)
	for name, f := range map[string]func(*Cursor) error{
		"Enter":    func(c *Cursor) error { return c.Enter() },
		"Leave":    func(c *Cursor) error { return c.Leave() },
		"Operands": func(c *Cursor) error { _, err := c.Operands(); return err },
	} {
		c, err := NewCursor(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := f(c); err == nil {
			t.Errorf("%s on nothing succeeded", name)
		}
		if _, err := c.Next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("after %s: Next gave %v", name, err)
		}
	}
}

// checkQuick holds a quick walk against a plain one.
func checkQuick(t *testing.T, b []byte) {
	t.Helper()
	list := func(walk func(*Cursor, func(Entry, Operands)) error) (all []string) {
		c, err := NewCursor(b)
		if err == nil {
			err = walk(c, func(e Entry, ops Operands) {
				all = append(all, fmt.Sprint(e, ops.Values, string(ops.Blob), c.Offset(), c.at))
			})
		}
		return append(all, fmt.Sprint(err))
	}
	plain, quick := list(walk), list(walkQuickly)
	if i := firstDifference(plain, quick); i >= 0 {
		t.Fatalf("entry %d is %.200s, quickly %.200s", i, at(plain, i), at(quick, i))
	}
}

// FuzzCursor reads and skims everything. Both must come to the same end, and
// what a record takes in memory is bounded by the input.
func FuzzCursor(f *testing.F) {
	f.Add(read(f, compile(f, "22", "a.c", sampleC, "-flto=thin")))
	f.Add(read(f, compile(f, "19", "a.cpp", sampleCXX, "-flto=thin", "-fvisibility=hidden", "-fwhole-program-vtables")))
	f.Add(thinLink(f, "22", compile(f, "22", "a.c", sampleC, "-flto=thin")))
	f.Add(newBitstream().enter(2, 8, 3, 9).define(3, 3).literal(1).encoding(array).field(fixed, 1).fixed(4, 3).vbr(13, 6).pad(8))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := NewCursor(b)
		if err != nil {
			return
		}
		err = walk(c, func(e Entry, ops Operands) {
			if len(ops.Values) > len(b)+maxAbbrevOps || len(ops.Blob) > len(b) || c.Depth() > maxDepth {
				t.Fatalf("%v: %d values, blob of %d, depth %d from %d bytes", e, len(ops.Values), len(ops.Blob), c.Depth(), len(b))
			}
		})
		if c.Offset() > uint64(len(b))*8 {
			t.Fatalf("at bit %d of %d bytes", c.Offset(), len(b))
		}
		if errs := walkAll(b); fmt.Sprint(errs["read"]) != fmt.Sprint(err) || (errs["skip"] == nil) != (err == nil) {
			t.Fatalf("walk gave %v, then %v", err, errs)
		}
		checkQuick(t, b)
	})
}
