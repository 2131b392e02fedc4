// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"slices"
	"strings"
	"testing"
)

// A madeModule is what a module is made of by hand: records, the code first.
type madeModule struct {
	symbols   []uint32
	constants [][]uint64
	texts     []string
	metadata  [][]uint64
	flags     []uint64

	indexed   bool
	deltas    func(deltas []uint64) []uint64 // changes the index
	skip      int                            // added to the place of the index
	lengths   int                            // added to how many strings there are
	letters   int                            // added to where their letters begin
	behind    func(w *writer)                // writes what follows in METADATA
	elsewhere func(w *writer)                // writes what follows in MODULE
}

// newModule is position-independent at level 2 and has a partial profile: three
// symbols, then constants, of which 3, 5 and 6 are 8, 2 and 1; strings 0 to 2, then
// metadata from 3 on.
func newModule() *madeModule {
	return &madeModule{
		symbols:   []uint32{moduleGlobalVar, moduleFunction, moduleAlias},
		constants: [][]uint64{{1, 0}, {4, 16}, {22, 5, 6}, {1, 2}, {4, 4}, {4, 2}},
		texts:     []string{"PIC Level", "ProfileSummary", "IsPartialProfile"},
		metadata: [][]uint64{
			{2, 0, 3}, {2, 2, 5}, {2, 2, 6},
			{3, 4, 1, 5},   // 6: !{i32 8, !"PIC Level", i32 2}
			{15, 0, 36, 1}, // 7
			{3, 3, 6},      // 8: !{!"IsPartialProfile", i64 1}
			{5, 9},         // 9: !{!8}
			{3, 6, 2, 10},  // 10: !{i32 1, !"ProfileSummary", !9}
		},
		flags: []uint64{6, 10},
	}
}

// bytes writes the file twice: where the index is to be is known only then.
func (m *madeModule) bytes() []byte {
	_, deltas, offset := m.write(nil, 0)
	if m.deltas != nil {
		deltas = m.deltas(deltas)
	}
	b, _, _ := m.write(deltas, offset+uint64(m.skip))
	return b
}

func (m *madeModule) write(deltas []uint64, offset uint64) ([]byte, []uint64, uint64) {
	w := newWriter()
	w.enter(moduleBlock, 3)
	for _, code := range m.symbols {
		w.record(code, 1, 2, 3)
	}
	w.enter(constantsBlock, 4)
	writeRecords(w, m.constants)
	w.end()
	w.enter(metadataBlock, 4)
	m.writeStrings(w)
	deltas, offset = m.writeMetadata(w, deltas, offset)
	w.record(metadataName, codes(moduleFlags)...)
	w.record(metadataNamedNode, m.flags...)
	w.record(metadataGlobalDeclAttachment, 1, 0, 3)
	if m.behind != nil {
		m.behind(w)
	}
	w.end()
	if m.elsewhere != nil {
		m.elsewhere(w)
	}
	w.enter(summaryBlock, 3)
	w.end()
	w.end()
	return w.bytes(), deltas, offset
}

// bit is the place that the writer is at.
func (w *writer) bit() uint64 { return uint64(len(w.b))*8 + uint64(w.n) }

func writeRecords(w *writer, records [][]uint64) (deltas []uint64) {
	last := w.bit()
	for _, r := range records {
		deltas = append(deltas, w.bit()-last)
		last = w.bit()
		w.record(uint32(r[0]), r[1:]...)
	}
	return deltas
}

func (m *madeModule) writeStrings(w *writer) {
	if m.texts == nil {
		return
	}
	lengths := &writer{}
	for _, text := range m.texts {
		lengths.vbr(uint64(len(text)), 6)
	}
	lengths.align()
	blobOf := slices.Concat(lengths.b, []byte(strings.Join(m.texts, "")))
	w.define(operand{literal, metadataStrings}, operand{vbr, 6}, operand{vbr, 6}, operand{blob, 0})
	w.abbreviated(firstAbbrevID)
	w.vbr(uint64(len(m.texts)+m.lengths), 6)
	w.vbr(uint64(len(lengths.b)+m.letters), 6)
	w.vbr(uint64(len(blobOf)), 6)
	w.align()
	w.b = append(w.b, blobOf...)
	w.b = append(w.b, zeros[:-len(blobOf)&3]...)
}

// writeMetadata writes the metadata, and an index of it if there is to be one; it
// returns what should be in that.
func (m *madeModule) writeMetadata(w *writer, deltas []uint64, offset uint64) ([]uint64, uint64) {
	if !m.indexed {
		return writeRecords(w, m.metadata), 0
	}
	w.define(operand{literal, metadataIndexOffset}, operand{fixed, 32}, operand{fixed, 32})
	w.abbreviated(firstAbbrevID + 1)
	w.fixed(offset&(1<<32-1), 32)
	w.fixed(offset>>32, 32)
	first := w.bit()
	right := writeRecords(w, m.metadata)
	offset = w.bit() - first
	w.record(metadataIndex, deltas...)
	return right, offset
}

