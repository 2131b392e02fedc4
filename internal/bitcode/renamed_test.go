// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// handmade returns a shard: the table of modules, the given version, values 1 and
// 2 with the GUIDs 20 and 10, and then what more writes. Module 5 is "b", 9 "a".
func handmade(version uint64, more func(w *writer)) []byte {
	w := newWriter()
	w.enter(moduleBlock, 3)
	w.record(moduleVersion, 2)
	w.enter(moduleStrtabBlock, 3)
	w.record(moduleEntry, 5, 'b')
	w.record(moduleEntryHash, 1, 2, 3, 4, 5)
	w.record(moduleEntry, 9, 'a')
	w.end()
	w.enter(summaryBlock, 3)
	w.record(summaryVersion, version)
	w.record(summaryFlags, 1)
	if version >= 11 {
		w.record(summaryValueGUID, 1, 0, 20)
		w.record(summaryValueGUID, 2, 0, 10)
	} else {
		w.record(summaryValueGUID, 1, 20)
		w.record(summaryValueGUID, 2, 10)
	}
	more(w)
	w.end()
	w.end()
	w.enter(strtabBlock, 3)
	w.blob(stringBlob, []byte("two-one"))
	w.end()
	return w.bytes()
}

var letters = func(path string) (string, bool) { return "x/" + path, true }

// function is a COMBINED_PROFILE of a value without refs or callees.
func function(w *writer, id, module uint64) { w.record(5, id, module, 0, 1, 0, 0, 0, 0, 0) }

