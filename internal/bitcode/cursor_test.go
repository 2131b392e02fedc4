// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// walk reads every entry and calls f for each block, each end and each record
// with its operands.
func walk(c *Cursor, f func(Entry, Operands)) error {
	for {
		e, err := c.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var ops Operands
		switch e.Kind {
		case Block:
			err = c.Enter()
		case Record:
			ops, err = c.Operands()
		}
		if err != nil {
			return err
		}
		f(e, ops)
	}
}

// walkQuickly is walk by appendNext.
func walkQuickly(c *Cursor, f func(Entry, Operands)) error {
	for {
		e, values, b, err := c.appendNext(nil)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && e.Kind == Block {
			err = c.Enter()
		}
		if err != nil {
			return err
		}
		f(e, Operands{values, b})
	}
}

var (
	dumpedRecord = regexp.MustCompile(`^ *<\w+(?: codeid=\d+)?(?: abbrevid=\d+)?((?: op\d+=-?\d+)*)(?: \(offset match\))?/>`)
	dumpedOp     = regexp.MustCompile(`op\d+=(-?\d+)`)
	dumpedBlock  = regexp.MustCompile(`^ *<(/?)\w+ ?(?:NumWords=(\d+) BlockCodeSize=\d+)?>`)
)

// dumpLine is a walk's entry written as dumpedLine writes llvm-bcanalyzer's.
func dumpLine(e Entry, ops Operands) string {
	switch e.Kind {
	case Block:
		return "begin"
	case End:
		return "end"
	}
	line := "record"
	for _, v := range ops.Values {
		line += " " + strconv.FormatInt(int64(v), 10)
	}
	return line
}

// dumpedLine returns the entry in a line of llvm-bcanalyzer --dump, "" if there
// is none.
func dumpedLine(line string) string {
	if strings.Contains(line, "<BLOCKINFO_BLOCK/>") {
		return "" // the cursor keeps it to itself
	}
	if m := dumpedRecord.FindStringSubmatch(line); m != nil {
		out := "record"
		for _, op := range dumpedOp.FindAllStringSubmatch(m[1], -1) {
			out += " " + op[1]
		}
		return out
	}
	if m := dumpedBlock.FindStringSubmatch(line); m != nil {
		if m[1] == "/" {
			return "end"
		}
		return "begin"
	}
	return ""
}

// TestCursor compares every block and every operand of every record with what
// llvm-bcanalyzer shows.
func TestCursor(t *testing.T) {
	source := sampleCXX + "#include <stdexcept>\n" +
		"double table[] = {1, 2.5}; const char *text = \"Text.\\1\";\n" +
		"int h(int x) { try { if (x > 3) throw std::runtime_error(text); } catch (std::exception &e) { return 1; } return x ? h(x - 1) : 7; }\n"
	for _, version := range llvmtest.Versions {
		for _, args := range [][]string{
			{"-flto=thin", "-g"}, {"-flto=full", "-O0"}, {"-flto=thin", "-fwhole-program-vtables", "-fvisibility=hidden"},
		} {
			t.Run(version+" "+strings.Join(args, " "), func(t *testing.T) {
				path := compile(t, version, "a.cpp", source, args...)
				compareDump(t, path, read(t, path))
				if args[0] == "-flto=thin" {
					compareDump(t, path+".thinlto.bc", thinLink(t, version, path))
				}
			})
		}
	}
}

func compareDump(t *testing.T, path string, b []byte) {
	t.Helper()
	var want []string
	for line := range strings.Lines(llvmtest.Output(t, "", "llvm-bcanalyzer-22", "--dump", path)) {
		if d := dumpedLine(line); d != "" {
			want = append(want, d)
		}
	}
	for name, c := range cursors(t, b) {
		var got []string
		walk := walk
		if strings.HasPrefix(name, "quickly") {
			walk = walkQuickly
		}
		if err := walk(c, func(e Entry, ops Operands) { got = append(got, dumpLine(e, ops)) }); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(want) < 20 {
			t.Fatalf("%s: only %d lines understood of llvm-bcanalyzer", path, len(want))
		}
		if i := firstDifference(want, got); i >= 0 {
			t.Fatalf("%s: entry %d of %d and %d:\nwant %.200s\ngot  %.200s", name, i, len(want), len(got), at(want, i), at(got, i))
		}
	}
}

