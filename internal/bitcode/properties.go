// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"errors"
	"io"
	"maps"
	"slices"
)

// Properties are what a module's own metadata says that its backend compile
// depends on.
type Properties struct {
	// PICLevel is the module flag "PIC Level": 1 for -fpic and -fpie, 2 for -fPIC and
	// -fPIE, 0 for code that is not position-independent.
	PICLevel uint64

	// PartialProfile: the code was compiled with a sample profile that is known to
	// be of a part of the program. A backend of LLVM 13 to 18 uses the number of
	// basic blocks of the whole link if that is so for its module or for one that it
	// imports from, and only then.
	PartialProfile bool
}

// Names in the metadata that is read.
const (
	moduleFlags      = "llvm.module.flags"
	picLevel         = "PIC Level"
	profileSummary   = "ProfileSummary"
	isPartialProfile = "IsPartialProfile"
)

// maxSummary is how many fields a profile summary may have. LLVM 22's has ten.
const maxSummary = 64

// PropertiesAt tells the properties of the ThinLTO module in the first size bytes
// of r, of the first if there are several; without one there is an error, as
// there is for metadata that is not as LLVM 13 to 22 write it. It reads the
// records at the module's top level, its constants, and of its metadata what leads
// to the flags.
func PropertiesAt(r io.ReaderAt, size int64) (Properties, error) {
	c, err := NewCursorAt(r, size)
	for err == nil {
		var e Entry
		if e, err = c.Next(); err != nil || e.Kind != Block || e.ID != moduleBlock {
			continue
		}
		m := outline{c: c}
		if err = m.read(); err == nil && m.thin {
			return m.properties()
		}
	}
	if errors.Is(err, io.EOF) {
		err = &Error{c.Offset(), "no ThinLTO module"}
	}
	return Properties{}, err
}

// A flag is a module flag, or a field of a profile summary: a name and a value, as
// ids of metadata.
type flag struct{ name, value uint64 }

// properties reads the metadata of a module with metadata.
func (o *outline) properties() (Properties, error) {
	if o.metadata == nil {
		return Properties{}, nil
	}
	o.c.restore(o.metadata)
	m := &metadata{c: o.c}
	if err := m.read(moduleFlags); err != nil {
		return Properties{}, err
	}
	values, err := m.moduleFlags()
	if err != nil {
		return Properties{}, err
	}
	numbers := map[string]uint64{} // ids of metadata that are numbers
	if id, ok := values[picLevel]; ok {
		numbers[picLevel] = id
	}
	if id, ok := values[profileSummary]; ok {
		if err := m.readSummary(id, numbers); err != nil {
			return Properties{}, err
		}
	}
	return o.resolve(m, numbers)
}

// resolve turns metadata that is numbers into properties.
func (o *outline) resolve(m *metadata, numbers map[string]uint64) (Properties, error) {
	values := map[string]uint64{} // ids of values
	for name, id := range numbers {
		v, err := m.value(id)
		if err != nil {
			return Properties{}, err
		}
		values[name] = v
	}
	integers, err := o.integers(slices.Collect(maps.Values(values))...)
	number := func(name string) uint64 {
		if id, ok := values[name]; ok {
			return integers[id]
		}
		return 0
	}
	return Properties{number(picLevel), number(isPartialProfile) != 0}, err
}

// moduleFlags gives the values of those module flags that are wanted, as ids of
// metadata.
func (m *metadata) moduleFlags() (map[string]uint64, error) {
	nodes, err := m.definitions(m.named...)
	if err != nil {
		return nil, err
	}
	var flags []flag
	for _, id := range m.named {
		n := nodes[id]
		if !n.isNode(3) {
			return nil, m.c.malformed("module flag that is not a behaviour, a name and a value")
		}
		flags = append(flags, flag{n.values[1] - 1, n.values[2] - 1})
	}
	return m.pick(flags, picLevel, profileSummary)
}

// readSummary adds what is wanted of a profile summary, a list of pairs.
func (m *metadata) readSummary(id uint64, numbers map[string]uint64) error {
	nodes, err := m.definitions(id)
	if err != nil {
		return err
	}
	list := nodes[id]
	if !list.isNode(len(list.values)) || len(list.values) > maxSummary {
		return m.c.malformed("profile summary that is not a list of fields")
	}
	for i := range list.values {
		list.values[i]--
	}
	fields, err := m.definitions(list.values...)
	if err != nil {
		return err
	}
	var pairs []flag
	for _, id := range list.values {
		f := fields[id]
		if !f.isNode(2) {
			return m.c.malformed("profile summary with a field that is not a name and a value")
		}
		pairs = append(pairs, flag{f.values[0] - 1, f.values[1] - 1})
	}
	picked, err := m.pick(pairs, isPartialProfile)
	if value, ok := picked[isPartialProfile]; ok {
		numbers[isPartialProfile] = value
	}
	return err
}

// pick gives the values of the flags with these names; no name may be there twice.
func (m *metadata) pick(flags []flag, names ...string) (map[string]uint64, error) {
	ids := make([]uint64, 0, len(flags))
	for _, f := range flags {
		ids = append(ids, f.name)
	}
	texts, err := m.texts(ids...)
	if err != nil {
		return nil, err
	}
	picked := map[string]uint64{}
	for _, f := range flags {
		for _, name := range names {
			if texts[f.name] != name {
				continue
			}
			if _, twice := picked[name]; twice {
				return nil, m.c.malformed("two values of %q", name)
			}
			picked[name] = f.value
		}
	}
	return picked, nil
}

// value gives the id of the value that is wrapped in metadata.
func (m *metadata) value(id uint64) (uint64, error) {
	found, err := m.definitions(id)
	if err != nil {
		return 0, err
	}
	if d := found[id]; d.code == metadataValue && len(d.values) == 2 {
		return d.values[1], nil
	}
	return 0, m.c.malformed("metadata %d is not a value", id)
}

// isNode reports whether the definition is of a node with n operands, which are
// ids plus one.
func (d definition) isNode(n int) bool {
	return (d.code == metadataNode || d.code == metadataDistinctNode) && len(d.values) == n
}
