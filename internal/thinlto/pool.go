// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import "strings"

// Sizes of the chunks that strings and lists are carved from. A piece of more than an
// eighth of a chunk is allocated by itself, so that at most an eighth is ever lost.
const (
	textChunk = 64 << 10 // bytes
	listChunk = 8 << 10  // strings
)

// Owners of a path besides a job, which owns as its number + 1.
const (
	nobody   = 0
	everyone = -1
)

// A name is a string of a job file and who uses it as a path. The first user is enough:
// a second output is a fault, and a second input changes nothing.
type name struct {
	text   string
	input  int
	output int
}

// A pool keeps one copy of each string of a job file. A module's path occurs once for
// each module that imports it, so a large file is a hundred times its distinct strings.
type pool struct {
	index map[string]int // text to its place in names
	names []name
	chunk strings.Builder
}

// add returns the pool's entry for text, which the caller may overwrite afterwards. The
// entry is good until the next add.
func (p *pool) add(text []byte) *name {
	i, ok := p.index[string(text)]
	if !ok {
		i = len(p.names)
		kept := p.keep(text)
		p.index[kept] = i
		p.names = append(p.names, name{text: kept})
	}
	return &p.names[i]
}

// keep copies text into the current chunk. Strings taken from a Builder stay valid while
// it is written to within its capacity, which is all that happens to it here.
func (p *pool) keep(text []byte) string {
	if len(text) > textChunk/8 {
		return string(text)
	}
	if p.chunk.Cap()-p.chunk.Len() < len(text) {
		p.chunk.Reset()
		p.chunk.Grow(textChunk)
	}
	start := p.chunk.Len()
	p.chunk.Write(text)
	return p.chunk.String()[start:]
}

// lists carves string slices out of larger ones.
type lists struct{ free []string }

// copy returns a slice of its own with the contents of from; nil for an empty one.
func (l *lists) copy(from []string) []string {
	n := len(from)
	switch {
	case n == 0:
		return nil
	case n > listChunk/8:
		return append(make([]string, 0, n), from...)
	case n > len(l.free):
		l.free = make([]string, listChunk)
	}
	out := l.free[:n:n]
	l.free = l.free[n:]
	copy(out, from)
	return out
}