func codes(text string) (codes []uint64) {
	for _, b := range []byte(text) {
		codes = append(codes, uint64(b))
	}
	return codes
}

// propertyCases are changes of newModule and what comes of them: properties, or an
// error that has this in it.
var propertyCases = []struct {
	name   string
	change func(m *madeModule)
	want   Properties
	err    string
}{
	{"nothing changed", func(*madeModule) {}, Properties{2, true}, ""},
	{"with an index", func(m *madeModule) { m.indexed = true }, Properties{2, true}, ""},
	{"no flags", func(m *madeModule) { m.flags = nil }, Properties{}, ""},
	{"one flag", func(m *madeModule) { m.flags = []uint64{10} }, Properties{0, true}, ""},
	{"null", func(m *madeModule) { m.constants[4] = []uint64{2} }, Properties{0, true}, ""},
	{"whole profile", func(m *madeModule) { m.constants[5] = []uint64{4, 0} }, Properties{2, false}, ""},
	{"64 bits", func(m *madeModule) { m.constants[4][1] = 1<<64 - 2 }, Properties{1<<63 - 1, true}, ""},
	{"other names", func(m *madeModule) { m.texts = []string{"PIE Level", "", strings.Repeat("x", 99)} }, Properties{}, ""},
	{"summary without the field", func(m *madeModule) { m.texts[2] = "NumCounts" }, Properties{2, false}, ""},
	{"more metadata by name", func(m *madeModule) {
		m.behind = func(w *writer) { w.record(metadataName, 'x'); w.record(metadataNamedNode, 99, 98) }
	}, Properties{2, true}, ""},

	{"negative", func(m *madeModule) { m.constants[4][1] = 5 }, Properties{}, "not an integer"},
	{"integer of no operands", func(m *madeModule) { m.constants[4] = []uint64{4} }, Properties{}, "not an integer"},
	{"wide", func(m *madeModule) { m.constants[4] = []uint64{5, 4, 4} }, Properties{}, "not an integer"},
	{"no such constant", func(m *madeModule) { m.metadata[1][2] = 7 }, Properties{}, "constant that is not there"},
	{"a symbol for a constant", func(m *madeModule) { m.metadata[1][2] = 2 }, Properties{}, "constant where there is none"},
	{"old alias", func(m *madeModule) { m.symbols[2] = 9 }, Properties{}, "before 4"},
	{"symbol behind constants", func(m *madeModule) {
		m.elsewhere = func(w *writer) { w.record(moduleFunction, 1) }
	}, Properties{}, "behind the constants"},
	{"more constants", func(m *madeModule) {
		m.elsewhere = func(w *writer) { w.enter(constantsBlock, 3); w.end() }
	}, Properties{}, "constants in two places"},
	{"more metadata", func(m *madeModule) {
		m.elsewhere = func(w *writer) { w.enter(metadataBlock, 3); w.end() }
	}, Properties{}, "metadata in two places"},

	{"flags twice", func(m *madeModule) {
		m.behind = func(w *writer) {
			w.record(metadataName, codes(moduleFlags)...)
			w.record(metadataNamedNode)
		}
	}, Properties{}, "not there once"},
	{"name of nothing", func(m *madeModule) { m.behind = func(w *writer) { w.record(metadataName, 'x') } }, Properties{}, "bitcode at bit"},
	{"name of a node", func(m *madeModule) {
		m.behind = func(w *writer) { w.record(metadataName, 'x'); w.record(metadataNode) }
	}, Properties{}, "without the metadata"},
	{"a flag twice", func(m *madeModule) { m.texts[1] = "PIC Level" }, Properties{}, `two values of "PIC Level"`},
	{"too many flags", func(m *madeModule) { m.flags = slices.Repeat([]uint64{1 << 20}, maxNamed+1) }, Properties{}, "of 4097 nodes"},
	{"flag that is a string", func(m *madeModule) { m.flags[0] = 1 }, Properties{}, "1 is a string"},
	{"flag that is not defined", func(m *madeModule) { m.flags[0] = 11 }, Properties{}, "not defined"},
	{"flag that is a value", func(m *madeModule) { m.flags[0] = 3 }, Properties{}, "not a behaviour"},
	{"flag of four", func(m *madeModule) { m.metadata[3] = []uint64{3, 4, 1, 5, 5} }, Properties{}, "not a behaviour"},
	{"flag without a name", func(m *madeModule) { m.metadata[3][2] = 0 }, Properties{}, "no string"},
	{"name that is a node", func(m *madeModule) { m.metadata[3][2] = 4 }, Properties{}, "no string"},
	{"flag without a value", func(m *madeModule) { m.metadata[3][3] = 0 }, Properties{}, "not defined"},
	{"string for a value", func(m *madeModule) { m.metadata[3][3] = 2 }, Properties{}, "is a string"},
	{"node for a value", func(m *madeModule) { m.metadata[3][3] = 11 }, Properties{}, "not a value"},
	{"value for a summary", func(m *madeModule) { m.metadata[7][3] = 5 }, Properties{}, "not a list"},
	{"long summary", func(m *madeModule) {
		m.metadata[6] = append([]uint64{3}, slices.Repeat([]uint64{9}, maxSummary+1)...)
	}, Properties{}, "not a list"},
	{"field of three", func(m *madeModule) { m.metadata[5] = []uint64{3, 3, 6, 6} }, Properties{}, "a field that is not"},
	{"field twice", func(m *madeModule) { m.metadata[6] = []uint64{3, 9, 9} }, Properties{}, "two values"},

	{"record of LLVM 3", func(m *madeModule) { m.metadata[4][0] = 8 }, Properties{}, "record 8 where"},
	{"record to come", func(m *madeModule) { m.metadata[4][0] = 50 }, Properties{}, "record 50 where"},
	{"kinds", func(m *madeModule) { m.metadata[4][0] = 6 }, Properties{}, "record 6 where"},
	{"block", func(m *madeModule) { m.behind = func(w *writer) { w.enter(99, 3); w.end() } }, Properties{}, "block inside"},
	{"no strings", func(m *madeModule) { m.texts = nil }, Properties{}, "not defined"},
	{"strings of no blob", func(m *madeModule) { m.metadata[4][0] = 35 }, Properties{}, "not in front"},
	{"too few strings", func(m *madeModule) { m.lengths = -1 }, Properties{}, "not defined"},
	{"too many strings", func(m *madeModule) { m.lengths = 1 << 20 }, Properties{}, "strings whose letters"},
	{"letters beyond", func(m *madeModule) { m.letters = 99 }, Properties{}, "strings whose letters"},
	{"letters too early", func(m *madeModule) { m.letters = -4 }, Properties{}, "longer than their blob"},
	{"letters too late", func(m *madeModule) { m.letters = 36 }, Properties{}, "longer than their blob"},

	{"index beyond", func(m *madeModule) { m.indexed, m.skip = true, 1<<40 }, Properties{}, "behind its block"},
	{"index elsewhere", func(m *madeModule) { m.indexed, m.skip = true, -10 }, Properties{}, "bitcode at bit"},
	{"index in the middle", func(m *madeModule) { m.metadata[4] = []uint64{38, 0, 0} }, Properties{}, "not in front"},
	{"index without an offset", func(m *madeModule) { m.metadata[4] = []uint64{39, 0, 0} }, Properties{}, "record 39 where"},
	{"record behind the index", func(m *madeModule) {
		m.indexed, m.behind = true, func(w *writer) { w.record(metadataNode) }
	}, Properties{}, "record 3 where"},
	{"empty index", deltas(func([]uint64) []uint64 { return nil }), Properties{}, "does not begin"},
	{"index that begins late", deltas(func(d []uint64) []uint64 { d[0]++; return d }), Properties{}, "does not begin"},
	{"index that is short", deltas(func(d []uint64) []uint64 { return d[:3] }), Properties{}, "not defined"},
	{"index that is long", deltas(func(d []uint64) []uint64 { return append(d, 1<<20) }), Properties{}, "bitcode at bit"},
	{"index that runs over", deltas(func(d []uint64) []uint64 { d[4] = 1<<64 - 1; return d }), Properties{}, "runs past"},
	{"index that is off", deltas(func(d []uint64) []uint64 { d[3] += 6; return d }), Properties{}, "bitcode at bit"},
	{"index without a record", deltas(func(d []uint64) []uint64 { d[4] += d[5]; return slices.Delete(d, 5, 6) }), Properties{}, "the next does not begin"},
}

func deltas(change func([]uint64) []uint64) func(m *madeModule) {
	return func(m *madeModule) { m.indexed, m.deltas = true, change }
}

// TestPropertiesOfMade covers what LLVM does not write.
func TestPropertiesOfMade(t *testing.T) {
	for _, test := range propertyCases {
		m := newModule()
		test.change(m)
		got, err := checkProperties(t, m.bytes())
		switch {
		case test.err == "" && (err != nil || got != test.want):
			t.Errorf("%s: %+v, %v; want %+v", test.name, got, err, test.want)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: %+v, %v; want %q", test.name, got, err, test.err)
		}
	}
}
