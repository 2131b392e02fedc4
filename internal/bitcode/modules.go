// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"errors"
	"io"
	"slices"
)

// An indexModule is a line of a shard's table of modules.
type indexModule struct {
	id, newID  uint64
	path, name string // as LLD called it, and as it is to be called
	hash       [5]uint32
	hashed     bool
	at         uint64
}

// Modules returns the paths of the modules that the shard names, in its order:
// the module it is for and those that it imports from, or none if the link has no
// use for the module.
func (x *Index) Modules() []string { return slices.Clone(x.paths) }

// IndexModules returns the paths of the modules that a summary index shard names,
// as [Index.Modules] does. It reads no more than its tables of modules.
func IndexModules(shard []byte) ([]string, error) {
	x := indexes.Get().(*Index)
	defer indexes.Put(x)
	x.clear(shard)
	err := x.readPaths()
	return x.Modules(), err
}

// readModules reads the table of modules.
func (x *Index) readModules() error {
	c := &x.cursor
	err := eachEntry(c, func(e Entry) error {
		switch {
		case e.Kind == Record && e.ID == moduleEntry:
			return x.addModule()
		case e.Kind == Record && e.ID == moduleEntryHash:
			return x.addHash()
		}
		return unknownEntry(c, e, "MODULE_STRTAB")
	})
	x.cutPaths()
	for i, path := range x.paths {
		x.modules[i].path = path
	}
	return err
}

// readPaths reads no more of the shard than the paths in its tables of modules. The
// Index must be clear.
func (x *Index) readPaths() error {
	c := &x.cursor
	if err := c.reset(inMemory(x.shard)); err != nil {
		return err
	}
	err := eachModuleTable(c, func(e Entry) error {
		if e.Kind != Record || e.ID != moduleEntry {
			return nil
		}
		_, err := x.readEntry()
		return err
	})
	x.cutPaths()
	return err
}

func (x *Index) addModule() error {
	at := x.cursor.at
	id, err := x.readEntry()
	if err == nil {
		x.modules = append(x.modules, indexModule{id: id, at: at})
	}
	return err
}

// readEntry reads a module's ENTRY and adds its path to the others.
func (x *Index) readEntry() (id uint64, err error) {
	id, text, n, err := x.cursor.numberAndText(x.text)
	if err == nil {
		err = x.room.spend(&x.cursor, n)
	}
	if err == nil {
		x.text = text
		x.ends = append(x.ends, len(text))
	}
	return id, err
}

// cutPaths makes strings of the paths that were read. They share their memory.
func (x *Index) cutPaths() {
	text, from := string(x.text), 0
	for _, end := range x.ends {
		x.paths = append(x.paths, text[from:end])
		from = end
	}
}

// A tableRoom bounds the operands of a shard's tables of modules: an abbreviation
// made up of literals could make hundreds of a byte.
type tableRoom int

func newTableRoom(shard []byte) tableRoom { return tableRoom(8 * len(shard)) }

func (r *tableRoom) spend(c *Cursor, operands int) error {
	if *r -= tableRoom(operands); *r < 0 {
		return &Error{c.at, "module table with more operands than 8 times the file's bytes"}
	}
	return nil
}

// addHash adds the hash of the module before.
func (x *Index) addHash() error {
	c := &x.cursor
	ops, err := c.Operands()
	if err == nil {
		err = x.room.spend(c, len(ops.Values))
	}
	if err != nil {
		return err
	}
	if len(ops.Values) != 5 || ops.Blob != nil || len(x.modules) == 0 || x.modules[len(x.modules)-1].hashed {
		return notUnderstood(c.at, "MODULE_STRTAB HASH of %d operands, or not right after an ENTRY", len(ops.Values))
	}
	m := &x.modules[len(x.modules)-1]
	m.hashed = true
	for i, v := range ops.Values {
		if v>>32 != 0 {
			return notUnderstood(c.at, "MODULE_STRTAB HASH with a word of more than 32 bits")
		}
		m.hash[i] = uint32(v)
	}
	return nil
}

// eachModuleTable calls f for each entry of each table of modules in a shard.
func eachModuleTable(c *Cursor, f func(Entry) error) error {
	for {
		e, err := c.Next()
		if err == nil && e.Kind == Block && e.ID == moduleBlock {
			err = eachEntry(c, func(e Entry) error {
				if e.Kind == Block && e.ID == moduleStrtabBlock {
					return eachEntry(c, f)
				}
				return nil
			})
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
