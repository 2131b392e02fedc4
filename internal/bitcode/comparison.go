// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"cmp"
	"slices"
)

// A Side is one of two shards to compare.
type Side struct {
	Shard []byte
	// Name gives a module's name to people by its path in the shard; nil leaves the
	// paths. Modules that are the same must have the same name on both sides, and
	// others other names.
	Name func(path string) string
}

// maxDifferences is how many differences are told of at most.
const maxDifferences = 10000

// Differences tells what differs between two shards of one module, canonical ones or
// the linker's own: modules first, then summaries by module and GUID; the first 10,000 of them. If there
// are none, both have the same canonical form under these names. Of a shard with
// something in it that is not understood only the modules are compared. Malformed
// bitcode is an [*Error]; one name for two modules of a shard is an error too.
func Differences(before, after Side) ([]Difference, error) {
	interned := &internTable{map[string]uint64{}}
	was, err := readContents(before, interned)
	if err != nil {
		return nil, err
	}
	is, err := readContents(after, interned)
	if err != nil {
		return nil, err
	}
	c := &comparison{was: was, is: is}
	c.compare()
	return c.found, nil
}

// A comparison gathers what differs.
type comparison struct {
	was, is  *contents
	found    []Difference
	meanings [2][]uint64 // reused
}

func (c *comparison) add(d Difference) {
	if len(c.found) < maxDifferences {
		c.found = append(c.found, d)
	}
}

func (c *comparison) compare() {
	was, is := c.was, c.is
	c.modules()
	if was.unknown != nil || is.unknown != nil {
		c.unknown()
		return
	}
	if was.version != is.version {
		c.add(Difference{Aspect: SummaryVersion, Before: decimal(was.version), After: decimal(is.version)})
		return
	}
	c.link()
	merge(was.units, is.units, compareKeys, c.unit)
	if len(c.found) == 0 && !bytes.Equal(was.write(), is.write()) {
		c.add(Difference{Aspect: Otherwise})
	}
}

// merge goes through two sorted lists side by side. What is in one of them only
// comes with nil for the other.
func merge[T any](a, b []T, compare func(a, b T) int, f func(a, b *T)) {
	for len(a) > 0 || len(b) > 0 {
		order := -1
		if len(a) == 0 {
			order = 1
		} else if len(b) > 0 {
			order = compare(a[0], b[0])
		}
		var left, right *T
		if order <= 0 {
			left, a = &a[0], a[1:]
		}
		if order >= 0 {
			right, b = &b[0], b[1:]
		}
		f(left, right)
	}
}

// there is "there" for what is there.
func there[T any](p *T) string {
	if p == nil {
		return ""
	}
	return "there"
}

// unknown adds what in the shards is not understood.
func (c *comparison) unknown() {
	d := Difference{Aspect: NotUnderstood}
	if c.was.unknown != nil {
		d.Before = c.was.unknown.Error()
	}
	if c.is.unknown != nil {
		d.After = c.is.unknown.Error()
	}
	c.add(d)
}

func (c *comparison) modules() {
	merge(c.was.names, c.is.names, cmp.Compare[string], func(was, is *string) {
		if was == nil || is == nil {
			c.add(Difference{Aspect: ImportedModule, Module: *cmp.Or(was, is), Before: there(was), After: there(is)})
		}
	})
	if c.was.unknown != nil || c.is.unknown != nil {
		return
	}
	byName := func(a, b indexModule) int { return cmp.Compare(a.name, b.name) }
	merge(c.was.modules, c.is.modules, byName, func(was, is *indexModule) {
		if was != nil && is != nil && (was.hash != is.hash || was.hashed != is.hashed) {
			c.add(Difference{Aspect: ModuleHash, Module: was.name})
		}
	})
}

// link compares what the shards say of the link as a whole.
func (c *comparison) link() {
	if was, is := c.was.first(summaryFlags), c.is.first(summaryFlags); was != is {
		c.add(Difference{Aspect: IndexFlags, Before: linkFlags.words(was), After: linkFlags.words(is)})
	}
	if was, is := c.was.first(summaryBlockCount), c.is.first(summaryBlockCount); was != is {
		c.add(Difference{Aspect: BasicBlocks, Before: decimal(was), After: decimal(is)})
	}
	c.functions(summaryDefs, "defined")
	c.functions(summaryDecls, "declared")
	byName := func(a, b namedRecord) int { return bytes.Compare(a.name, b.name) }
	merge(c.was.typeIDs, c.is.typeIDs, byName, func(was, is *namedRecord) {
		if was == nil || is == nil {
			c.add(Difference{Aspect: TypeID, Name: string(cmp.Or(was, is).name), Before: there(was), After: there(is)})
		} else if !c.same(c.was.records[was.record:][:1], c.is.records[is.record:][:1]) {
			c.add(Difference{Aspect: TypeID, Name: string(was.name)})
		}
	})
}

// first returns the first operand of the only record of this code, 0 if there is
// none.
func (x *contents) first(code uint32) uint64 {
	if r := x.head(code); r != nil {
		return Operands{Values: x.operands(r)}.first()
	}
	return 0
}

// functions compares the lists of this code, which are sorted.
func (c *comparison) functions(code uint32, list string) {
	merge(c.was.list(code), c.is.list(code), cmp.Compare[string], func(was, is *string) {
		d := Difference{Aspect: CFIFunction}
		switch {
		case was == nil:
			d.Name, d.After = *is, list
		case is == nil:
			d.Name, d.Before = *was, list
		default:
			return
		}
		c.add(d)
	})
}

// list returns the strings in the only record of this code.
func (x *contents) list(code uint32) []string {
	r := x.head(code)
	if r == nil {
		return nil
	}
	ops := x.operands(r)
	names := make([]string, 0, len(ops)/2)
	for ; len(ops) > 0; ops = ops[2:] {
		names = append(names, string(x.strings.content[ops[0]:][:ops[1]]))
	}
	return names
}

// same reports whether records mean the same.
func (c *comparison) same(was, is []record) bool {
	c.meanings[0] = c.was.meaning(c.meanings[0][:0], was)
	c.meanings[1] = c.is.meaning(c.meanings[1][:0], is)
	return slices.Equal(c.meanings[0], c.meanings[1])
}
