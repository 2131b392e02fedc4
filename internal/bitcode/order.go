// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
)

// An order says in which order the records are written.
type order struct {
	summaries []unit // functions and variables
	aliases   []unit
	typeIDs   []namedRecord
	plain     bool // all records are

	spare []unit // for sorting
	ends  []int
}

// A unit is a summary with the records that belong to it, which stay together as
// they are.
type unit struct {
	ids      uint64 // the new ones, of the module in the low half and of the value in the high one
	from, to int    // in Index.records
}

// A namedRecord is a TYPE_ID.
type namedRecord struct {
	name   []byte
	record int // in Index.records
}

func (o *order) clear() {
	*o = order{
		summaries: o.summaries[:0], aliases: o.aliases[:0], typeIDs: o.typeIDs[:0],
		spare: o.spare, ends: o.ends,
	}
}

// arrange finds out what belongs together and sorts it: summaries by GUID and
// module, as aliases, which come behind them; type ids and the names of CFI
// functions by name. Two summaries of one module for one GUID keep their order.
func (x *Index) arrange() error {
	if err := x.gather(); err != nil {
		return err
	}
	x.sortUnits(&x.summaries)
	x.sortUnits(&x.aliases)
	if err := x.sortTypeIDs(); err != nil {
		return err
	}
	if err := x.sortNames(summaryDefs); err != nil {
		return err
	}
	return x.sortNames(summaryDecls)
}

// sortUnits sorts by counting, since ids are numbers without gaps. Few values have
// summaries of several modules; only for those the modules make a difference.
func (x *Index) sortUnits(units *[]unit) {
	if len(*units) < 2 {
		return
	}
	x.sortBy(32, len(x.guids)+1, units)
	if !slices.IsSortedFunc(*units, func(a, b unit) int { return cmp.Compare(a.ids, b.ids) }) {
		x.sortBy(0, len(x.modules), units)
		x.sortBy(32, len(x.guids)+1, units)
	}
}

// sortBy sorts units by the number that stands in their ids from a bit on, which
// is below n. Those with the same number keep their order.
func (o *order) sortBy(bit, n int, units *[]unit) {
	o.ends = slices.Grow(o.ends[:0], n)[:n]
	clear(o.ends)
	for i := range *units {
		o.ends[uint32((*units)[i].ids>>bit)]++
	}
	end := 0
	for i, count := range o.ends {
		o.ends[i] = end
		end += count
	}
	sorted := slices.Grow(o.spare[:0], len(*units))[:len(*units)]
	for i := range *units {
		u := &(*units)[i]
		at := &o.ends[uint32(u.ids>>bit)]
		sorted[*at] = *u
		*at++
	}
	*units, o.spare = sorted, *units
}

// sequence gives the records behind those about numbers in the order in which they
// are written.
func (x *Index) sequence() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, units := range [...][]unit{x.summaries, x.aliases} {
			for i := range units {
				for at := units[i].from; at < units[i].to; at++ {
					if !yield(&x.records[at]) {
						return
					}
				}
			}
		}
		for _, r := range [...]*record{x.head(summaryDefs), x.head(summaryDecls)} {
			if r != nil && !yield(r) {
				return
			}
		}
		for i := range x.typeIDs {
			if !yield(&x.records[x.typeIDs[i].record]) {
				return
			}
		}
		if r := x.head(summaryBlockCount); r != nil {
			yield(r)
		}
	}
}

// gather cuts the summary into units, and renews the plain records while it is at
// them.
func (x *Index) gather() error {
	x.plain = true
	pending := -1 // the first record attached to the function to come
	var last *unit
	for i := range x.records {
		r := &x.records[i]
		p := x.plan(r)
		if pending >= 0 && p.place != isAttached && p.place != isFunction {
			return notUnderstood(x.records[pending].at, "%s in front of a %s", x.nameOf(pending), p.name)
		}
		var err error
		switch p.place {
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
				return notUnderstood(r.at, "%s that does not follow a summary", p.name)
			}
			last.to++
		case isTypeID:
			err = x.addTypeID(i)
		}
		if p.plain && err == nil {
			err = x.renew(r, p)
		}
		x.plain = x.plain && (p.plain || p.place == inHead)
		if err != nil {
			return err
		}
	}
	if pending >= 0 {
		return notUnderstood(x.records[pending].at, "%s without a function", x.nameOf(pending))
	}
	return nil
}

