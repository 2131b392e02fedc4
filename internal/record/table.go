// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// stringTable numbers strings from 1 in the order of their first use; 0 is "".
type stringTable struct {
	numbers map[string]uint64
	lengths []byte
	bytes   []byte
}

func (t *stringTable) number(s string) uint64 {
	if s == "" {
		return 0
	}
	n, ok := t.numbers[s]
	if !ok {
		n = uint64(len(t.numbers) + 1)
		t.numbers[s] = n
		t.lengths = binary.AppendUvarint(t.lengths, uint64(len(s)))
		t.bytes = append(t.bytes, s...)
	}
	return n
}

// size is the most bytes that append adds.
func (t *stringTable) size() int { return binary.MaxVarintLen64 + len(t.lengths) + len(t.bytes) }

func (t *stringTable) append(b []byte) []byte {
	b = appendNumbers(b, len(t.numbers))
	return append(append(b, t.lengths...), t.bytes...)
}

// inputTable numbers inputs from 0 in the order of their first use.
type inputTable struct {
	paths   *stringTable
	numbers map[Input]uint64
	shared  map[*Input]uint64 // the same numbers; spares hashing what was seen
	bytes   []byte
	err     error // the first input that cannot be written
}

func (t *inputTable) number(in Input) uint64 {
	n, ok := t.numbers[in]
	if !ok {
		if in.Digest.Size < 0 && t.err == nil {
			t.err = fmt.Errorf("%s: %w", in.Path, errNegative)
		}
		n = uint64(len(t.numbers))
		t.numbers[in] = n
		t.bytes = appendDigest(binary.AppendUvarint(t.bytes, t.paths.number(in.Path)), in.Digest)
	}
	return n
}

// numberOf is the number of an input that others may point to as well.
func (t *inputTable) numberOf(in *Input) uint64 {
	if in == nil {
		t.err = errNoInput
		return 0
	}
	n, ok := t.shared[in]
	if !ok {
		n = t.number(*in)
		t.shared[in] = n
	}
	return n
}

var (
	errNegative = errors.New("the size of its digest is negative")
	errNoInput  = errors.New("an action has a nil input")
)

func (t *inputTable) size() int { return binary.MaxVarintLen64 + len(t.bytes) }

func (t *inputTable) append(b []byte) []byte {
	return append(appendNumbers(b, len(t.numbers)), t.bytes...)
}

// listTable numbers lists from 1 in the order of their first use; 0 is the
// empty one. There are few different lists and many uses of each, which a hash
// of the elements and a comparison recognise.
type listTable[T comparable] struct {
	numbers map[uint64][]uint64 // of the lists with a hash
	lists   [][]T
	bytes   []byte
}

// number takes the hashes and the numbers of elements from its callers.
func (t *listTable[T]) number(list []T, hash, element func(T) uint64) uint64 {
	if len(list) == 0 {
		return 0
	}
	var h uint64
	for _, v := range list {
		h = h*0x9E3779B97F4A7C15 + hash(v)
	}
	for _, n := range t.numbers[h] {
		if slices.Equal(t.lists[n-1], list) {
			return n
		}
	}
	t.lists = append(t.lists, slices.Clone(list))
	n := uint64(len(t.lists))
	t.numbers[h] = append(t.numbers[h], n)
	t.bytes = appendNumbers(t.bytes, len(list))
	for _, v := range list {
		t.bytes = binary.AppendUvarint(t.bytes, element(v))
	}
	return n
}

func (t *listTable[T]) size() int { return binary.MaxVarintLen64 + len(t.bytes) }

func (t *listTable[T]) append(b []byte) []byte {
	return append(appendNumbers(b, len(t.lists)), t.bytes...)
}

func itself(n uint64) uint64 { return n }