// cursors returns two cursors on b in memory and two on b as a file.
func cursors(t testing.TB, b []byte) map[string]*Cursor {
	t.Helper()
	all := map[string]*Cursor{}
	for _, how := range []string{"", "quickly "} {
		inMemory, err := NewCursor(b)
		if err != nil {
			t.Fatal(err)
		}
		asFile, err := NewCursorAt(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		all[how+"in memory"], all[how+"as file"] = inMemory, asFile
	}
	return all
}

func firstDifference(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if at(a, i) != at(b, i) {
			return i
		}
	}
	return -1
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// TestSkip shows that skipping leads to where reading leads: with every n-th
// record and block read or entered, the entries met are those of a full walk.
func TestSkip(t *testing.T) {
	b := read(t, compile(t, "22", "a.cpp", sampleCXX, "-flto=thin", "-g"))
	c, _ := NewCursor(b)
	all := map[string]bool{}
	if err := walk(c, func(e Entry, _ Operands) { all[fmt.Sprint(e, c.Offset(), c.Depth())] = true }); err != nil {
		t.Fatal(err)
	}
	for every := 1; every < 5; every++ {
		c, _ := NewCursor(b)
		met := 0
		for n := 0; ; n++ {
			e, err := c.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil && e.Kind == Block && n%every == 0 {
				err = c.Enter()
			} else if err == nil && e.Kind == Record && n%every == 0 {
				_, err = c.Operands()
			} else if err == nil && e.Kind != End {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			met++
			if !all[fmt.Sprint(e, c.Offset(), c.Depth())] {
				t.Fatalf("every %d: entry %v ending at bit %d is not one of the file", every, e, c.Offset())
			}
		}
		if met == 0 {
			t.Errorf("every %d: nothing met", every)
		}
	}
}

// TestEncodings reads each encoding of an operand, BLOCKINFO's abbreviations
// before a block's own, and a BLOCKINFO whose reach ends with its block.
func TestEncodings(t *testing.T) {
	s := newBitstream()
	s.enter(2, 8, 3, 19)
	s.enter(3, 0, 2, 4) // BLOCKINFO
	s.fixed(unabbrev, 2).vbr(setBID, 6).vbr(1, 6).vbr(9, 6)
	s.define(2, 7).literal(70).literal(1<<40).field(fixed, 64).field(vbr, 6).field(fixed, 0).encoding(array).encoding(char6)
	s.end(2)
	s.enter(3, 9, 4, 10)
	s.define(4, 2).field(vbr, 4).encoding(blob)
	s.fixed(4, 4).fixed(1<<63|5, 64).vbr(1<<64-1, 6).vbr(4, 6)
	s.fixed(25, 6).fixed(26, 6).fixed(62, 6).fixed(63, 6) // "zA._"
	s.fixed(5, 4).vbr(300, 4).vbr(5, 6).align()
	for _, b := range []byte("blob!") {
		s.fixed(uint64(b), 8)
	}
	s.align().end(4)
	s.end(3)
	s.enter(2, 9, 3, 1).fixed(4, 3) // BLOCKINFO of block 8 does not hold here
	b := s.pad(3)

	var got []string
	c, err := NewCursor(b)
	if err != nil {
		t.Fatal(err)
	}
	err = walk(c, func(e Entry, ops Operands) { got = append(got, fmt.Sprintf("%v %v %s", e, ops.Values, ops.Blob)) })
	want := []string{
		"{1 8} [] ", "{1 9} [] ",
		"{3 70} [1099511627776 9223372036854775813 18446744073709551615 0 122 65 46 95] ",
		"{3 300} [] blob!",
		"{2 9} [] ", "{2 8} [] ", "{1 9} [] ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if err == nil || !strings.Contains(err.Error(), "abbreviation 4 is not defined") {
		t.Errorf("got error %v", err)
	}
}

// TestRandomRecords writes records of random abbreviations and reads them back in
// each way that there is.
func TestRandomRecords(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	value := func(width uint64) uint64 { return r.Uint64() >> (64 - width) >> (r.Uint64() % width) }
	var want []string
	w := newWriter()
	for range 300 {
		w.enter(8, 3)
		ops := []operand{{literal, r.Uint64() >> 33}}
		for range r.IntN(8) {
			ops = append(ops, operand{[]uint8{fixed, vbr}[r.IntN(2)], 2 + r.Uint64()%63})
		}
		if r.IntN(2) == 0 {
			ops = append(ops, operand{array, 0}, operand{[]uint8{fixed, vbr}[r.IntN(2)], 2 + r.Uint64()%63})
		}
		w.define(ops...)
		for range r.IntN(50) {
			w.abbreviated(firstAbbrevID)
			want = append(want, fmt.Sprint(ops[0].value, randomFields(w, r, ops[1:], value)))
		}
		w.end()
	}
	for name, c := range cursors(t, w.bytes()) {
		walk := walk
		if strings.HasPrefix(name, "quickly") {
			walk = walkQuickly
		}
		var got []string
		err := walk(c, func(e Entry, ops Operands) {
			if e.Kind == Record {
				got = append(got, fmt.Sprint(e.ID, ops.Values))
			}
		})
		if i := firstDifference(want, got); i >= 0 || err != nil {
			t.Fatalf("%s: %v, record %d is %.300s, not %.300s", name, err, i, at(got, i), at(want, i))
		}
	}
}

// randomFields writes random values for what an abbreviation wants and returns them.
func randomFields(w *writer, r *rand.Rand, ops []operand, value func(uint64) uint64) []uint64 {
	values := []uint64{}
	one := func(op operand) {
		v := value(op.value)
		if op.encoding == fixed {
			w.fixed(v, uint(op.value))
		} else {
			if r.IntN(3) == 0 {
				v = value(64)
			}
			w.vbr(v, uint(op.value))
		}
		values = append(values, v)
	}
	for i, op := range ops {
		if op.encoding == array {
			n := r.IntN(70)
			w.vbr(uint64(n), 6)
			for range n {
				one(ops[i+1])
			}
			break
		}
		one(op)
	}
	return values
}

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
