// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

// summaryWidth is the width of the abbreviation ids in the blocks written.
const summaryWidth = 3

// write writes the shard. The reader wants the table of modules in front of the
// summary, the version first in it, and value ids, stack ids and the radix array
// in front of their use.
func (x *Index) write() []byte {
	w := &x.out
	w.begin()
	w.enter(moduleBlock, summaryWidth)
	w.record(moduleVersion, 2)
	x.writeModules(w)
	w.enter(summaryBlock, summaryWidth)
	w.record(summaryVersion, x.version)
	if r := x.head(summaryFlags); r != nil {
		w.record(summaryFlags, x.operands(r)...)
	}
	x.writeValues(w)
	x.writeStacks(w)
	for r := range x.sequence() {
		w.record(uint32(r.code), x.ops[r.from:r.to]...)
	}
	w.end()
	w.end()
	// The string table has to be a blob: LLVM keeps a pointer to it, and one that
	// is an array leaves that pointer null, which crashes whoever looks up a name.
	w.enter(strtabBlock, summaryWidth)
	w.blob(stringBlob, x.strings.content)
	w.end()
	return w.bytes()
}

// Ids of the abbreviations, in their blocks. They are there for what is of one
// length and random, which an unabbreviated record makes longer, or are letters.
const (
	entryAbbrev = firstAbbrevID
	hashAbbrev  = firstAbbrevID + 1
	valueAbbrev = firstAbbrevID
)

func (x *Index) writeModules(w *writer) {
	word := operand{fixed, 32}
	w.enter(moduleStrtabBlock, summaryWidth)
	w.define(operand{literal, moduleEntry}, operand{vbr, 6}, operand{array, 0}, operand{fixed, 8})
	w.define(operand{literal, moduleEntryHash}, word, word, word, word, word)
	for i := range x.modules {
		m := &x.modules[i]
		w.abbreviated(entryAbbrev)
		w.vbr(m.newID, 6)
		w.vbr(uint64(len(m.name)), 6)
		for i := range len(m.name) {
			w.fixed(uint64(m.name[i]), 8)
		}
		if m.hashed {
			w.abbreviated(hashAbbrev)
			for _, v := range m.hash {
				w.fixed(uint64(v), 32)
			}
		}
	}
	w.end()
}

func writeModuleEntry(w *writer, id uint64, name string) {
	w.head(moduleEntry, 1+len(name))
	w.vbr(id, unabbreviated6)
	for i := range len(name) {
		w.vbr(uint64(name[i]), unabbreviated6)
	}
}

// writeValues lists the values in the order of their new ids, which is that of
// x.guids.
func (x *Index) writeValues(w *writer) {
	if len(x.guids) == 0 {
		return
	}
	word, guid := operand{fixed, 32}, &x.known[summaryValueGUID].fields[1]
	if guid.is == isHalves {
		w.define(operand{literal, summaryValueGUID}, operand{vbr, 6}, word, word)
	} else {
		w.define(operand{literal, summaryValueGUID}, operand{vbr, 6}, operand{vbr, 16})
	}
	for i := range x.guids {
		v := &x.guids[i]
		w.abbreviated(valueAbbrev)
		w.vbr(uint64(x.values[v.id]), 6)
		if guid.is == isHalves {
			w.fixed(v.guid>>32|v.guid<<32, 64)
		} else {
			w.vbr(v.guid, 16)
		}
	}
}

// writeStacks writes the stack ids and the contexts made of them.
func (x *Index) writeStacks(w *writer) {
	if r := x.head(summaryStackIDs); r != nil {
		var ops []uint64
		for _, id := range x.stackIDs {
			ops = x.plan(r).fields[0].of[0].split(ops, id)
		}
		w.record(summaryStackIDs, ops...)
	}
	if len(x.radix) > 0 {
		w.record(summaryRadixArray, x.radix...)
	}
}
