// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/object"
)

// bitcodeFacts are what is known of a bitcode file.
type bitcodeFacts struct {
	Producer  string        `json:"producer,omitzero"` // as the file says
	LLVM      int           `json:"llvm,omitzero"`     // major version
	ThinLTO   bool          `json:"thinlto"`           // a linker compiles it as ThinLTO
	Minimized bool          `json:"minimized"`         // for thin links only: no code is in it
	Modules   []moduleFacts `json:"modules"`
	Symbols   *symbolFacts  `json:"symbols,omitzero"`
	// Of the ThinLTO module.
	PICLevel       *uint64 `json:"pic_level,omitzero"` // 0: not position-independent, 1: -fpic, 2: -fPIC
	PartialProfile bool    `json:"partial_profile,omitzero"`
}

// moduleFacts are those of one module.
type moduleFacts struct {
	Triple    string `json:"triple,omitzero"`
	Source    string `json:"source,omitzero"`
	LTO       string `json:"lto"`            // "thin", "regular" or "none"
	Hash      string `json:"hash,omitzero"`  // SHA-1, as the compiler wrote it
	SplitUnit bool   `json:"split_unit"`     // -fsplit-lto-unit
	Unified   bool   `json:"unified"`        // -funified-lto
	Index     bool   `json:"index,omitzero"` // no module, but a summary index
}

// symbolFacts count the symbols that other files can see.
type symbolFacts struct {
	Defined   int `json:"defined"`
	Undefined int `json:"undefined"`
	Hidden    int `json:"hidden"` // of the defined ones
}

var ltoNames = map[bitcode.LTO]string{bitcode.Thin: "thin", bitcode.Regular: "regular", bitcode.NoSummary: "none"}

// bitcode looks at modules, or at an index shard.
func (i *inspector) bitcode(found *inspection, s *source) {
	found.is("bitcode", "LLVM bitcode")
	if found.tooLarge(s, maxBitcode) {
		return
	}
	id, err := bitcode.IdentifyAt(s, s.size)
	if len(id.Modules) == 1 && id.Modules[0].Index {
		i.index(found, s)
		return
	}
	found.Bitcode = factsOf(id)
	if err != nil {
		found.Problem = err.Error()
		return
	}
	found.What = "LLVM bitcode, " + found.Bitcode.words()
	found.Bitcode.Symbols = symbolsIn(s)
	if !id.ThinLTO() || id.Minimized() {
		return
	}
	if p, err := bitcode.PropertiesAt(s, s.size); err == nil {
		found.Bitcode.PICLevel, found.Bitcode.PartialProfile = &p.PICLevel, p.PartialProfile
	}
}

func factsOf(id bitcode.Identity) *bitcodeFacts {
	facts := &bitcodeFacts{Producer: id.Producer, LLVM: id.LLVMMajor(), ThinLTO: id.ThinLTO(), Minimized: id.Minimized(), Modules: []moduleFacts{}}
	for k := range id.Modules {
		m := &id.Modules[k]
		facts.Modules = append(facts.Modules, moduleFacts{
			Triple: m.Triple, Source: m.SourceFileName, LTO: ltoNames[m.LTO], Hash: m.HashText(), Index: m.Index,
			SplitUnit: m.Flags&bitcode.EnableSplitLTOUnit != 0, Unified: m.Flags&bitcode.UnifiedLTO != 0,
		})
	}
	return facts
}

// words says how a linker compiles it.
func (b *bitcodeFacts) words() string {
	count := map[string]int{}
	for _, m := range b.Modules {
		count[m.LTO]++
	}
	switch {
	case b.Minimized:
		return "minimized for thin links (-fthin-link-bitcode=): there is no code in it"
	case len(b.Modules) == 0:
		return "without a module"
	case count["thin"] > 0 && count["regular"]+count["none"] > 0:
		return "ThinLTO with a part for regular LTO"
	case count["thin"] == 1 && b.Modules[0].Unified:
		return "ThinLTO, or regular LTO if the linker is told (-funified-lto)"
	case count["thin"] > 0:
		return "ThinLTO"
	case count["regular"] > 0:
		return "regular LTO (-flto=full), which is compiled in one piece and not distributed"
	}
	return "without a summary (-emit-llvm), which a linker compiles as regular LTO"
}

// symbolsIn counts symbols, if there is a table of them.
func symbolsIn(s *source) *symbolFacts {
	facts := &symbolFacts{}
	err := bitcode.EachLinkSymbol(s, s.size, func(symbol bitcode.LinkSymbol) {
		switch {
		case symbol.Undefined:
			facts.Undefined++
		case symbol.Visibility == bitcode.Hidden:
			facts.Hidden++
			fallthrough
		default:
			facts.Defined++
		}
	})
	if err != nil {
		return nil
	}
	return facts
}

// ltoSection is where FatLTO objects have their bitcode.
const ltoSection = ".llvm.lto"

// elf looks at a native object or program, and at the bitcode in it.
func (i *inspector) elf(found *inspection, s *source, head []byte) {
	found.is("elf", "ELF "+elfType(head)+": native code")
	offset, length, ok, err := object.Section(s, s.size, ltoSection)
	switch {
	case err != nil:
		found.Problem = err.Error()
	case ok:
		i.bitcode(found, &source{io.NewSectionReader(s, offset, length), s.path, s.name, length})
		found.Contents = fmt.Sprintf("%s in section %s: %s", found.Kind, ltoSection, found.What)
		found.is("elf", "ELF "+elfType(head)+" with bitcode (FatLTO): LLD 17 and newer use it with --fat-lto-objects")
	default:
		i.linked(found, s)
	}
}

// elfType is what kind of ELF file the head is of, in words.
func elfType(head []byte) string {
	if len(head) < 20 {
		return "file"
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[5] == 2 {
		order = binary.BigEndian
	}
	switch order.Uint16(head[16:]) {
	case 1:
		return "object"
	case 2:
		return "program"
	case 3:
		return "program or shared library"
	}
	return "file"
}

// errNoMember is for a name that looks like that of an archive's member.
var errNoMember = errors.New("the archive has no such member")
