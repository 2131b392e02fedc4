// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"cmp"
	"slices"
)

// An order says in which order the records are written.
type order struct {
	summaries []unit // functions and variables
	aliases   []unit
	typeIDs   []namedRecord
}

// A unit is a summary with the records that belong to it, which stay together as
// they are.
type unit struct {
	key      uint64 // new ids of value and module
	from, to int    // in index.records
}

// A namedRecord is a TYPE_ID.
type namedRecord struct {
	name   []byte
	record int // in index.records
}

// arrange finds out what belongs together and sorts it: summaries by GUID and
// module, as aliases, which come behind them; type ids and the names of CFI
// functions by name. Two summaries of one module for one GUID keep their order.
func (x *index) arrange() error {
	if err := x.gather(); err != nil {
		return err
	}
	slices.SortFunc(x.summaries, compareUnits)
	slices.SortFunc(x.aliases, compareUnits)
	if err := x.sortTypeIDs(); err != nil {
		return err
	}
	if err := x.sortNames(summaryDefs); err != nil {
		return err
	}
	return x.sortNames(summaryDecls)
}

func compareUnits(a, b unit) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.from, b.from))
}

// body calls f for the records behind those about numbers, in the order in which
// they are written, until one fails.
func (x *index) body(f func(record) error) error {
	for _, units := range [][]unit{x.summaries, x.aliases} {
		for _, u := range units {
			for _, r := range x.records[u.from:u.to] {
				if err := f(r); err != nil {
					return err
				}
			}
		}
	}
	var others []record
	for _, code := range []uint32{summaryDefs, summaryDecls} {
		if r, ok := x.head(code); ok {
			others = append(others, r)
		}
	}
	for _, t := range x.typeIDs {
		others = append(others, x.records[t.record])
	}
	if r, ok := x.head(summaryBlockCount); ok {
		others = append(others, r)
	}
	for _, r := range others {
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// gather cuts the summary into units.
func (x *index) gather() error {
	pending := -1 // the first record attached to the function to come
	var last *unit
	for i, r := range x.records {
		if pending >= 0 && r.place != isAttached && r.place != isFunction {
			return notUnderstood(x.records[pending].at, "%s in front of a %s", x.records[pending].name, r.name)
		}
		var err error
		switch r.place {
		case isAttached:
			if pending < 0 {
				pending = i
			}
		case isFunction, isVariable, isAlias:
			from := i
			if pending >= 0 {
				from, pending = pending, -1
			}
			last, err = x.addUnit(from, i)
		case isTrailer:
			if last == nil || last.to != i {
				return notUnderstood(r.at, "%s that does not follow a summary", r.name)
			}
			last.to++
		case isTypeID:
			err = x.addTypeID(i)
		}
		if err != nil {
			return err
		}
	}
	if pending >= 0 {
		return notUnderstood(x.records[pending].at, "%s without a function", x.records[pending].name)
	}
	return nil
}

// addUnit adds a unit that ends with the summary at i.
func (x *index) addUnit(from, i int) (*unit, error) {
	r := x.records[i]
	ops := x.operands(r)
	if len(ops) < 2 {
		return nil, notUnderstood(r.at, "%s of %d operands", r.name, len(ops))
	}
	v, ok := x.value(ops[0])
	m, known := x.module(ops[1])
	if !ok || !known {
		return nil, notUnderstood(r.at, "%s of value %d in module %d", r.name, ops[0], ops[1])
	}
	list := &x.summaries
	if r.place == isAlias {
		list = &x.aliases
	}
	*list = append(*list, unit{v<<32 | m, from, i + 1})
	return &(*list)[len(*list)-1], nil
}

func (x *index) addTypeID(i int) error {
	r := x.records[i]
	ops := x.operands(r)
	if len(ops) < 2 {
		return notUnderstood(r.at, "%s of %d operands", r.name, len(ops))
	}
	name, err := x.text(r, ops)
	x.typeIDs = append(x.typeIDs, namedRecord{name, i})
	return err
}

// text returns the string that is named at the beginning of ops.
func (x *index) text(r record, ops []uint64) ([]byte, error) {
	offset, length := ops[0], ops[1]
	size := uint64(len(x.strtab))
	if offset > size || length > size-offset {
		return nil, &Error{r.at, r.name + " names a string outside the string table"}
	}
	return x.strtab[offset : offset+length], nil
}

// fits reports whether names together are no longer than the string table, in
// which LLD puts each once. It bounds the time that sorting them takes.
func (x *index) fits(names []namedRecord) bool {
	total := 0
	for _, n := range names {
		if total += len(n.name); total > len(x.strtab) {
			return false
		}
	}
	return true
}

// repeated returns the index of a name that is the same as the one before, 0 if
// there is none.
func repeated(sorted []namedRecord) int {
	for i := 1; i < len(sorted); i++ {
		if bytes.Equal(sorted[i].name, sorted[i-1].name) {
			return i
		}
	}
	return 0
}

func (x *index) sortTypeIDs() error {
	if len(x.typeIDs) == 0 {
		return nil
	}
	r := x.records[x.typeIDs[0].record]
	if !x.fits(x.typeIDs) {
		return notUnderstood(r.at, "%s and others whose names overlap", r.name)
	}
	slices.SortFunc(x.typeIDs, func(a, b namedRecord) int { return bytes.Compare(a.name, b.name) })
	if i := repeated(x.typeIDs); i > 0 {
		return notUnderstood(x.records[x.typeIDs[i].record].at, "%s %q twice", r.name, x.typeIDs[i].name)
	}
	return nil
}

// sortNames sorts the names in the record of this code.
func (x *index) sortNames(code uint32) error {
	r, ok := x.head(code)
	if !ok {
		return nil
	}
	ops := x.operands(r)
	if len(ops)%2 != 0 {
		return notUnderstood(r.at, "%s of %d operands", r.name, len(ops))
	}
	names := make([]namedRecord, 0, len(ops)/2)
	for i := 0; i < len(ops); i += 2 {
		name, err := x.text(r, ops[i:])
		if err != nil {
			return err
		}
		names = append(names, namedRecord{name, i})
	}
	if !x.fits(names) {
		return notUnderstood(r.at, "%s with names that overlap", r.name)
	}
	slices.SortFunc(names, func(a, b namedRecord) int { return bytes.Compare(a.name, b.name) })
	if i := repeated(names); i > 0 {
		return notUnderstood(r.at, "%s has %q twice", r.name, names[i].name)
	}
	sorted := make([]uint64, 0, len(ops))
	for _, n := range names {
		sorted = append(sorted, ops[n.record], ops[n.record+1])
	}
	copy(ops, sorted)
	return nil
}
