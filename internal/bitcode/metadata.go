// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "slices"

// Records of METADATA: LLVMBitCodes.h, MetadataCodes. All but those named here,
// and but those that only LLVM 3 wrote, define one metadata id each.
const (
	metadataValue                = 2
	metadataNode                 = 3
	metadataName                 = 4
	metadataDistinctNode         = 5
	metadataLocation             = 7
	metadataNamedNode            = 10
	metadataGenericDebug         = 12
	metadataMacroFile            = 34
	metadataStrings              = 35
	metadataGlobalDeclAttachment = 36
	metadataGlobalVarExpr        = 37
	metadataIndexOffset          = 38
	metadataIndex                = 39
	metadataLabel                = 40
	metadataLast                 = 49 // FIXED_POINT_TYPE, the last of LLVM 22
)

// maxNamed is how many operands of named metadata are looked at. Modules have ten
// flags or so.
const maxNamed = 1 << 12

// maxText is how long a string can be that is read, in bytes.
const maxText = 32

// metadata is a module's METADATA block. Ids are given to its strings first, then
// to its records in their order. The block can be most of a file, so nothing of it
// is kept but where things are: in a block of more than 25 records LLVM writes an
// index of them, which is taken at its word, as LLVM does when it imports.
type metadata struct {
	c       *Cursor
	named   []uint64 // ids that the named metadata lists
	isNamed bool

	strings uint64 // how many
	lengths span   // of the strings, each six bits or more
	letters span   // of all strings

	first *snapshot // the first record behind the strings
	index *snapshot // of the index; nil if there is none
	end   uint64    // of the records that the index is of
	count uint64    // of the records if there is no index
}

// read reads the block that the cursor has before it, but for what has ids. Of the
// named metadata it keeps the one with this name.
func (m *metadata) read(name string) error {
	if err := m.c.enterNext(metadataBlock); err != nil {
		return err
	}
	m.first = m.c.snapshot(m.c.pos)
	for {
		e, err := m.c.Next()
		if err != nil || e.Kind == End {
			return err
		}
		if e.Kind == Block {
			return m.c.malformed("block inside of METADATA")
		}
		if err := m.take(e.ID, name); err != nil {
			return err
		}
	}
}

// take takes up a record.
func (m *metadata) take(code uint32, name string) error {
	switch code {
	case metadataStrings:
		return m.readStrings()
	case metadataIndexOffset:
		return m.readIndexOffset()
	case metadataName:
		return m.readNamed(name)
	case metadataGlobalDeclAttachment:
		return nil
	}
	if !definesMetadata(code) || m.index != nil {
		return m.c.malformed("record %d where it does not belong", code)
	}
	m.count++
	return nil
}

// definesMetadata reports whether records of this code have an id.
func definesMetadata(code uint32) bool {
	switch code {
	case metadataValue, metadataNode, metadataDistinctNode, metadataLocation, metadataGlobalVarExpr:
		return true
	}
	return code >= metadataGenericDebug && code <= metadataMacroFile || code >= metadataLabel && code <= metadataLast
}

// readStrings finds out where the strings are: their lengths, then their letters.
func (m *metadata) readStrings() error {
	if m.strings != 0 || m.count != 0 || m.index != nil {
		return m.c.malformed("strings that are not in front")
	}
	var head [2]uint64 // how many strings, and where their letters begin
	b, err := m.c.numbersAndBlob(head[:])
	if err != nil {
		return err
	}
	if head[1] > b.size || head[0] > b.size {
		return m.c.malformed("%d strings whose letters begin at byte %d of %d", head[0], head[1], b.size)
	}
	m.strings = head[0]
	m.lengths = span{b.at, head[1]}
	m.letters = span{b.at + 8*head[1], b.size - head[1]}
	m.first = m.c.snapshot(m.c.pos)
	return nil
}

// readIndexOffset jumps over the records to the index of them, and over that.
func (m *metadata) readIndexOffset() error {
	if m.count != 0 || m.index != nil {
		return m.c.malformed("index of metadata that is not in front")
	}
	ops, err := m.c.Operands()
	if err != nil {
		return err
	}
	if len(ops.Values) != 2 || ops.Values[0]>>32 != 0 || ops.Values[1]>>32 != 0 {
		return m.c.malformed("INDEX_OFFSET that is not two words")
	}
	m.first = m.c.snapshot(m.c.pos)
	offset := ops.Values[0] | ops.Values[1]<<32
	if offset > m.c.limit-m.c.pos {
		return m.c.malformed("index of metadata behind its block")
	}
	m.end = m.c.pos + offset
	if err := m.c.moveTo(m.end); err != nil {
		return err
	}
	m.index = m.c.snapshot(m.end)
	e, err := m.c.Next()
	if err == nil && (e.Kind != Record || e.ID != metadataIndex) {
		return m.c.malformed("no index of metadata where one should be")
	}
	return err
}

// readNamed reads named metadata, a name and then the list, if it is the one that
// is wanted.
func (m *metadata) readNamed(name string) error {
	ops, err := m.c.Operands()
	if err != nil {
		return err
	}
	wanted := ops.Text() == name
	e, err := m.c.Next()
	if err != nil || !wanted {
		if err == nil && (e.Kind != Record || e.ID != metadataNamedNode) {
			return m.c.malformed("name of metadata without the metadata")
		}
		return err
	}
	return m.readList(e)
}

