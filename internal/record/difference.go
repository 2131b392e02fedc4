// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

// Difference is one thing in which two actions of a module differ.
type Difference struct {
	What Change
	// Name is the argument, the variable or the file that it is about, as people
	// know it: a path, not a rank. Empty where there is only one such thing.
	Name string
	// Before and After are the two of a changed argument or variable.
	Before, After string
}

// Change is what a [Difference] is.
type Change uint8

// The changes, in the order in which [Differences] gives them.
const (
	CompilerChanged   Change = iota + 1
	ArgumentAdded            // Name
	ArgumentRemoved          // Name
	ArgumentChanged          // Before, After
	ArgumentsMoved           // the same ones in another order
	VariableAdded            // Name, After
	VariableRemoved          // Name, Before
	VariableChanged          // Name, Before, After
	ModuleChanged            // the module's own bitcode; Name
	ImportAdded              // Name is the module's that it imports from
	ImportRemoved            // Name
	ImportChanged            // Name
	ModulesMoved             // their names sort in another order, and LLVM imports in that
	FileAdded                // Name is a file's that the compiler reads besides
	FileRemoved              // Name
	FileChanged              // Name
	IndexChanged             // and other things
	OnlyIndexChanged         // and no file that the compiler reads, and no option
	UnrecordedChanged        // the keys differ, and nothing that is on record does
)

// Differences says in what two actions of one module differ, nothing if they are
// equal. Files are compared by what they are called in the link, never by rank,
// since ranks shift; a module that has another name and is the same otherwise
// is no difference.
func Differences(before, after *Action) []Difference {
	if before.Key == after.Key {
		return nil
	}
	c := comparison{before: before, after: after}
	if before.Toolchain != after.Toolchain {
		c.add(Difference{What: CompilerChanged})
	}
	files := pair(before.Extra, after.Extra)
	c.arguments(files)
	c.environment()
	c.modules(pair(before.Modules, after.Modules))
	c.files(files)
	switch {
	case before.Index == after.Index && len(c.found) == 0:
		c.add(Difference{What: UnrecordedChanged})
	case before.Index != after.Index && len(c.found) == 0:
		c.add(Difference{What: OnlyIndexChanged})
	case before.Index != after.Index:
		c.add(Difference{What: IndexChanged})
	}
	return c.found
}

type comparison struct {
	before, after *Action
	found         []Difference
}

func (c *comparison) add(d Difference) { c.found = append(c.found, d) }

func (c *comparison) environment() {
	before, namesBefore := variables(c.before.Env)
	after, names := variables(c.after.Env)
	for _, name := range names {
		value := after[name]
		if old, ok := before[name]; !ok {
			c.add(Difference{What: VariableAdded, Name: name, After: value})
		} else if old != value {
			c.add(Difference{What: VariableChanged, Name: name, Before: old, After: value})
		}
	}
	for _, name := range namesBefore {
		if _, ok := after[name]; !ok {
			c.add(Difference{What: VariableRemoved, Name: name, Before: before[name]})
		}
	}
}

// modules compares the modules, of which the pairs are the same ones.
func (c *comparison) modules(p pairs) {
	before, after := c.before, c.after
	p.match(before.Own, after.Own)
	for i, in := range after.Modules {
		k := p.ofAfter[i]
		switch {
		case i == after.Own && len(before.Modules) > 0:
			if in.Digest != before.Modules[before.Own].Digest {
				c.add(Difference{What: ModuleChanged, Name: Readable(in.Path)})
			}
		case k < 0:
			c.add(Difference{What: ImportAdded, Name: Readable(in.Path)})
		case in.Digest != before.Modules[k].Digest:
			c.add(Difference{What: ImportChanged, Name: Readable(in.Path)})
		}
	}
	for i, in := range before.Modules {
		if p.ofBefore[i] < 0 {
			c.add(Difference{What: ImportRemoved, Name: Readable(in.Path)})
		}
	}
	if p.moved() {
		c.add(Difference{What: ModulesMoved})
	}
}

func (c *comparison) files(p pairs) {
	for i, in := range c.after.Extra {
		if k := p.ofAfter[i]; k < 0 {
			c.add(Difference{What: FileAdded, Name: in.Path})
		} else if in.Digest != c.before.Extra[k].Digest {
			c.add(Difference{What: FileChanged, Name: in.Path})
		}
	}
	for i, in := range c.before.Extra {
		if p.ofBefore[i] < 0 {
			c.add(Difference{What: FileRemoved, Name: in.Path})
		}
	}
}
