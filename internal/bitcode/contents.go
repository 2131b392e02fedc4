// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"cmp"
	"errors"
	"slices"
)

// contents are what a shard says, without the numbers that it says it with.
type contents struct {
	Index
	names    []string // of its modules, sorted
	unknown  error    // what in it is not understood; then there is nothing else
	units    []keyedUnit
	interned *internTable
	texts    map[uint64]uint64 // number in interned by offset in the string table
}

// A keyedUnit is a summary and what belongs to it.
type keyedUnit struct {
	module string
	guid   uint64
	plan   *plan    // of the summary
	ops    []uint64 // its operands
	all    []record // it and those that belong to it
}

// An internTable numbers strings. Strings that are the same have one number, in
// all shards that share the table.
type internTable struct{ numbers map[string]uint64 }

func (t *internTable) number(s []byte) uint64 {
	n, ok := t.numbers[string(s)]
	if !ok {
		n = uint64(len(t.numbers))
		t.numbers[string(s)] = n
	}
	return n
}

// readContents reads a shard. An error is one in its bytes or in the names of its
// modules.
func readContents(side Side, interned *internTable) (*contents, error) {
	x := &contents{interned: interned, texts: map[uint64]uint64{}}
	name := side.Name
	if name == nil {
		name = func(path string) string { return path }
	}
	if err := x.Read(side.Shard); err != nil {
		return nil, err
	}
	for _, path := range x.paths {
		x.names = append(x.names, name(path))
	}
	slices.Sort(x.names)
	err := x.settle(func(path string) (string, bool) { return name(path), true })
	var u *unknown
	if errors.As(err, &u) {
		x.unknown = u
		return x, nil
	}
	if err != nil {
		return nil, err
	}
	x.listUnits(x.summaries)
	x.listUnits(x.aliases)
	slices.SortStableFunc(x.units, compareKeys)
	return x, nil
}

func (x *contents) listUnits(units []unit) {
	for _, u := range units {
		x.units = append(x.units, x.keyed(u))
	}
}

// keyed is the summary that a unit is of.
func (x *contents) keyed(u unit) keyedUnit {
	k := keyedUnit{all: x.records[u.from:u.to]}
	for i := range k.all {
		if p := x.plan(&k.all[i]); p.place.summary() {
			k.plan, k.ops = p, x.operands(&k.all[i])
		}
	}
	k.guid, k.module = x.guid(k.ops[0]), x.modules[k.ops[1]].name
	return k
}

func compareKeys(a, b keyedUnit) int {
	return cmp.Or(cmp.Compare(a.module, b.module), cmp.Compare(a.guid, b.guid))
}

// guid returns the GUID of a value, 0 for the unknown one.
func (x *contents) guid(id uint64) uint64 {
	if id == 0 {
		return 0
	}
	return x.guids[id-1].guid
}

// meaning appends what the operands of records mean: numbers that are the same in
// another shard that says the same.
func (x *contents) meaning(to []uint64, records []record) []uint64 {
	for i := range records {
		p, ops := x.plan(&records[i]), x.operands(&records[i])
		m := meaner{contents: x, to: append(to, uint64(p.code), uint64(len(ops))), ops: ops}
		m.walk(p.fields)
		to = m.to
	}
	return to
}

// A meaner walks the operands of a record that was rewritten, and so is as its
// layout says.
type meaner struct {
	*contents
	to     []uint64
	ops    []uint64
	counts [maxCounts]uint64
}

func (m *meaner) walk(fields []field) {
	for i := range fields {
		f := &fields[i]
		rounds := uint64(0)
		switch f.is {
		case isTimes:
			rounds = m.counts[f.slot]
		case isMaybe:
			if len(m.ops) > 0 {
				rounds = m.counts[f.slot]
			}
		case isRest:
			for len(m.ops) > 0 {
				m.walk(f.of)
			}
		case isContext:
			m.context()
		default:
			m.field(f)
		}
		for range rounds {
			m.walk(f.of)
		}
	}
}

func (m *meaner) take() uint64 {
	op := m.ops[0]
	m.ops = m.ops[1:]
	return op
}

func (m *meaner) field(f *field) {
	op := m.take()
	switch f.is {
	case isValue, isOptValue:
		op = m.guid(op)
	case isModule:
		op = 0 // known, and a number that may be another
	case isStack:
		op = m.stackIDs[op]
	case isCount:
		m.counts[f.slot] = op
	case isString:
		op = m.text(op, m.take())
	}
	m.to = append(m.to, op)
}

// text returns the number of a string. The table of a shard that was rewritten has
// no strings that overlap, so an offset tells them apart; an empty one has no place.
func (m *meaner) text(offset, length uint64) uint64 {
	if length == 0 {
		return m.interned.number(nil)
	}
	n, ok := m.texts[offset]
	if !ok {
		n = m.interned.number(m.strings.content[offset : offset+length])
		m.texts[offset] = n
	}
	return n
}

// context appends a calling context.
func (m *meaner) context() {
	n := m.take()
	var indices []uint64
	if len(m.radix) > 0 {
		indices = m.radix[n+1:][:m.radix[n]]
	} else {
		indices, m.ops = m.ops[:n], m.ops[n:]
	}
	m.to = append(m.to, uint64(len(indices)))
	for _, i := range indices {
		m.to = append(m.to, m.stackIDs[i])
	}
}
