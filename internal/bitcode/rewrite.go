// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "math"

// rewrite puts the new numbers into the operands of the records that are not
// plain. It does so in the order in which they will be written, since strings and
// contexts are numbered as they come up. No record changes its length.
func (x *Index) rewrite() error {
	if x.plain {
		return nil
	}
	for r := range x.sequence() {
		if p := x.plan(r); !p.plain {
			if err := x.rewriteRecord(r, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// A rewriter walks the operands of one record along its layout.
type rewriter struct {
	*Index
	*plan
	record *record
	ops    []uint64
	pos    int // of the next operand in ops
	counts [maxCounts]uint64
}

func (x *Index) rewriteRecord(r *record, p *plan) error {
	w := rewriter{Index: x, plan: p, record: r, ops: x.operands(r)}
	if err := w.walk(p.fields); err != nil {
		return err
	}
	if w.pos != len(w.ops) {
		return w.notUnderstood("%s with %d operands too many", p.name, len(w.ops)-w.pos)
	}
	return nil
}

// notUnderstood is for something in the record.
func (w *rewriter) notUnderstood(format string, args ...any) error {
	return notUnderstood(w.record.at, format, args...)
}

// walk rewrites the operands for fields. It ends, whatever the counts in the
// input: every round of a repetition takes an operand.
func (w *rewriter) walk(fields []field) error {
	for i := range fields {
		var err error
		switch f := &fields[i]; f.is {
		case isTimes:
			err = w.times(f)
		case isMaybe:
			if w.pos < len(w.ops) {
				err = w.times(f)
			}
		case isRest:
			for w.pos < len(w.ops) && err == nil {
				err = w.walk(f.of)
			}
		case isContext:
			err = w.context(f)
		default:
			err = w.field(f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *rewriter) times(f *field) error {
	for range w.counts[f.slot] {
		if err := w.walk(f.of); err != nil {
			return err
		}
	}
	return nil
}

// field rewrites a field that is no repetition.
func (w *rewriter) field(f *field) error {
	n := f.operands()
	if n > len(w.ops)-w.pos {
		return endsBefore(w.record, w.plan, f)
	}
	op := &w.ops[w.pos]
	old, ok := *op, true
	switch f.is {
	case isCount:
		w.counts[f.slot] = old
	case isValue:
		ok = w.renewValue(op)
	case isOptValue:
		ok = old == 0 || w.renewValue(op)
	case isModule:
		*op, ok = w.moduleID(old)
	case isStack:
		*op, ok = w.stack(old)
	case isString:
		return w.string(f)
	}
	w.pos += n
	if !ok {
		return undefined(w.record, w.plan, f, old)
	}
	return nil
}

// string moves a string to the new string table.
func (w *rewriter) string(f *field) error {
	ops := w.ops[w.pos : w.pos+2]
	if _, err := w.Index.string(w.record, ops); err != nil {
		return err
	}
	offset, ok := w.strings.add(w.strtab, ops[0], ops[1])
	if !ok {
		return w.notUnderstood("%s whose %s overlaps other strings", w.name, f.name)
	}
	ops[0] = offset
	w.pos += 2
	return nil
}

// context rewrites a calling context, which is an index if there is a radix array
// with something in it.
func (w *rewriter) context(f *field) error {
	if w.pos == len(w.ops) {
		return endsBefore(w.record, w.plan, f)
	}
	op := &w.ops[w.pos]
	w.pos++
	if r := w.head(summaryRadixArray); r != nil && r.from != r.to {
		var err error
		*op, err = w.flatten(w.operands(r), *op)
		return err
	}
	if *op > uint64(len(w.ops)-w.pos) {
		return w.notUnderstood("%s that ends in front of the %d entries of its %s", w.name, *op, f.name)
	}
	for n := *op; n > 0; n-- {
		if err := w.field(&stackField); err != nil {
			return err
		}
	}
	return nil
}

var stackField = stack()

// flatten copies the context that begins at i of a radix array to the new one and
// returns where it begins there. In the array stands the number of stack indices
// and then these; a negative number in between says how far off they go on,
// because other contexts share the rest. The new array has no such jumps. See
// CallStackRadixTreeBuilder in LLVM's ProfileData/MemProf.h and
// parseAllocInfoContext in BitcodeReader.cpp: entries are of 32 bits.
func (w *rewriter) flatten(array []uint64, i uint64) (uint64, error) {
	begin := len(w.radix)
	if i >= uint64(len(array)) || array[i] > math.MaxInt32 || int(array[i]) >= w.maxContexts()-begin {
		return 0, w.notUnderstood("%s with a context at %d of %d entries, or contexts too long to be rebuilt", w.name, i, len(array))
	}
	n := array[i]
	w.radix = append(w.radix, n)
	for i++; n > 0; n-- {
		entry, at, ok := radixEntry(array, i)
		stack, known := w.stack(entry)
		if !ok || !known {
			return 0, w.notUnderstood("%s with a context that leaves the radix array or STACK_IDS at entry %d", w.name, i)
		}
		w.radix = append(w.radix, stack)
		i = at + 1
	}
	return uint64(begin), nil
}

// radixEntry returns the entry at i, or, if that is a jump, the one it leads to,
// and where that is.
func radixEntry(array []uint64, i uint64) (entry, at uint64, ok bool) {
	if i >= uint64(len(array)) || array[i] > math.MaxUint32 {
		return 0, 0, false
	}
	if array[i] > math.MaxInt32 {
		if i += 1<<32 - array[i]; i >= uint64(len(array)) {
			return 0, 0, false
		}
	}
	return array[i], i, array[i] <= math.MaxInt32
}

// A stringTable is a string table being built, each string once, in the order in
// which they are added.
type stringTable struct {
	content []byte
	ranges  map[[2]uint64]uint64 // new offset by old offset and length
	offsets map[string]uint64    // new offset by string
	old     int                  // sum of the lengths of all ranges
}

func (s *stringTable) clear() {
	if len(s.content) > 0 {
		clear(s.ranges)
		clear(s.offsets)
	}
	s.content, s.old = s.content[:0], 0
}

// add adds the string at offset of the old table and returns where it is now.
// False means that the strings asked for are together longer than the old table:
// LLD puts every string there once, so that says that they overlap.
func (s *stringTable) add(table []byte, offset, length uint64) (uint64, bool) {
	if length == 0 {
		return 0, true
	}
	if s.ranges == nil {
		s.ranges, s.offsets = map[[2]uint64]uint64{}, map[string]uint64{}
	}
	if at, ok := s.ranges[[2]uint64{offset, length}]; ok {
		return at, true
	}
	if s.old += int(length); s.old > len(table) {
		return 0, false
	}
	text := table[offset : offset+length]
	at, ok := s.offsets[string(text)]
	if !ok {
		at = uint64(len(s.content))
		s.content = append(s.content, text...)
		s.offsets[string(text)] = at
	}
	s.ranges[[2]uint64{offset, length}] = at
	return at, true
}