// nameOf is the name of the kind of record that stands at i.
func (x *Index) nameOf(i int) string { return x.plan(&x.records[i]).name }

// addUnit adds a unit that ends with the summary at i, and gives that its ids.
func (x *Index) addUnit(from, i int) (*unit, error) {
	r := &x.records[i]
	ops := x.operands(r)
	if len(ops) < 2 {
		return nil, notUnderstood(r.at, "%s of %d operands", x.nameOf(i), len(ops))
	}
	m, ok := x.moduleID(ops[1])
	if !ok || !x.renewValue(&ops[0]) {
		return nil, notUnderstood(r.at, "%s of value %d in module %d", x.nameOf(i), ops[0], ops[1])
	}
	ops[1] = m
	list := &x.summaries
	if x.plan(r).place == isAlias {
		list = &x.aliases
	}
	*list = append(*list, unit{ops[0]<<32 | m, from, i + 1})
	return &(*list)[len(*list)-1], nil
}

func (x *Index) addTypeID(i int) error {
	r := &x.records[i]
	ops := x.operands(r)
	if len(ops) < 2 {
		return notUnderstood(r.at, "%s of %d operands", x.nameOf(i), len(ops))
	}
	name, err := x.string(r, ops)
	x.typeIDs = append(x.typeIDs, namedRecord{name, i})
	return err
}

// string returns the string that is named at the beginning of the operands of a
// record, or of some of them.
func (x *Index) string(r *record, ops []uint64) ([]byte, error) {
	offset, length := ops[0], ops[1]
	size := uint64(len(x.strtab))
	if offset > size || length > size-offset {
		return nil, &Error{r.at, x.plan(r).name + " names a string outside the string table"}
	}
	return x.strtab[offset : offset+length], nil
}

// fits reports whether names together are no longer than the string table, in
// which LLD puts each once. It bounds the time that sorting them takes.
func (x *Index) fits(names []namedRecord) bool {
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

func (x *Index) sortTypeIDs() error {
	if len(x.typeIDs) == 0 {
		return nil
	}
	first := x.typeIDs[0].record
	if !x.fits(x.typeIDs) {
		return notUnderstood(x.records[first].at, "%s and others whose names overlap", x.nameOf(first))
	}
	slices.SortFunc(x.typeIDs, func(a, b namedRecord) int { return bytes.Compare(a.name, b.name) })
	if i := repeated(x.typeIDs); i > 0 {
		return notUnderstood(x.records[x.typeIDs[i].record].at, "%s %q twice", x.nameOf(first), x.typeIDs[i].name)
	}
	return nil
}

// sortNames sorts the names in the record of this code.
func (x *Index) sortNames(code uint32) error {
	r := x.head(code)
	if r == nil {
		return nil
	}
	kind, ops := x.plan(r).name, x.operands(r)
	if len(ops)%2 != 0 {
		return notUnderstood(r.at, "%s of %d operands", kind, len(ops))
	}
	names := make([]namedRecord, 0, len(ops)/2)
	for i := 0; i < len(ops); i += 2 {
		name, err := x.string(r, ops[i:])
		if err != nil {
			return err
		}
		names = append(names, namedRecord{name, i})
	}
	if !x.fits(names) {
		return notUnderstood(r.at, "%s with names that overlap", kind)
	}
	slices.SortFunc(names, func(a, b namedRecord) int { return bytes.Compare(a.name, b.name) })
	if i := repeated(names); i > 0 {
		return notUnderstood(r.at, "%s has %q twice", kind, names[i].name)
	}
	sorted := make([]uint64, 0, len(ops))
	for _, n := range names {
		sorted = append(sorted, ops[n.record], ops[n.record+1])
	}
	copy(ops, sorted)
	return nil
}
