// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"cmp"
	"slices"
)

// attachedAspects are the records that belong to a summary, by what they are about.
var attachedAspects = []struct {
	aspect Aspect
	codes  []uint8
}{
	{TypeTests, []uint8{11, 12, 13, 14, 15}},
	{Parameters, []uint8{25}},
	{MemoryProfile, []uint8{28, 29, 33}},
	{OriginalName, []uint8{9}},
}

// unit compares the summaries of a symbol.
func (c *comparison) unit(was, is *keyedUnit) {
	key := cmp.Or(was, is)
	of := Difference{Module: key.module, GUID: key.guid}
	if was == nil || is == nil {
		c.addTo(of, Summary, there(was), there(is))
		return
	}
	if a, b := was.kind(), is.kind(); a != b {
		c.addTo(of, SymbolKind, a, b)
		return
	}
	before := len(c.found)
	c.flags(of, was, is)
	c.numbers(of, was, is)
	c.edges(of, was, is)
	c.attached(of, was, is)
	if len(c.found) == before && !c.same(was.all, is.all) {
		c.addTo(of, Summary, "", "")
	}
}

// addTo adds a difference of one aspect to what is known of it.
func (c *comparison) addTo(of Difference, aspect Aspect, before, after string) {
	of.Aspect, of.Before, of.After = aspect, before, after
	c.add(of)
}

func (u *keyedUnit) kind() string {
	switch u.plan.place {
	case isFunction:
		return "function"
	case isVariable:
		return "variable"
	}
	return "alias"
}

// operand returns the operand of this name, and whether the summary has one.
func (u *keyedUnit) operand(name string) (uint64, bool) {
	at := slices.IndexFunc(u.plan.fields[:u.plan.leads], func(f field) bool { return f.name == name })
	if at < 0 {
		return 0, false
	}
	return u.ops[at], true
}

func (c *comparison) flags(of Difference, was, is *keyedUnit) {
	a, _ := was.operand("flags")
	b, _ := is.operand("flags")
	for _, f := range summaryFields {
		if f.value(a) != f.value(b) {
			c.addTo(of, f.aspect, f.word(a), f.word(b))
		}
	}
}

func (c *comparison) numbers(of Difference, was, is *keyedUnit) {
	for _, n := range []struct {
		name   string
		aspect Aspect
		words  func(uint64) string
	}{
		{"instcount", Instructions, decimal},
		{"entrycount", EntryCount, decimal},
		{"fflags", Attributes, functionBits.words},
		{"varflags", Access, variableBits.words},
	} {
		a, _ := was.operand(n.name)
		b, _ := is.operand(n.name)
		if a != b {
			c.addTo(of, n.aspect, n.words(a), n.words(b))
		}
	}
}

// An edge leads to another symbol.
type edge struct{ guid, class uint64 }

func compareEdges(a, b edge) int {
	return cmp.Or(cmp.Compare(a.guid, b.guid), cmp.Compare(a.class, b.class))
}

// edges compares references, calls and what an alias stands for.
func (c *comparison) edges(of Difference, was, is *keyedUnit) {
	order := false
	for _, kind := range []struct {
		aspect Aspect
		edges  func(*contents, *keyedUnit) []edge
		words  func(uint64) string
	}{
		{Reference, (*contents).refs, refWord},
		{Call, (*contents).calls, callWord},
		{Aliasee, (*contents).aliasee, refWord},
	} {
		a, b := kind.edges(c.was, was), kind.edges(c.is, is)
		if slices.Equal(a, b) {
			continue
		}
		slices.SortFunc(a, compareEdges)
		slices.SortFunc(b, compareEdges)
		order = order || slices.Equal(a, b)
		byGUID := func(a, b edge) int { return cmp.Compare(a.guid, b.guid) }
		merge(a, b, byGUID, func(a, b *edge) {
			d := of
			d.Other = cmp.Or(a, b).guid
			switch {
			case a == nil:
				c.addTo(d, kind.aspect, "", kind.words(b.class))
			case b == nil:
				c.addTo(d, kind.aspect, kind.words(a.class), "")
			case a.class != b.class:
				c.addTo(d, kind.aspect, kind.words(a.class), kind.words(b.class))
			}
		})
	}
	if order {
		c.addTo(of, EdgeOrder, "", "")
	}
}

// refs are the references of a function or a variable. A function's last ones are
// write-only, those in front of them read-only.
func (x *contents) refs(u *keyedUnit) []edge {
	if u.plan.place == isAlias {
		return nil
	}
	ops := u.ops[u.plan.leads:]
	if n, ok := u.operand("numrefs"); ok {
		ops = ops[:n]
	}
	readOnly, _ := u.operand("rorefcnt")
	writeOnly, _ := u.operand("worefcnt")
	edges := make([]edge, len(ops))
	for i, op := range ops {
		edges[i].guid = x.guid(op)
		switch left := uint64(len(ops) - i); {
		case left <= writeOnly:
			edges[i].class = writeOnlyRef
		case left-writeOnly <= readOnly:
			edges[i].class = readOnlyRef
		}
	}
	return edges
}

// calls are the calls of a function, in LLVM 13 to 17 without flags if there is no
// profile.
func (x *contents) calls(u *keyedUnit) []edge {
	n, ok := u.operand("numrefs")
	if !ok {
		return nil
	}
	var edges []edge
	width := u.plan.sections[1].width
	for ops := u.ops[u.plan.leads+int(n):]; len(ops) > 0; ops = ops[width:] {
		e := edge{guid: x.guid(ops[0])}
		if width > 1 {
			e.class = ops[1]
		}
		edges = append(edges, e)
	}
	return edges
}

func (x *contents) aliasee(u *keyedUnit) []edge {
	if id, ok := u.operand("aliasee"); ok {
		return []edge{{guid: x.guid(id)}}
	}
	return nil
}

// attached compares the records that belong to the summaries.
func (c *comparison) attached(of Difference, was, is *keyedUnit) {
	if len(was.all) == 1 && len(is.all) == 1 {
		return
	}
	for _, a := range attachedAspects {
		if !c.same(only(was.all, a.codes), only(is.all, a.codes)) {
			c.addTo(of, a.aspect, "", "")
		}
	}
}

// only returns the records with these codes.
func only(records []record, codes []uint8) []record {
	var some []record
	for _, r := range records {
		if slices.Contains(codes, r.code) {
			some = append(some, r)
		}
	}
	return some
}
