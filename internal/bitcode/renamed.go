// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// vstOffset is MODULE's VSTOFFSET record, a position in the file. No index since
// LLVM 5 has one.
const vstOffset = 13

// A renamer copies a shard, but for its tables of modules. Blocks begin and end
// at multiples of 32 bits, so what stands behind a table moves by whole words and
// stays the same bit for bit.
type renamer struct {
	c      *Cursor
	rename func(path string) (string, bool)
	paths  map[string]string // old path by new name
	room   tableRoom
	text   []byte
	out    []byte
	copied int // how much of the shard has been dealt with, in bytes
}

// renamed returns the shard with the paths in its tables of modules replaced. The
// records of these tables become unabbreviated ones.
func renamed(shard []byte, rename func(path string) (string, bool)) ([]byte, error) {
	c, err := NewCursor(shard)
	if err != nil {
		return nil, err
	}
	r := &renamer{c: c, rename: rename, paths: map[string]string{}, room: newTableRoom(shard)}
	for {
		e, err := c.Next()
		if err == nil && e.Kind == Block && e.ID == moduleBlock {
			err = r.block()
		}
		if errors.Is(err, io.EOF) {
			return append(r.out, c.data[r.copied:]...), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// block copies a MODULE block up to the end of its last table of modules and
// corrects the block's length.
func (r *renamer) block() error {
	body := int(r.c.pos / 8)
	length := len(r.out) + body - 4 - r.copied // where its length word is going to be
	before := len(r.out) - r.copied
	err := eachEntry(r.c, func(e Entry) error {
		switch {
		case e.Kind == Block && e.ID == moduleStrtabBlock:
			return r.table()
		case e.Kind == Record && e.ID == vstOffset:
			return fmt.Errorf("summary index with a VSTOFFSET record at bit %d: its modules can not be renamed", r.c.at)
		}
		return nil
	})
	if grown := len(r.out) - r.copied - before; err == nil && grown != 0 {
		words := binary.LittleEndian.Uint32(r.out[length:])
		binary.LittleEndian.PutUint32(r.out[length:], words+uint32(grown/4))
	}
	return err
}

// table copies what is in front of a table of modules and writes the table anew.
func (r *renamer) table() error {
	c := r.c
	head := int(c.pos/8) - 4
	r.out = append(r.out, c.data[r.copied:head]...)
	r.copied = int(c.block.end / 8)
	infos := c.infos
	w := &writer{blocks: []openBlock{{width: c.block.width}}}
	w.fixed(0, 32) // the block's length
	w.align()
	err := eachEntry(c, func(e Entry) error {
		if e.Kind != Record || c.infos != infos {
			return r.unable()
		}
		return r.entry(w, e.ID)
	})
	w.end()
	r.out = append(r.out, w.b...)
	return err
}

// unable is for what a table of modules never has: to leave it out might change
// what the shard means.
func (r *renamer) unable() error {
	return fmt.Errorf("module table of a summary index with more than records at bit %d: its modules can not be renamed", r.c.at)
}

// entry copies one record of the table, with the new name if it has a path.
func (r *renamer) entry(w *writer, code uint32) error {
	if code == moduleEntry {
		return r.module(w)
	}
	ops, err := r.c.Operands()
	switch {
	case err != nil:
		return err
	case ops.Blob != nil:
		return r.unable()
	}
	w.record(code, ops.Values...)
	return r.room.spend(r.c, len(ops.Values))
}

func (r *renamer) module(w *writer) error {
	id, text, n, err := r.c.numberAndText(r.text[:0])
	if err == nil {
		err = r.room.spend(r.c, n)
	}
	if err != nil {
		return err
	}
	r.text = text
	path := string(text)
	name, err := newName(path, r.rename)
	if err != nil {
		return err
	}
	if other, taken := r.paths[name]; taken && other != path {
		return sameName(path, other, name)
	}
	r.paths[name] = path
	writeModuleEntry(w, id, name)
	return nil
}
