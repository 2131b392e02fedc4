// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"fmt"
	"slices"
)

// A plan is a layout with what makes it quick to follow. Most records are plain:
// some operands first, whatever the counts are, and then rows of operands, with no
// stack ids, contexts or strings among them.
type plan struct {
	layout
	plain    bool
	leads    int   // operands in front of the rows
	values   []int // those of them that are value ids, but for a summary's own
	sections []section
}

// A section is a repetition in a plain record.
type section struct {
	width int // operands of a row
	value int // which of these is a value id, -1 if none is
	count int // which of the record's operands is the number of rows, -1 if they fill it
	of    []field
}

// plans are those of the records of one version by their codes.
type plans [maxSummaryCode + 1]*plan

// plansOf are those of the known versions.
var plansOf = func() map[uint64]*plans {
	versions := map[uint64]*plans{}
	for _, l := range summaryRecords {
		number(l.fields, &[]string{})
		p := newPlan(l)
		for v := l.first; v <= l.last; v++ {
			if versions[v] == nil {
				versions[v] = &plans{}
			}
			if versions[v][l.code] != nil {
				panic(fmt.Sprintf("two layouts of record %d in version %d", l.code, v))
			}
			versions[v][l.code] = p
		}
	}
	return versions
}()

func newPlan(l layout) *plan {
	p := &plan{layout: l, plain: true}
	counts := map[string]int{}
	for i, f := range l.fields {
		switch {
		case f.is == isTimes || f.is == isRest:
			p.section(f, counts)
		case len(p.sections) > 0:
			p.plain = false
		case f.is == isCount:
			counts[f.name] = i
			fallthrough
		case f.is == isNumber, l.place.summary() && i < 2:
			p.leads++
		case f.is == isValue || f.is == isOptValue:
			p.values = append(p.values, i)
			p.leads++
		default:
			p.plain = false
		}
	}
	if l.place.summary() && !p.plain {
		panic("summary that is not plain: " + l.name)
	}
	return p
}

// section adds a repetition, if it is one of rows.
func (p *plan) section(f field, counts map[string]int) {
	s := section{width: len(f.of), value: -1, count: -1, of: f.of}
	if f.is == isTimes {
		s.count = counts[f.name]
	}
	for i := range f.of {
		switch {
		case f.of[i].is == isValue && s.value < 0:
			s.value = i
		case f.of[i].is != isNumber:
			p.plain = false
		}
	}
	p.sections = append(p.sections, s)
}

// summary reports whether a record of this place is a summary: its first operands
// are its value and its module.
func (p place) summary() bool { return p == isFunction || p == isVariable || p == isAlias }

// number gives each count of a record a slot and each repetition that of its
// count, which stands before it.
func number(fields []field, counts *[]string) {
	for i := range fields {
		f := &fields[i]
		switch f.is {
		case isCount:
			f.slot = len(*counts)
			*counts = append(*counts, f.name)
		case isTimes, isMaybe:
			if f.slot = slices.Index(*counts, f.name); f.slot < 0 {
				panic("no count for the repetition " + f.name)
			}
		}
		if f.is >= isTimes && len(f.of) == 0 || len(*counts) > maxCounts {
			panic(fmt.Sprintf("repetition %s of nothing, or more than %d counts", f.name, maxCounts))
		}
		number(f.of, counts)
	}
}
