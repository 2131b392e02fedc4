// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
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
