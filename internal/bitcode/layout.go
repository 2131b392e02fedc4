// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

// A meaning says what an operand of a summary record stands for, and so what
// becomes of it when values, modules, stack ids and strings are renumbered.
type meaning uint8

const (
	isNumber   meaning = iota // the same in every shard, flags and GUIDs among them: copied
	isWide                    // 64 bits in one operand: a GUID or a stack id being listed
	isHalves                  // the same in two operands of 32 bits, the high one first
	isValue                   // a value id
	isOptValue                // a value id, or 0 for an unknown value
	isModule                  // a module id
	isStack                   // an index into STACK_IDS
	isContext                 // a calling context: an index into the radix array, or n and n stack indices
	isString                  // offset and length in the string table, two operands
	isCount                   // how many times a repetition repeats, copied
	isTimes                   // a repetition
	isRest                    // a repetition up to the end of the record
	isMaybe                   // a repetition that is there as often as its count says, or not at all
)

// A field is one operand of a record, or a repetition of some.
type field struct {
	is   meaning
	name string  // as LLVM's sources call it; a repetition has the name of its count
	slot int     // which of the record's counts this is or repeats by
	of   []field // what is repeated, at least one operand
}

func num(name string) field      { return field{is: isNumber, name: name} }
func wide(name string) field     { return field{is: isWide, name: name} }
func halves(name string) field   { return field{is: isHalves, name: name} }
func value(name string) field    { return field{is: isValue, name: name} }
func optValue(name string) field { return field{is: isOptValue, name: name} }
func modid() field               { return field{is: isModule, name: "modid"} }
func stack() field               { return field{is: isStack, name: "stackidindex"} }
func context() field             { return field{is: isContext, name: "context"} }
func str(name string) field      { return field{is: isString, name: name} }
func count(name string) field    { return field{is: isCount, name: name} }

func times(count string, of ...field) field { return field{is: isTimes, name: count, of: of} }
func rest(of ...field) field                { return field{is: isRest, name: "rest", of: of} }
func maybe(count string, of ...field) field { return field{is: isMaybe, name: count, of: of} }

// operands is how many operands a field has that is neither a repetition nor a
// context.
func (f field) operands() int {
	if f.is == isString || f.is == isHalves {
		return 2
	}
	return 1
}

// join returns the 64 bits of a field that is wide or in halves, and false if its
// halves are not of 32 bits.
func (f field) join(ops []uint64) (uint64, bool) {
	if f.is == isHalves {
		return ops[0]<<32 | ops[1], (ops[0]|ops[1])>>32 == 0
	}
	return ops[0], true
}

// split appends v as the operands of a field that is wide or in halves.
func (f field) split(ops []uint64, v uint64) []uint64 {
	if f.is == isHalves {
		return append(ops, v>>32, v&(1<<32-1))
	}
	return append(ops, v)
}

// A place says where a record stands among the others and what it belongs to.
type place uint8

const (
	inHead       place = iota // one at most, at the head of the block
	isDefinition              // gives a value id its GUID
	isAttached                // belongs to the next function
	isFunction                // a summary, as the two below
	isVariable
	isAlias
	isTrailer // belongs to the summary right before it
	isNames   // one at most, a set of strings
	isTypeID  // a type id, known by its name
	isLink    // one at most, at the end: says something of the link, not of the module
)

// A layout is how one record of a summary looks in one or several versions.
type layout struct {
	code        uint32
	name        string // as in LLVM's LLVMBitCodes.h, without the FS_ in front
	first, last uint64 // versions of the summary
	place       place
	fields      []field
}

// maxCounts is how many counts a record has at most.
const maxCounts = 4
