// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// flushAt is how many bytes a printer gathers before it writes them.
const flushAt = 64 << 10

// WriteTo writes f as LLD writes a job file: one line without spaces or a line end, and
// the same escapes, so that what was read from LLD comes out byte for byte. A string that
// Read would not take (not UTF-8, or with a NUL byte) is an error; f is not checked further.
func (f *JobFile) WriteTo(w io.Writer) (int64, error) {
	p := &printer{w: w}
	p.file(f)
	p.flush()
	return p.n, p.err
}

// WriteIndented writes f for people: the same JSON, a value to a line, two spaces to a
// level, with a line end.
func (f *JobFile) WriteIndented(w io.Writer) error {
	p := &printer{w: w, indent: true}
	p.file(f)
	p.buf = append(p.buf, '\n')
	p.flush()
	return p.err
}

// A printer writes one JSON document. After an error it drops what it is given.
type printer struct {
	w      io.Writer
	buf    []byte
	n      int64 // bytes written to w
	err    error // the first
	indent bool
	depth  int
	filled bool // the innermost bracket has an element already
}

func (p *printer) file(f *JobFile) {
	p.open('{')
	p.common(f)
	p.key("jobs")
	p.open('[')
	for i := range f.Jobs {
		p.element()
		p.job(&f.Jobs[i])
	}
	p.shut(']')
	p.shut('}')
}

func (p *printer) common(f *JobFile) {
	p.key("common")
	p.open('{')
	p.key("linker_output")
	p.text(f.Output)
	p.list("args", f.Args)
	p.list("inputs", f.Inputs)
	p.shut('}')
}

func (p *printer) job(j *Job) {
	p.open('{')
	p.list("args", j.Args)
	p.list("inputs", j.Inputs)
	p.list("outputs", j.Outputs)
	p.shut('}')
	p.flushFull()
}

func (p *printer) list(key string, texts []string) {
	p.key(key)
	p.open('[')
	for _, s := range texts {
		p.element()
		p.text(s)
	}
	p.shut(']')
}

func (p *printer) key(key string) {
	p.element()
	p.text(key)
	p.buf = append(p.buf, ':')
	if p.indent {
		p.buf = append(p.buf, ' ')
	}
}

func (p *printer) open(bracket byte) {
	p.buf = append(p.buf, bracket)
	p.depth++
	p.filled = false
}

func (p *printer) shut(bracket byte) {
	p.depth--
	if p.filled {
		p.line()
	}
	p.buf = append(p.buf, bracket)
	p.filled = true
}

// element begins an element of the innermost bracket.
func (p *printer) element() {
	if p.filled {
		p.buf = append(p.buf, ',')
	}
	p.filled = true
	p.line()
}

func (p *printer) line() {
	if !p.indent {
		return
	}
	p.buf = append(p.buf, '\n')
	for range p.depth {
		p.buf = append(p.buf, "  "...)
	}
}

func (p *printer) text(s string) {
	if p.err == nil && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
		p.err = fmt.Errorf("%q cannot be in a job file", cut(s))
	}
	p.buf = appendQuoted(p.buf, s)
	p.flushFull()
}

func (p *printer) flushFull() {
	if len(p.buf) >= flushAt {
		p.flush()
	}
}

func (p *printer) flush() {
	if p.err == nil {
		var n int
		n, p.err = p.w.Write(p.buf)
		p.n += int64(n)
	}
	p.buf = p.buf[:0]
}

// appendQuoted appends s as a JSON string with the escapes of LLVM's JSON writer: short
// ones for quote, backslash, tab, line feed and carriage return, \u00xx for other control
// characters, and nothing else.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ':
			b = append(b, c)
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		default:
			b = fmt.Appendf(b, "\\u%04x", c)
		}
	}
	return append(b, '"')
}