// TestNotUnderstood covers what makes a shard come out renamed only, with a reason
// that names it, and what is malformed.
func TestNotUnderstood(t *testing.T) {
	fn := func(w *writer) { function(w, 1, 5) }
	for _, test := range []struct {
		name    string
		version uint64
		more    func(w *writer)
		want    string // the reason, "" if there is none
	}{
		{"function", 12, fn, ""},
		{"version 8", 8, fn, "VERSION is 8"},
		{"version 13", 13, fn, "VERSION is 13"},
		{"version 0", 0, fn, "VERSION is 0"},
		{"version of many bits", 1 << 40, fn, "VERSION is 1099511627776"},
		{"record of later", 12, func(w *writer) { w.record(34, 1) }, "record 34 in GLOBALVAL_SUMMARY of version 12"},
		{"record of before", 12, func(w *writer) { w.record(4, 1, 5, 0, 1, 0, 0, 0, 0, 0) }, "record 4 in"},
		{"record of a module", 9, func(w *writer) { w.record(1, 1) }, "record 1 in"},
		{"block", 9, func(w *writer) { w.enter(99, 3); w.end() }, "block 99 in GLOBALVAL_SUMMARY"},
		{"second version", 9, func(w *writer) { w.record(10, 9) }, "VERSION a second time"},
		{"second flags", 9, func(w *writer) { w.record(20, 9) }, "FLAGS a second time"},
		{"second id", 9, func(w *writer) { w.record(16, 1, 30) }, "VALUE_GUID has id 1"},
		{"second GUID", 9, func(w *writer) { w.record(16, 3, 20) }, "GUID 0x14 twice"},
		{"id 0", 9, func(w *writer) { w.record(16, 0, 30) }, "VALUE_GUID gives id 0"},
		{"large id", 9, func(w *writer) { w.record(16, 1<<20, 30) }, "VALUE_GUID for 3 ids up to 1048576"},
		{"short GUID", 12, func(w *writer) { w.record(16, 3, 30) }, "VALUE_GUID of 2 operands"},
		{"long word", 12, func(w *writer) { w.record(16, 3, 1<<32, 30) }, "VALUE_GUID gives id 3"},
		{"unknown value", 10, func(w *writer) { function(w, 3, 5) }, "COMBINED_PROFILE of value 3 in module 5"},
		{"unknown module", 10, func(w *writer) { function(w, 1, 6) }, "of value 1 in module 6"},
		{"unknown ref", 10, func(w *writer) { w.record(6, 1, 5, 0, 0, 7) }, "COMBINED_GLOBALVAR_INIT_REFS whose valueid 7 is not defined"},
		{"short summary", 10, func(w *writer) { w.record(6, 1) }, "COMBINED_GLOBALVAR_INIT_REFS of 1 operands"},
		{"short refs", 10, func(w *writer) { w.record(5, 1, 5, 0, 1, 0, 0, 1<<60, 0, 0, 1) }, "COMBINED_PROFILE that ends in front of its valueid"},
		{"half an edge", 10, func(w *writer) { w.record(5, 1, 5, 0, 1, 0, 0, 0, 0, 0, 1) }, "ends in front of its hotness+tailcall"},
		{"long flags", 10, func(w *writer) { w.record(24, 9, 9) }, "BLOCK_COUNT with 1 operands too many"},
		{"aliasee 0", 10, func(w *writer) { w.record(8, 1, 5, 0, 0) }, "COMBINED_ALIAS whose aliasee 0"},
		{"aliasee 0, allowed", 12, func(w *writer) { w.record(8, 1, 5, 0, 0) }, ""},
		{"attached to nothing", 9, func(w *writer) { w.record(11, 1) }, "TYPE_TESTS without a function"},
		{"attached to a variable", 9, func(w *writer) { w.record(11, 1); w.record(6, 1, 5, 0, 0) }, "TYPE_TESTS in front of a COMBINED_GLOBALVAR"},
		{"trailer", 9, func(w *writer) { function(w, 1, 5); w.record(9, 77) }, ""},
		{"trailer of nothing", 9, func(w *writer) { w.record(9, 77) }, "COMBINED_ORIGINAL_NAME that does not follow"},
		{"trailer of a trailer", 9, func(w *writer) { fn(w); w.record(20+4, 1); w.record(9, 77) }, "COMBINED_ORIGINAL_NAME that does not follow"},
		{"names", 9, func(w *writer) { w.record(17, 4, 3, 0, 3) }, ""},
		{"odd names", 9, func(w *writer) { w.record(17, 4, 3, 0) }, "CFI_FUNCTION_DEFS of 3 operands"},
		{"name twice", 9, func(w *writer) { w.record(17, 4, 1, 6, 1, 2, 1, 4, 1) }, `CFI_FUNCTION_DEFS has "o" twice`},
		{"overlapping names", 9, func(w *writer) { w.record(17, 0, 6, 1, 6) }, "CFI_FUNCTION_DEFS with names that overlap"},
		{"overlapping strings", 9, func(w *writer) { w.record(17, 0, 6); w.record(18, 1, 6) }, "name overlaps other strings"},
		{"type id twice", 9, func(w *writer) { w.record(21, 0, 3, 0, 0, 0, 0, 0, 0); w.record(21, 0, 3, 0, 0, 0, 0, 0, 0) }, `TYPE_ID "two" twice`},
		{"stack words", 12, func(w *writer) { w.record(30, 1, 2, 3) }, "STACK_IDS of 3 operands"},
		{"stack word too long", 12, func(w *writer) { w.record(30, 1<<33, 2) }, "STACK_IDS with a word"},
		{"stack index", 9, func(w *writer) { w.record(30, 8); w.record(28, 0, 1, 1, 1, 0); fn(w) }, "stackidindex 1 is not defined"},
		{"context of a list", 9, func(w *writer) { w.record(30, 8); w.record(29, 1, 1, 2, 3, 0, 0); fn(w) }, "in front of the 3 entries of its context"},
		{"context outside", 12, func(w *writer) { w.record(30, 0, 8); w.record(32, 1, 0); w.record(29, 1, 1, 2, 2, 0); fn(w) }, "context at 2 of 2 entries"},
		{"context of too many", 12, func(w *writer) { w.record(30, 0, 8); w.record(32, 2, 0); w.record(29, 1, 1, 2, 0, 0); fn(w) }, "leaves the radix array"},
		{"context of a jump out", 12, func(w *writer) { w.record(30, 0, 8); w.record(32, 1, 1<<32-5); w.record(29, 1, 1, 2, 0, 0); fn(w) }, "leaves the radix array"},
		{"context of a jump to a jump", 12, func(w *writer) {
			w.record(30, 0, 8)
			w.record(32, 1, 1<<32-1, 1<<32-1, 0)
			w.record(29, 1, 1, 2, 0, 0)
			fn(w)
		}, "leaves the radix array"},
		{"context of a jump", 12, func(w *writer) { w.record(30, 0, 8); w.record(32, 1, 1<<32-1, 0); w.record(29, 1, 1, 2, 0, 0); fn(w) }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			shard := handmade(test.version, test.more)
			s, err := Canonicalise(shard, letters, Options{})
			if err != nil || !strings.Contains(s.Reason, test.want) || (s.Form == Canonical) != (test.want == "") || (s.Reason == "") != (test.want == "") {
				t.Fatalf("%v %q, %v", s.Form, s.Reason, err)
			}
			if s.Form == Renamed && !strings.Contains(s.Reason, ", at bit ") {
				t.Errorf("no offset in %q", s.Reason)
			}
			checkForm(t, shard, s, Options{})
			if names, err := IndexModules(s.Data); err != nil || !slices.Contains(names, "x/a") || len(names) != 2 {
				t.Errorf("names %q, %v", names, err)
			}
		})
	}
}

// TestMalformedIndex covers what is an error.
func TestMalformedIndex(t *testing.T) {
	shard := handmade(9, func(w *writer) { w.record(17, 5, 3) })
	whole := handmade(9, func(w *writer) { function(w, 1, 5) })
	cases := map[string][]byte{"name outside the strings": shard, "no bitcode": []byte("no bitcode"), "nothing": nil}
	for n := range len(whole) - 4 {
		cases[fmt.Sprint(n, " bytes")] = whole[:n]
	}
	for name, b := range cases {
		var malformed *Error
		s, err := Canonicalise(b, letters, Options{})
		if !errors.As(err, &malformed) || s.Data != nil {
			t.Errorf("%q: %v, %v", name, s, err)
		}
	}
}

