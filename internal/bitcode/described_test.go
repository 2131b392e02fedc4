// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A describer says in words what a shard says, without a number that is another
// in another shard which says the same.
type describer struct {
	*Index
	guid map[uint64]uint64
	path map[uint64]string
	out  strings.Builder
}

// described returns one line for each summary with what belongs to it, and for
// each other record but BLOCK_COUNT, sorted. It reads the shard's own numbers and
// has nothing of what renumbers them.
func described(t testing.TB, shard []byte, rename func(string) (string, bool)) []string {
	t.Helper()
	x := &Index{}
	if err := x.parse(shard); err != nil {
		t.Fatal(err)
	}
	d := &describer{Index: x, guid: map[uint64]uint64{}, path: map[uint64]string{}}
	var lines []string
	for _, m := range x.modules {
		d.path[m.id], _ = rename(m.path)
		lines = append(lines, fmt.Sprint("module ", d.path[m.id], m.hashed, m.hash))
	}
	for _, v := range x.guids {
		d.guid[v.id] = v.guid
		lines = append(lines, fmt.Sprintf("value %#x", v.guid))
	}
	for _, r := range x.records {
		switch r.code {
		case summaryBlockCount, summaryRadixArray, summaryStackIDs:
			continue
		}
		d.describe(&r)
		if d.plan(&r).place != isAttached {
			lines = append(lines, d.out.String())
			d.out.Reset()
		}
	}
	slices.Sort(lines)
	return lines
}

func (d *describer) describe(r *record) {
	p := d.plan(r)
	ops := d.operands(r)
	if p.place == isNames {
		names := []string{p.name}
		for i := 0; i+1 < len(ops); i += 2 {
			names = append(names, string(d.strtab[ops[i]:][:ops[i+1]]))
		}
		slices.Sort(names[1:])
		fmt.Fprintf(&d.out, "%q", names)
		return
	}
	fmt.Fprintf(&d.out, "%s(", p.name)
	counts := map[string]uint64{}
	for i := range p.fields {
		ops = d.field(p.fields[i], ops, counts)
	}
	d.out.WriteString(") ")
}

// field describes the operands of one field and returns the others.
func (d *describer) field(f field, ops []uint64, counts map[string]uint64) []uint64 {
	var n uint64
	switch f.is {
	case isTimes, isMaybe:
		if n = counts[f.name]; f.is == isMaybe && len(ops) == 0 {
			n = 0
		}
	case isRest:
		n = uint64(len(ops))
	case isString:
		fmt.Fprintf(&d.out, "%q ", d.strtab[ops[0]:][:ops[1]])
		return ops[2:]
	case isContext:
		return d.context(ops)
	case isCount:
		counts[f.name] = ops[0]
		fallthrough
	default:
		d.one(f, ops[0])
		return ops[1:]
	}
	for ; n > 0 && len(ops) > 0; n-- {
		for i := range f.of {
			ops = d.field(f.of[i], ops, counts)
		}
	}
	return ops
}

func (d *describer) one(f field, op uint64) {
	switch f.is {
	case isValue, isOptValue:
		fmt.Fprintf(&d.out, "%#x ", d.guid[op])
	case isModule:
		fmt.Fprintf(&d.out, "%s ", d.path[op])
	case isStack:
		fmt.Fprintf(&d.out, "%#x ", d.stackID(op))
	default:
		fmt.Fprintf(&d.out, "%d ", op)
	}
}

func (d *describer) stackID(i uint64) uint64 {
	r := d.head(summaryStackIDs)
	ops := d.operands(r)
	if d.version < 12 {
		return ops[i]
	}
	return ops[2*i]<<32 | ops[2*i+1]
}

// context describes a calling context by the stack ids in it.
func (d *describer) context(ops []uint64) []uint64 {
	var array []uint64
	if r := d.head(summaryRadixArray); r != nil {
		array = d.operands(r)
	}
	if len(array) == 0 {
		for _, i := range ops[1 : 1+ops[0]] {
			fmt.Fprintf(&d.out, "%#x ", d.stackID(i))
		}
		d.out.WriteString("/ ")
		return ops[1+ops[0]:]
	}
	i := ops[0]
	n := array[i]
	for i++; n > 0; n-- {
		if jump := int32(array[i]); jump < 0 {
			i += uint64(-int64(jump))
		}
		fmt.Fprintf(&d.out, "%#x ", d.stackID(array[i]))
		i++
	}
	d.out.WriteString("/ ")
	return ops[1:]
}
