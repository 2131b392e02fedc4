// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"fmt"
	"slices"
)

// Blocks and records of a module that its outline is of, beside its symbols.
const (
	constantsBlock = 11
	metadataBlock  = 15

	constantsSetType = 1
	constantsNull    = 2
	constantsInteger = 4
)

// An outline is where in a module things are. Values are numbered from the
// module's symbols on, in the order of their records, its constants following.
type outline struct {
	c         *Cursor
	thin      bool      // it has a summary for ThinLTO
	symbols   uint64    // how many
	constants *snapshot // in front of the block; nil if there is none
	metadata  *snapshot
}

// read reads the module that the cursor has before it, to its end.
func (o *outline) read() error {
	return eachEntry(o.c, func(e Entry) error {
		if e.Kind == Block {
			return o.addBlock(e.ID)
		}
		switch e.ID {
		case moduleGlobalVar, moduleFunction, moduleAlias, moduleIFunc:
			if o.symbols++; o.constants != nil {
				return o.c.malformed("symbol behind the constants")
			}
		case moduleOldAlias:
			return o.c.malformed("alias of an LLVM before 4")
		}
		return nil
	})
}

func (o *outline) addBlock(id uint32) error {
	switch id {
	case summaryBlock:
		o.thin = true
	case moduleStrtabBlock:
		return o.c.malformed("summary index, where a module should be")
	case constantsBlock:
		return o.note(&o.constants, "constants")
	case metadataBlock:
		return o.note(&o.metadata, "metadata")
	}
	return nil
}

// note keeps the place of the block at hand. LLVM writes one of a kind.
func (o *outline) note(place **snapshot, what string) error {
	if *place != nil {
		return o.c.malformed("module with %s in two places", what)
	}
	*place = o.c.snapshot(o.c.at)
	return nil
}

// enterNext enters the block in front of which the cursor is.
func (c *Cursor) enterNext(id uint32) error {
	e, err := c.Next()
	if err == nil && (e.Kind != Block || e.ID != id) {
		return c.malformed("no block %d", id)
	}
	if err != nil {
		return err
	}
	return c.Enter()
}

// integers gives the integers that the values with these ids are. They must be
// constants, not negative, and of 64 bits at most.
func (o *outline) integers(ids ...uint64) (map[uint64]uint64, error) {
	integers := map[uint64]uint64{}
	wanted := slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(wanted) == 0 {
		return integers, nil
	}
	if o.constants == nil || wanted[0] < o.symbols {
		return nil, o.c.malformed("reference to a constant where there is none")
	}
	o.c.restore(o.constants)
	if err := o.c.enterNext(constantsBlock); err != nil {
		return nil, err
	}
	for id := o.symbols; len(wanted) > 0; {
		e, err := o.c.Next()
		switch {
		case err != nil || e.Kind != Record:
			return nil, o.c.malformed("reference to a constant that is not there")
		case e.ID == constantsSetType:
			continue
		case id == wanted[0]:
			if integers[id], err = o.c.integer(e.ID); err != nil {
				return nil, err
			}
			wanted = wanted[1:]
		}
		id++
	}
	return integers, nil
}

// integer reads the constant at hand, which has its sign in its lowest bit.
func (c *Cursor) integer(code uint32) (uint64, error) {
	ops, err := c.Operands()
	switch {
	case err != nil:
		return 0, err
	case code == constantsNull && len(ops.Values) == 0:
		return 0, nil
	case code == constantsInteger && len(ops.Values) == 1 && ops.Values[0]&1 == 0:
		return ops.Values[0] >> 1, nil
	}
	return 0, c.malformed("constant that is not an integer from 0 on")
}

// malformed returns the cursor's error, or that the entry at hand is malformed.
func (c *Cursor) malformed(format string, args ...any) error {
	if c.err != nil {
		return c.err
	}
	return &Error{c.at, fmt.Sprintf(format, args...)}
}
