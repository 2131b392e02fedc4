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
	values     []uint32 // new id by old id; 0 means that the id is not defined
	moduleByID []indexModule
	stackIDs   []uint64 // in their new order
	stacks     []uint64 // new index by old index
}

// A valueGUID is a VALUE_GUID record.
type valueGUID struct {
	id, guid uint64
	at       uint64
}

func (x *index) addValue(c *Cursor, l *layout, ops []uint64) error {
	guid := l.fields[1]
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
func (x *index) number(rename func(path string) (string, bool)) error {
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
func (x *index) nameModules(rename func(path string) (string, bool)) error {
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

func (x *index) numberModules() error {
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
	x.moduleByID = slices.Clone(x.modules)
	slices.SortFunc(x.moduleByID, func(a, b indexModule) int { return cmp.Compare(a.id, b.id) })
	for i, m := range x.moduleByID {
		if i > 0 && m.id == x.moduleByID[i-1].id {
			return notUnderstood(m.at, "MODULE_STRTAB has id %d twice", m.id)
		}
	}
	return nil
}

// numberValues numbers the values of a shard by GUID.
func (x *index) numberValues() error {
	slices.SortFunc(x.guids, func(a, b valueGUID) int { return cmp.Compare(a.guid, b.guid) })
	var last uint64
	for _, v := range x.guids {
		last = max(last, v.id)
	}
	// LLD counts ids up from 1. If they are far apart it was not LLD, and a table
	// of them might be large.
	if last > 1024+16*uint64(len(x.guids)) {
		return notUnderstood(x.guids[0].at, "VALUE_GUID for %d ids up to %d", len(x.guids), last)
	}
	x.values = make([]uint32, last+1)
	for i, v := range x.guids {
		if i > 0 && v.guid == x.guids[i-1].guid || x.values[v.id] != 0 {
			return notUnderstood(v.at, "VALUE_GUID has id %d or GUID %#x twice", v.id, v.guid)
		}
		x.values[v.id] = uint32(i) + 1
	}
	return nil
}

// numberStacks reads STACK_IDS and sorts them, each once.
func (x *index) numberStacks() error {
	r, ok := x.head(summaryStackIDs)
	if !ok {
		return nil
	}
	f, ops := r.fields[0].of[0], x.operands(r)
	n := f.operands()
	if len(ops)%n != 0 {
		return notUnderstood(r.at, "%s of %d operands", r.name, len(ops))
	}
	for i := 0; i < len(ops); i += n {
		id, ok := f.join(ops[i:])
		if !ok {
			return notUnderstood(r.at, "%s with a word of more than 32 bits", r.name)
		}
		x.stacks = append(x.stacks, id)
	}
	x.stackIDs = slices.Clone(x.stacks)
	slices.Sort(x.stackIDs)
	x.stackIDs = slices.Compact(x.stackIDs)
	for i, id := range x.stacks {
		at, _ := slices.BinarySearch(x.stackIDs, id)
		x.stacks[i] = uint64(at)
	}
	return nil
}

// value returns the new id of a value.
func (x *index) value(id uint64) (uint64, bool) {
	if id >= uint64(len(x.values)) || x.values[id] == 0 {
		return 0, false
	}
	return uint64(x.values[id]), true
}

// module returns the new id of a module.
func (x *index) module(id uint64) (uint64, bool) {
	i, ok := slices.BinarySearchFunc(x.moduleByID, id, func(m indexModule, id uint64) int { return cmp.Compare(m.id, id) })
	if !ok {
		return 0, false
	}
	return x.moduleByID[i].newID, true
}

// stack returns the new index of a stack id.
func (x *index) stack(i uint64) (uint64, bool) {
	if i >= uint64(len(x.stacks)) {
		return 0, false
	}
	return x.stacks[i], true
}

// maxContexts bounds the radix array as it is rebuilt: LLD's shares what contexts
// have in common, which can make it shorter by any factor.
func (x *index) maxContexts() int { return min(16*x.size, math.MaxInt32) }
