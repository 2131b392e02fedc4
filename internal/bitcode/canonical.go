// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "errors"

// A Form says how far a shard could be freed of what belongs to the link.
type Form uint8

// The forms.
const (
	// Canonical: the shard depends on the names given to its modules, on GUIDs and
	// on what the summaries say, and on nothing else.
	Canonical Form = iota + 1
	// Renamed: the modules have their new names; all else is as the linker wrote
	// it, ids and order included.
	Renamed
)

func (f Form) String() string {
	return [...]string{"none", "canonical", "renamed"}[f]
}

// A Shard is a summary index shard with its modules renamed.
type Shard struct {
	Data   []byte
	Form   Form
	Reason string // what was not understood and where, if Form is Renamed
}

// Options are what a shard does not say itself.
type Options struct {
	// KeepBlockCount keeps the number of basic blocks of the whole link, which
	// LLVM 13 to 18 write into every shard. The backend uses it only for a module
	// with a partial sample profile; without it, no edit elsewhere in the link
	// changes the shard. From LLVM 19 on it is written only where it is used, and
	// always kept.
	KeepBlockCount bool
}

// Canonicalise gives the modules in a shard new names and brings the shard into
// its canonical form: modules, values and stack ids numbered and records ordered
// by the new names, by GUIDs and by value alone, not by the linker's tables.
//
// Give rename each path that IndexModules lists; a path for which it has no name
// is an error, as is one name for two paths. LLVM imports in the bytewise order of
// module paths: the new names must sort as the old ones did in the linker's eyes,
// or the backend may make another object. What was canonicalised before, with
// names that stay as they are, comes out unchanged.
//
// A shard with something in it that is not understood, such as a record of a
// newer LLVM, comes out Renamed. Malformed bitcode is an [*Error].
func Canonicalise(shard []byte, rename func(path string) (name string, ok bool), opt Options) (Shard, error) {
	data, err := canonical(shard, rename, opt)
	var u *unknown
	switch {
	case err == nil:
		return Shard{Data: data, Form: Canonical}, nil
	case !errors.As(err, &u):
		return Shard{}, err
	}
	if data, err = renamed(shard, rename); err != nil {
		return Shard{}, err
	}
	return Shard{Data: data, Form: Renamed, Reason: u.Error()}, nil
}

func canonical(shard []byte, rename func(path string) (name string, ok bool), opt Options) ([]byte, error) {
	x, err := readIndex(shard)
	if err != nil {
		return nil, err
	}
	if err := x.number(rename); err != nil {
		return nil, err
	}
	if err := x.arrange(); err != nil {
		return nil, err
	}
	if err := x.rewrite(); err != nil {
		return nil, err
	}
	if x.version < blockCountVersion && !opt.KeepBlockCount {
		x.heads[summaryBlockCount] = 0
	}
	return x.write(), nil
}

// summaryWidth is the width of the abbreviation ids in the blocks written.
const summaryWidth = 3

// write writes the shard. The reader wants the table of modules in front of the
// summary, the version first in it, and value ids, stack ids and the radix array
// in front of their use.
func (x *index) write() []byte {
	w := newWriter(2*x.size + 1024)
	w.enter(moduleBlock, summaryWidth)
	w.record(moduleVersion, 2)
	x.writeModules(w)
	w.enter(summaryBlock, summaryWidth)
	w.record(summaryVersion, x.version)
	if r, ok := x.head(summaryFlags); ok {
		x.writeRecord(w, r)
	}
	x.writeValues(w)
	x.writeStacks(w)
	_ = x.body(func(r record) error { x.writeRecord(w, r); return nil })
	w.end()
	w.end()
	// The string table has to be a blob: LLVM keeps a pointer to it, and one that
	// is an array leaves that pointer null, which crashes whoever looks up a name.
	w.enter(strtabBlock, summaryWidth)
	w.blob(stringBlob, x.strings.content)
	w.end()
	return w.bytes()
}

func (x *index) writeModules(w *writer) {
	w.enter(moduleStrtabBlock, summaryWidth)
	for _, m := range x.modules {
		writeModuleEntry(w, m.newID, m.name)
		if m.hashed {
			w.begin(moduleEntryHash, len(m.hash))
			for _, v := range m.hash {
				w.vbr(uint64(v), unabbreviated6)
			}
		}
	}
	w.end()
}

func writeModuleEntry(w *writer, id uint64, name string) {
	w.begin(moduleEntry, 1+len(name))
	w.vbr(id, unabbreviated6)
	for i := range len(name) {
		w.vbr(uint64(name[i]), unabbreviated6)
	}
}

// writeValues lists the values in the order of their new ids, which is that of
// x.guids.
func (x *index) writeValues(w *writer) {
	if len(x.guids) == 0 {
		return
	}
	guid := layoutsOf[x.version][summaryValueGUID].fields[1]
	ops := make([]uint64, 0, 3)
	for _, v := range x.guids {
		ops = guid.split(append(ops[:0], uint64(x.values[v.id])), v.guid)
		w.record(summaryValueGUID, ops...)
	}
}

// writeStacks writes the stack ids and the contexts made of them.
func (x *index) writeStacks(w *writer) {
	if r, ok := x.head(summaryStackIDs); ok {
		var ops []uint64
		for _, id := range x.stackIDs {
			ops = r.fields[0].of[0].split(ops, id)
		}
		w.record(summaryStackIDs, ops...)
	}
	if len(x.radix) > 0 {
		w.record(summaryRadixArray, x.radix...)
	}
}

func (x *index) writeRecord(w *writer, r record) { w.record(r.code, x.operands(r)...) }
