// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A numbering says which numbers values, modules and stack ids get.
type numbering struct {
	values     []uint32    // new id by old id; 0 means that the id is not defined
	moduleByID []newNumber // by old id
	module     int         // which of these was asked for last
	stackIDs   []uint64    // in their new order
	stacks     []uint64    // new index by old index
}

// A newNumber is a module's.
type newNumber struct{ id, newID uint64 }

func (n *numbering) clear() {
	*n = numbering{values: n.values[:0], moduleByID: n.moduleByID[:0], stackIDs: n.stackIDs[:0], stacks: n.stacks[:0]}
}

// A valueGUID is a VALUE_GUID record.
type valueGUID struct {
	id, guid uint64
	at       uint64
}

func (x *Index) addValue(l *plan, ops []uint64) error {
	c, guid := &x.cursor, &l.fields[1]
	if len(ops) != 1+guid.operands() {
		return notUnderstood(c.at, "%s of %d operands", l.name, len(ops))
	}
	v, ok := guid.join(ops[1:])
	if !ok || ops[0] == 0 {
		return notUnderstood(c.at, "%s gives id %d to %#x", l.name, ops[0], v)
	}
	x.guids = append(x.guids, valueGUID{ops[0], v, c.at})
	return nil
}

// number gives new numbers: to values from 1 in the order of their GUIDs, to
// modules from 0 in that of their new names, to stack ids in that of their values.
func (x *Index) number(rename func(path string) (string, bool)) error {
	if err := x.nameModules(rename); err != nil {
		return err
	}
	if err := x.numberModules(); err != nil {
		return err
	}
	if err := x.numberValues(); err != nil {
		return err
	}
	return x.numberStacks()
}

// nameModules finds the new names and puts the modules into their order.
func (x *Index) nameModules(rename func(path string) (string, bool)) error {
	for i := range x.modules {
		m := &x.modules[i]
		name, err := newName(m.path, rename)
		if err != nil {
			return err
		}
		m.name = name
	}
	slices.SortFunc(x.modules, func(a, b indexModule) int { return strings.Compare(a.name, b.name) })
	return nil
}

func newName(path string, rename func(path string) (string, bool)) (string, error) {
	name, ok := rename(path)
	if !ok || name == "" {
		return "", fmt.Errorf("module %q of a summary index has no new name", path)
	}
	return name, nil
}

func sameName(path, other, name string) error {
	return fmt.Errorf("modules %q and %q of a summary index have the same new name %q", path, other, name)
}

func (x *Index) numberModules() error {
	for i := range x.modules {
		m := &x.modules[i]
		m.newID = uint64(i)
		if i == 0 || m.name != x.modules[i-1].name {
			continue
		}
		if m.path != x.modules[i-1].path {
			return sameName(m.path, x.modules[i-1].path, m.name)
		}
		return notUnderstood(m.at, "MODULE_STRTAB has %q twice", m.path)
	}
	for _, m := range x.modules {
		x.moduleByID = append(x.moduleByID, newNumber{m.id, m.newID})
	}
	slices.SortFunc(x.moduleByID, func(a, b newNumber) int { return cmp.Compare(a.id, b.id) })
	for i, m := range x.moduleByID {
		if i > 0 && m.id == x.moduleByID[i-1].id {
			return notUnderstood(x.modules[m.newID].at, "MODULE_STRTAB has id %d twice", m.id)
		}
	}
	return nil
}

// numberValues numbers the values of a shard by GUID.
func (x *Index) numberValues() error {
	var last uint64
	sorted := true // as LLD writes them
	for i := range x.guids {
		last = max(last, x.guids[i].id)
		sorted = sorted && (i == 0 || x.guids[i].guid > x.guids[i-1].guid)
	}
	if !sorted {
		slices.SortFunc(x.guids, func(a, b valueGUID) int { return cmp.Compare(a.guid, b.guid) })
	}
	// LLD counts ids up from 1. If they are far apart it was not LLD, and a table
	// of them might be large.
	if last > 1024+16*uint64(len(x.guids)) {
		return notUnderstood(x.guids[0].at, "VALUE_GUID for %d ids up to %d", len(x.guids), last)
	}
	x.values = slices.Grow(x.values[:0], int(last)+1)[:last+1]
	clear(x.values)
	for i := range x.guids {
		v := &x.guids[i]
		if i > 0 && v.guid == x.guids[i-1].guid || x.values[v.id] != 0 {
			return notUnderstood(v.at, "VALUE_GUID has id %d or GUID %#x twice", v.id, v.guid)
		}
		x.values[v.id] = uint32(i) + 1
	}
	return nil
}

// numberStacks reads STACK_IDS and sorts them, each once.
func (x *Index) numberStacks() error {
	r := x.head(summaryStackIDs)
	if r == nil {
		return nil
	}
	p, ops := x.plan(r), x.operands(r)
	f := p.fields[0].of[0]
	n := f.operands()
	if len(ops)%n != 0 {
		return notUnderstood(r.at, "%s of %d operands", p.name, len(ops))
	}
	for i := 0; i < len(ops); i += n {
		id, ok := f.join(ops[i:])
		if !ok {
			return notUnderstood(r.at, "%s with a word of more than 32 bits", p.name)
		}
		x.stacks = append(x.stacks, id)
	}
	x.stackIDs = append(x.stackIDs, x.stacks...)
	slices.Sort(x.stackIDs)
	x.stackIDs = slices.Compact(x.stackIDs)
	for i, id := range x.stacks {
		at, _ := slices.BinarySearch(x.stackIDs, id)
		x.stacks[i] = uint64(at)
	}
	return nil
}

// moduleID returns the new id of a module. LLD writes the summaries of one module
// after those of another, so it is mostly the one asked for before.
func (n *numbering) moduleID(id uint64) (uint64, bool) {
	if n.module < len(n.moduleByID) && n.moduleByID[n.module].id == id {
		return n.moduleByID[n.module].newID, true
	}
	i, ok := slices.BinarySearchFunc(n.moduleByID, id, func(m newNumber, id uint64) int { return cmp.Compare(m.id, id) })
	if !ok {
		return 0, false
	}
	n.module = i
	return n.moduleByID[i].newID, true
}

// stack returns the new index of a stack id.
func (n *numbering) stack(i uint64) (uint64, bool) {
	if i >= uint64(len(n.stacks)) {
		return 0, false
	}
	return n.stacks[i], true
}

// maxContexts bounds the radix array as it is rebuilt: LLD's shares what contexts
// have in common, which can make it shorter by any factor.
func (x *Index) maxContexts() int { return min(16*x.size, math.MaxInt32) }
