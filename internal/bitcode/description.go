// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// A Description is what a summary index shard says, in words for people.
type Description struct {
	Version      uint64 // of the summary; 0 if that is not understood
	Flags        string // what the thin link has found out
	Blocks       uint64 // basic blocks of the whole link, 0 if it does not say
	TypeIDs      int
	CFIFunctions int // names of functions that need jump tables
	Modules      []DescribedModule
	Unknown      string // what is not understood; then there are only Modules' paths
}

// A DescribedModule is a module that a shard names.
type DescribedModule struct {
	Path string
	Hash string // in hexadecimal, empty if there is none
}

// A SymbolSummary is what a shard says of a symbol of a module.
type SymbolSummary struct {
	Module       string // its path
	GUID         uint64
	Kind         string // "function", "variable" or "alias"
	Linkage      string
	Live         bool
	Declaration  bool // imported as one
	Instructions uint64
}

// Describe tells what a shard says, and calls f for each summary in it, by GUID,
// aliases last. Malformed bitcode is an [*Error].
func Describe(shard []byte, f func(SymbolSummary)) (Description, error) {
	x := &contents{interned: &internTable{map[string]uint64{}}, texts: map[uint64]uint64{}}
	if err := x.Read(shard); err != nil {
		return Description{}, err
	}
	d := Description{}
	err := x.settle(func(path string) (string, bool) { return path, true })
	if u, ok := errors.AsType[*unknown](err); ok {
		d.Unknown = u.Error()
		for _, path := range x.paths {
			d.Modules = append(d.Modules, DescribedModule{Path: path})
		}
		return d, nil
	}
	if err != nil {
		return Description{}, err
	}
	d.describe(x)
	for _, units := range [...][]unit{x.summaries, x.aliases} {
		for _, u := range units {
			f(x.describe(u))
		}
	}
	return d, nil
}

func (d *Description) describe(x *contents) {
	d.Version, d.Blocks = x.version, x.first(summaryBlockCount)
	d.Flags = linkFlags.words(x.first(summaryFlags))
	d.TypeIDs = len(x.typeIDs)
	d.CFIFunctions = len(x.list(summaryDefs)) + len(x.list(summaryDecls))
	for i := range x.modules {
		m := DescribedModule{Path: x.modules[i].path}
		if x.modules[i].hashed {
			m.Hash = hexHash(x.modules[i].hash)
		}
		d.Modules = append(d.Modules, m)
	}
}

func (x *contents) describe(u unit) SymbolSummary {
	k := x.keyed(u)
	flags, _ := k.operand("flags")
	instructions, _ := k.operand("instcount")
	s := SymbolSummary{Module: k.module, GUID: k.guid, Kind: k.kind(), Instructions: instructions}
	for _, f := range summaryFields {
		switch f.aspect {
		case Linkage:
			s.Linkage = f.word(flags)
		case Liveness:
			s.Live = f.value(flags) != 0
		case ImportKind:
			s.Declaration = f.value(flags) != 0
		}
	}
	return s
}

// HashText is the module's hash in hexadecimal, empty if it has none.
func (m *Module) HashText() string {
	if m.Hash == [5]uint32{} {
		return ""
	}
	return hexHash(m.Hash)
}

func hexHash(hash [5]uint32) string {
	b := make([]byte, 0, 4*len(hash))
	for _, word := range hash {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	return hex.EncodeToString(b)
}
