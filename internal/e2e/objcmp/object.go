// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package objcmp

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
)

// An object is a relocatable ELF64 file for x86-64, in the form that comparing wants.
type object struct {
	path     string
	bytes    []byte
	sections []section // by index; 0 is the null section
	symbols  []symbol  // by index; 0 is the null symbol
}

type section struct {
	elf.SectionHeader
	data   []byte
	relocs []reloc // those that apply to it, in file order
}

type reloc struct {
	offset uint64
	kind   elf.R_X86_64
	symbol id
	addend int64
}

// A symbol with all that its table says of it.
type symbol struct {
	id
	Value, Size uint64
}

// An id is what makes two symbols the same one, whatever their numbers are. A
// symbol's place is not part of it: code that grew moves what follows.
type id struct {
	Name        string
	Info, Other byte
	Section     elf.SectionIndex
	// Value tells symbols apart of which nothing else is different; otherwise 0.
	Value uint64
}

func (s id) declared() bool  { return s.Section == elf.SHN_UNDEF && s.Name != "" }
func (s id) ofSection() bool { return elf.ST_TYPE(s.Info) == elf.STT_SECTION }

// relocations is the type of sections of relocations with addends.
const relocations = elf.SHT_RELA //nolint:misspell // ELF's name

func readObject(path string) (*object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if file.Class != elf.ELFCLASS64 || file.Machine != elf.EM_X86_64 || file.Type != elf.ET_REL {
		return nil, fmt.Errorf("%s: not a relocatable ELF64 object for x86-64", path)
	}
	o := &object{path: path, bytes: text}
	if err := o.readSymbols(file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := o.readSections(file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

func (o *object) readSymbols(file *elf.File) error {
	symbols, err := file.Symbols()
	if err != nil {
		return err
	}
	o.symbols = append(o.symbols, symbol{})
	count := map[id]int{}
	for _, s := range symbols {
		name := id{Name: s.Name, Info: s.Info, Other: s.Other, Section: s.Section}
		count[name]++
		o.symbols = append(o.symbols, symbol{name, s.Value, s.Size})
	}
	for i, s := range o.symbols {
		if count[s.id] > 1 {
			o.symbols[i].id.Value = s.Value
		}
	}
	return nil
}

func (o *object) readSections(file *elf.File) error {
	for _, s := range file.Sections {
		data, err := contents(s)
		if err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
		o.sections = append(o.sections, section{SectionHeader: s.SectionHeader, data: data})
	}
	for _, s := range o.sections {
		if s.Type != relocations {
			continue
		}
		if int(s.Info) >= len(o.sections) {
			return fmt.Errorf("section %s: applies to section %d of %d", s.Name, s.Info, len(o.sections))
		}
		relocs, err := o.readRelocs(s.data)
		if err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
		o.sections[s.Info].relocs = relocs
	}
	return nil
}

func contents(s *elf.Section) ([]byte, error) {
	if s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL {
		return nil, nil
	}
	return s.Data()
}

// readRelocs decodes relocations with addends: offset, symbol and type, addend.
func (o *object) readRelocs(data []byte) ([]reloc, error) {
	var relocs []reloc
	for ; len(data) >= 24; data = data[24:] {
		info := binary.LittleEndian.Uint64(data[8:])
		number := int(info >> 32)
		if number >= len(o.symbols) {
			return nil, fmt.Errorf("symbol %d of %d", number, len(o.symbols))
		}
		relocs = append(relocs, reloc{
			offset: binary.LittleEndian.Uint64(data),
			kind:   elf.R_X86_64(uint32(info)),
			symbol: o.symbols[number].id,
			addend: int64(binary.LittleEndian.Uint64(data[16:])),
		})
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%d bytes too many", len(data))
	}
	return relocs, nil
}

// relocsIn are those relocations of the section that lie in [from, to), with
// offsets from `from` on.
func (s *section) relocsIn(from, to uint64) []reloc {
	var in []reloc
	for _, r := range s.relocs {
		if r.offset >= from && r.offset < to {
			r.offset -= from
			in = append(in, r)
		}
	}
	return in
}

func (s *section) executable() bool { return s.Flags&elf.SHF_EXECINSTR != 0 }

func compareSymbols(a, b symbol) int {
	return cmp.Or(
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Section, b.Section), cmp.Compare(a.Info, b.Info),
		cmp.Compare(a.Other, b.Other), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Size, b.Size))
}

func sortedSymbols(symbols []symbol) []symbol {
	return slices.SortedFunc(slices.Values(symbols), compareSymbols)
}