// TestUnrenamable covers tables of modules that can not be rewritten.
func TestUnrenamable(t *testing.T) {
	for name, f := range map[string]func(w *writer){
		"block":     func(w *writer) { w.enter(moduleStrtabBlock, 3); w.enter(99, 3); w.end(); w.end() },
		"blob":      func(w *writer) { w.enter(moduleStrtabBlock, 3); w.blob(7, []byte("x")); w.end() },
		"VSTOFFSET": func(w *writer) { w.record(vstOffset, 3) },
	} {
		w := newWriter()
		w.enter(moduleBlock, 3)
		f(w)
		w.end()
		s, err := Canonicalise(w.bytes(), letters, Options{})
		if err == nil || !strings.Contains(err.Error(), "can not be renamed") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// TestTable covers tables of modules that are malformed: an entry that is a blob, one
// without an id, and abbreviations that make hundreds of operands of a byte.
func TestTable(t *testing.T) {
	var literals []operand
	for range 100 {
		literals = append(literals, operand{literal, 1})
	}
	for name, table := range map[string]func(w *writer, code uint64){
		"blob": func(w *writer, code uint64) {
			w.define(operand{literal, code}, operand{vbr, 6}, operand{blob, 0})
			w.abbreviated(firstAbbrevID)
			w.vbr(3, 6)
			w.vbr(0, 6)
			w.align()
		},
		"empty": func(w *writer, code uint64) { w.record(uint32(code)) },
		"many": func(w *writer, code uint64) {
			w.define(append([]operand{{literal, code}}, literals...)...)
			for range 2000 {
				w.abbreviated(firstAbbrevID)
			}
		},
	} {
		w := newWriter()
		w.enter(moduleBlock, 3)
		w.record(moduleVersion, 2)
		w.enter(moduleStrtabBlock, 3)
		table(w, moduleEntry)
		w.end()
		w.end()
		var malformed *Error
		paths, err := IndexModules(w.bytes())
		s, canonicalErr := Canonicalise(w.bytes(), letters, Options{})
		if !errors.As(err, &malformed) || !errors.As(canonicalErr, &malformed) {
			t.Errorf("%s: %d paths, %v; %v, %v", name, len(paths), err, s.Form, canonicalErr)
		}
	}
}

// TestModuleOrder has summaries of one GUID in two modules, in either order.
func TestModuleOrder(t *testing.T) {
	both := func(first, second uint64) []byte {
		return canonicalOf(t, handmade(12, func(w *writer) {
			function(w, 2, 9)
			function(w, 1, first)
			function(w, 1, second)
		}), letters, Options{})
	}
	if !bytes.Equal(both(5, 9), both(9, 5)) {
		t.Error("summaries of one GUID stay in the linker's order")
	}
}

// TestRenamedKeepsRest has things before, between and behind the table of modules
// that must stay the same bit for bit.
func TestRenamedKeepsRest(t *testing.T) {
	build := func(a, b string) []byte {
		w := newWriter()
		w.enter(13, 5)
		w.record(1, 'L')
		w.end()
		w.enter(moduleBlock, 7)
		w.record(moduleVersion, 3)
		w.record(99, 1, 2, 3)
		w.enter(moduleStrtabBlock, 4)
		writeModuleEntry(w, 3, a)
		w.record(55, 1, 1<<50)
		writeModuleEntry(w, 1<<60, b)
		w.end()
		w.record(98, 7)
		w.enter(summaryBlock, 9)
		w.record(10, 99)
		w.end()
		w.end()
		w.enter(strtabBlock, 3)
		w.blob(1, []byte("abcde"))
		w.end()
		return w.bytes()
	}
	tail := []byte("\n\n\n\n")
	s, err := Canonicalise(append(build("long/path/of/a", "b"), tail...), func(p string) (string, bool) { return p[len(p)-1:] + ".bc", true }, Options{})
	if err != nil || s.Form != Renamed || !bytes.Equal(s.Data, append(build("a.bc", "b.bc"), tail...)) {
		t.Errorf("%v %q %v:\n% x\n% x", s.Form, s.Reason, err, s.Data, build("a.bc", "b.bc"))
	}
}

// checkForm holds a result against the shard it was made of: it is well-formed,
// it stays the same when made again, and it says what the shard said.
func checkForm(t *testing.T, shard []byte, s Shard, opt Options) {
	t.Helper()
	again, err := Canonicalise(s.Data, same, opt)
	if err != nil || again.Form != s.Form || !bytes.Equal(again.Data, s.Data) {
		t.Fatalf("again: %v %q, %v, changed: %v", again.Form, again.Reason, err, !bytes.Equal(again.Data, s.Data))
	}
	if s.Form != Canonical {
		return
	}
	if err := emptied(s.Data); err != nil {
		t.Fatal(err)
	}
	before, after := described(t, shard, letters), described(t, s.Data, same)
	if !slices.Equal(before, after) {
		t.Fatalf("another index:\n%q\n%q", before, after)
	}
}
