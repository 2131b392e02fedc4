// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/dtlto/dtlto/internal/bitcode"
)

// indexFacts are what is known of an index shard.
type indexFacts struct {
	SummaryVersion uint64 `json:"summary_version,omitzero"`
	LLVM           string `json:"llvm,omitzero"`  // the versions that write such summaries
	Flags          string `json:"flags,omitzero"` // what the thin link has found out
	Blocks         uint64 `json:"blocks,omitzero"`
	TypeIDs        int    `json:"type_ids,omitzero"`
	CFIFunctions   int    `json:"cfi_functions,omitzero"`
	// Skip says that the backend is told to make an empty object.
	Skip bool `json:"skip"`
	// Canonical is "already", "possible", or "no": then WhyNot says why.
	Canonical string        `json:"canonical"`
	WhyNot    string        `json:"why_not,omitzero"`
	Modules   []indexModule `json:"modules"`
	LeftOff   int           `json:"symbols_left_off,omitzero"`
}

// indexModule is a module that the shard names.
type indexModule struct {
	Path string `json:"path"`
	Hash string `json:"hash,omitzero"`
	// Own is the module that the shard is for, told by the file's name; there may be
	// none of which that is known.
	Own          bool          `json:"own"`
	Functions    int           `json:"functions"`
	Variables    int           `json:"variables"`
	Aliases      int           `json:"aliases"`
	Declarations int           `json:"declarations"` // of all these, those imported as declarations only
	Dead         int           `json:"dead"`
	Symbols      []indexSymbol `json:"symbols,omitzero"`
}

// indexSymbol is a symbol whose summary the shard has.
type indexSymbol struct {
	GUID         string `json:"guid"`
	Name         string `json:"name,omitzero"` // if the module's file is there
	Kind         string `json:"kind"`
	Linkage      string `json:"linkage"`
	Live         bool   `json:"live"`
	Declaration  bool   `json:"declaration"`
	Instructions uint64 `json:"instructions,omitzero"`

	guid uint64
}

// summaryVersions are the LLVMs that write a version of summaries.
var summaryVersions = map[uint64]string{9: "13 to 18", 10: "19", 12: "20 to 22"}

func (i *inspector) index(found *inspection, s *source) {
	found.is("index", "ThinLTO index shard, which tells the backend compile of one module what to import")
	if found.tooLarge(s, maxShard) {
		return
	}
	shard, err := io.ReadAll(s.reader())
	if err != nil {
		found.Problem = err.Error()
		return
	}
	facts := &indexFacts{Skip: bitcode.IsSkipIndex(shard), Modules: []indexModule{}}
	if err := facts.read(shard); err != nil {
		found.Problem = err.Error()
		return
	}
	found.Index = facts
	if facts.Skip {
		found.What = "ThinLTO index shard of a module that the link does not use: its object will be empty"
	}
	facts.findOwn(s.path)
	i.nameSymbols(facts, filepath.Dir(s.path))
}

func (x *indexFacts) read(shard []byte) error {
	place := map[string]int{}
	left := maxListed
	var summaries []bitcode.SymbolSummary
	d, err := bitcode.Describe(shard, func(s bitcode.SymbolSummary) {
		if left--; left >= 0 {
			summaries = append(summaries, s)
		} else {
			x.LeftOff++
		}
	})
	if err != nil {
		return err
	}
	x.SummaryVersion, x.LLVM, x.Blocks, x.TypeIDs, x.CFIFunctions = d.Version, summaryVersions[d.Version], d.Blocks, d.TypeIDs, d.CFIFunctions
	if d.Unknown == "" {
		x.Flags = d.Flags
	}
	for _, m := range d.Modules {
		place[m.Path] = len(x.Modules)
		x.Modules = append(x.Modules, indexModule{Path: m.Path, Hash: m.Hash})
	}
	for _, s := range summaries {
		x.Modules[place[s.Module]].add(s)
	}
	return x.canonical(shard)
}

func (m *indexModule) add(s bitcode.SymbolSummary) {
	switch s.Kind {
	case "function":
		m.Functions++
	case "variable":
		m.Variables++
	default:
		m.Aliases++
	}
	if s.Declaration {
		m.Declarations++
	}
	if !s.Live {
		m.Dead++
	}
	m.Symbols = append(m.Symbols, indexSymbol{
		GUID: fmt.Sprintf("%#016x", s.GUID), Kind: s.Kind, Linkage: s.Linkage, Live: s.Live,
		Declaration: s.Declaration, Instructions: s.Instructions, guid: s.GUID,
	})
}

// canonical finds out whether the shard has a canonical form, and is in it.
func (x *indexFacts) canonical(shard []byte) error {
	same := func(path string) (string, bool) { return path, true }
	c, err := bitcode.Canonicalise(shard, same, bitcode.Options{KeepBlockCount: true})
	switch {
	case err != nil:
		return err
	case c.Form != bitcode.Canonical:
		x.Canonical, x.WhyNot = "no", c.Reason
	case bytes.Equal(c.Data, shard):
		x.Canonical = "already"
	default:
		x.Canonical = "possible"
	}
	return nil
}

// findOwn tells the module that the shard is for by the shard's name: LLD's is the
// module's and .thinlto.bc, less the folder. In the cache, shards have other names.
func (x *indexFacts) findOwn(shard string) {
	name, ok := strings.CutSuffix(filepath.Base(shard), ".thinlto.bc")
	if !ok {
		return
	}
	own := -1
	for k := range x.Modules {
		if filepath.Base(x.Modules[k].Path) == name {
			if own >= 0 && !strings.HasSuffix(filepath.ToSlash(shard), filepath.ToSlash(x.Modules[k].Path)+".thinlto.bc") {
				continue
			}
			own = k
		}
	}
	if own >= 0 {
		x.Modules[own].Own = true
	}
}

// nameSymbols finds names in the modules' files, as far as they are there: under their
// own names, as in a link that runs here, or from one of the folders around the shard.
func (i *inspector) nameSymbols(x *indexFacts, folder string) {
	for k := range x.Modules {
		m := &x.Modules[k]
		for _, path := range around(m.Path, folder) {
			if len(m.Symbols) == 0 || i.left <= 0 || i.nameFrom(m, path) {
				break
			}
		}
	}
}

// around are the places where a module's file may be.
func around(path, folder string) []string {
	places := []string{path}
	for range maxAround {
		if filepath.IsAbs(path) {
			break
		}
		places = append(places, filepath.Join(folder, path))
		folder = filepath.Join(folder, "..")
	}
	return places
}

// maxAround is in how many folders around a shard a module's file is looked for.
const maxAround = 4

// nameFrom says whether a file is bitcode that has one of the module's symbols.
func (i *inspector) nameFrom(m *indexModule, path string) (ok bool) {
	_ = i.withBitcode(path, func(s *source) {
		if s.size > maxNamed {
			return
		}
		names, _ := bitcode.SymbolNames(s, s.size) // as many as there are
		for k := range m.Symbols {
			if name, has := names[m.Symbols[k].guid]; has {
				m.Symbols[k].Name, ok = strings.Clone(name), true
			}
		}
	})
	return ok
}
