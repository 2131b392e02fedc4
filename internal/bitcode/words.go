// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"fmt"
	"strconv"
	"strings"
)

// What follows is what BitcodeWriter.cpp puts into the flag words of a summary:
// getEncodedGVSummaryFlags, getEncodedGVarFlags, getEncodedFFlags and
// getEncodedHotnessCallEdgeInfo; and ModuleSummaryIndex::getFlags.

// A flagField is some bits of a summary's flags.
type flagField struct {
	aspect     Aspect
	bit, width uint
	words      []string // by value
}

var summaryFields = []flagField{
	{Linkage, 0, 4, []string{
		"external", "available externally", "link-once any", "link-once ODR", "weak any", "weak ODR",
		"appending", "internal", "private", "external weak", "common",
	}},
	{Eligibility, 4, 1, []string{"yes", "no"}},
	{Liveness, 5, 1, []string{"dead", "live"}},
	{Locality, 6, 1, []string{"no", "yes"}},
	{AutoHide, 7, 1, []string{"no", "yes"}},
	{Visibility, 8, 2, []string{"default", "hidden", "protected"}},
	{ImportKind, 10, 1, []string{"definition", "declaration"}},
	{OtherFlags, 11, 53, nil},
}

// value returns the field's bits.
func (f flagField) value(flags uint64) uint64 { return flags >> f.bit & (1<<f.width - 1) }

func (f flagField) word(flags uint64) string { return word(f.words, f.value(flags)) }

// word is the word for a value, or a number if there is none.
func word(words []string, value uint64) string {
	if value < uint64(len(words)) {
		return words[value]
	}
	return fmt.Sprintf("%#x", value)
}

func decimal(value uint64) string { return strconv.FormatUint(value, 10) }

// flagBits are the words for single bits, from the lowest on.
type flagBits []string

var (
	functionBits = flagBits{
		"reads no memory", "only reads memory", "does not recurse", "return does not alias", "never inlined", "always inlined",
		"does not unwind", "may throw", "has unknown calls", "unreachable",
	}
	variableBits = flagBits{"perhaps read-only", "perhaps write-only", "constant"}
	linkFlags    = flagBits{
		"dead symbols found", "module not used", "synthetic entry counts", "split units", "partially split units",
		"attributes propagated", "dso_local propagated", "whole-program visibility", "hot and cold new", "unified LTO",
	}
)

// words lists the bits that are set.
func (b flagBits) words(flags uint64) string {
	var set []string
	for i, word := range b {
		if flags>>i&1 != 0 {
			set = append(set, word)
		}
	}
	if rest := flags >> len(b) << len(b); rest != 0 {
		set = append(set, fmt.Sprintf("%#x", rest))
	}
	if len(set) == 0 {
		return "none"
	}
	return strings.Join(set, ", ")
}

// The classes of a reference; they are not in flags but in how the references stand.
const (
	plainRef = iota
	readOnlyRef
	writeOnlyRef
)

func refWord(class uint64) string { return word([]string{"plain", "read-only", "write-only"}, class) }

// callWord is for what a call's flags say of it: three bits how hot, one that it
// is a tail call.
func callWord(flags uint64) string {
	hot := word([]string{"of unknown hotness", "cold", "neither hot nor cold", "hot", "critical"}, flags&7)
	if flags>>3&1 != 0 {
		hot += " and a tail call"
	}
	if rest := flags >> 4; rest != 0 {
		hot += fmt.Sprintf(" with %#x", rest)
	}
	return hot
}