func (m *metadata) readList(e Entry) error {
	if e.Kind != Record || e.ID != metadataNamedNode || m.isNamed {
		return m.c.malformed("named metadata that is not there once")
	}
	ops, err := m.c.Operands()
	if err == nil && len(ops.Values) > maxNamed {
		return m.c.malformed("named metadata of %d nodes", len(ops.Values))
	}
	m.isNamed, m.named = true, slices.Clone(ops.Values)
	return err
}

// A definition is a record that has an id.
type definition struct {
	code   uint32
	values []uint64
}

// definitions reads the records with these ids.
func (m *metadata) definitions(ids ...uint64) (map[uint64]definition, error) {
	found := make(map[uint64]definition, len(ids))
	wanted := slices.Compact(slices.Sorted(slices.Values(ids)))
	var err error
	if len(wanted) > 0 && wanted[0] < m.strings {
		return nil, m.c.malformed("metadata %d is a string", wanted[0])
	}
	if m.index != nil {
		err = m.lookUp(wanted, found)
	} else {
		err = m.walk(wanted, found)
	}
	if err == nil && len(found) != len(wanted) {
		return nil, m.c.malformed("metadata that is not defined")
	}
	return found, err
}

// walk goes from record to record.
func (m *metadata) walk(wanted []uint64, found map[uint64]definition) error {
	m.c.restore(m.first)
	for id := m.strings; len(wanted) > 0; {
		e, err := m.c.Next()
		if err != nil || e.Kind == End {
			return err
		}
		if !definesMetadata(e.ID) {
			continue
		}
		if id == wanted[0] {
			if err := m.define(e, id, found); err != nil {
				return err
			}
			wanted = wanted[1:]
		}
		id++
	}
	return nil
}

func (m *metadata) define(e Entry, id uint64, found map[uint64]definition) error {
	ops, err := m.c.Operands()
	if err == nil && (e.Kind != Record || !definesMetadata(e.ID) || ops.Blob != nil) {
		return m.c.malformed("metadata %d is something else", id)
	}
	found[id] = definition{e.ID, slices.Clone(ops.Values)}
	return err
}

// lookUp goes to the records by the index, and no further in that than it must.
func (m *metadata) lookUp(wanted []uint64, found map[uint64]definition) error {
	places, err := m.places(wanted)
	if err != nil {
		return err
	}
	m.c.restore(m.first)
	for i, p := range places {
		if err := m.c.moveTo(p.at); err != nil {
			return err
		}
		e, err := m.c.Next()
		if err != nil {
			return err
		}
		if err := m.define(e, wanted[i], found); err != nil {
			return err
		}
		if m.c.pos != p.at+p.size {
			return m.c.malformed("metadata %d ends where the next does not begin", wanted[i])
		}
	}
	return nil
}

// places says where the records with these ids are, as spans of bits. The index has
// for each record how far it begins behind the one before it.
func (m *metadata) places(wanted []uint64) ([]span, error) {
	m.c.restore(m.index)
	if _, err := m.c.Next(); err != nil {
		return nil, err
	}
	n, element, err := m.c.openArray()
	if err != nil || n == 0 || m.c.scalar(element) != 0 {
		return nil, m.c.malformed("index of metadata that does not begin with its first record")
	}
	var places []span
	begin := m.first.pos
	for i := uint64(0); i < n && len(places) < len(wanted); i++ {
		end := m.end
		if i+1 < n {
			end = begin + m.c.scalar(element)
		}
		if m.c.err != nil || end < begin || end > m.end {
			return nil, m.c.malformed("index of metadata that runs past it")
		}
		if m.strings+i == wanted[len(places)] {
			places = append(places, span{begin, end - begin})
		}
		begin = end
	}
	return places, nil
}

// texts reads those of the strings with these ids that are not long.
func (m *metadata) texts(ids ...uint64) (map[uint64]string, error) {
	places, err := m.textPlaces(slices.Compact(slices.Sorted(slices.Values(ids))))
	if err != nil {
		return nil, err
	}
	texts := make(map[uint64]string, len(places))
	for id, p := range places {
		if p.size > maxText {
			continue
		}
		if err := m.c.moveTo(p.at); err != nil {
			return nil, err
		}
		var text []byte
		for range p.size {
			text = append(text, byte(m.c.read(8)))
		}
		texts[id] = string(text)
	}
	return texts, m.c.err
}

// textPlaces says where the strings with these ids are, which must be sorted.
func (m *metadata) textPlaces(ids []uint64) (map[uint64]span, error) {
	places := make(map[uint64]span, len(ids))
	m.c.restore(m.first)
	if err := m.c.moveTo(m.lengths.at); err != nil {
		return nil, err
	}
	begin := uint64(0)
	for id := uint64(0); len(ids) > 0; id++ {
		if id == m.strings {
			return nil, m.c.malformed("metadata %d is no string", ids[0])
		}
		size := m.c.vbr(unabbreviated6)
		if m.c.err != nil || m.c.pos > m.letters.at || size > m.letters.size-begin {
			return nil, m.c.malformed("strings of metadata that are longer than their blob")
		}
		if id == ids[0] {
			places[id] = span{m.letters.at + 8*begin, size}
			ids = ids[1:]
		}
		begin += size
	}
	return places, nil
}
