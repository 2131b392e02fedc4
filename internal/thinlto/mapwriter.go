// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// mapHead tells a person who opens a map what it is.
const mapHead = "# Which file takes the place of which input: for --remap-inputs-file= of ld.dtlto, or of ld.lld 17 and newer (docs/build-systems.md).\n"

// WriteTo writes m with dtlto's record in its newest version, whatever m.Version says. What
// was written reads as m.
//
// A name that no line of a map can carry is an error that has the name, and so is a second
// file in the place of one input. What was written up to there is no map.
func (m *Map) WriteTo(w io.Writer) (int64, error) {
	p := &mapWriter{out: printer{w: w}, to: map[string]string{}}
	p.head(m.LLVM)
	p.options(m.Options)
	for _, e := range m.Entries {
		p.entry(e)
	}
	for i := range m.Jobs {
		p.job(&m.Jobs[i])
	}
	for _, l := range m.Load {
		p.load(l)
	}
	for _, add := range m.Add {
		p.name(`{"add":`, add)
		p.end("}")
	}
	p.line = fmt.Appendf(p.line, recordPrefix+`{"end":%d`, m.size())
	p.end("}")
	p.out.flush()
	return p.out.n, p.out.err
}

// A mapWriter writes one map. After an error it drops what it is given.
type mapWriter struct {
	out  printer
	line []byte
	to   map[string]string // the entries' patterns to what takes their place
}

func (p *mapWriter) head(llvm int) {
	p.line = append(p.line, mapHead...)
	p.line = fmt.Appendf(p.line, recordPrefix+`{"version":%d`, mapVersion)
	if llvm != 0 {
		p.line = fmt.Appendf(p.line, `,"llvm":%d`, llvm)
	}
	p.end("}")
}

func (p *mapWriter) options(options []string) {
	for i, option := range options {
		p.name([]string{`{"options":[`, `,`}[min(i, 1)], option)
	}
	if len(options) > 0 {
		p.end("]}")
	}
}

func (p *mapWriter) entry(e MapEntry) {
	if err := e.check(); err != nil {
		p.fail(err)
		return
	}
	from := e.Pattern()
	if to, ok := p.to[from]; ok && to != e.To {
		p.fail(fmt.Errorf("%s: two files in its place: %s and %s", shown(e.From), shown(to), shown(e.To)))
	}
	p.to[from] = e.To
	p.line = append(p.line, from...)
	p.line = append(p.line, '=')
	p.end(e.To)
}

func (p *mapWriter) job(j *MapJob) {
	p.name(`{"job":{"module":`, j.Module)
	p.name(`,"index":`, j.Index)
	p.name(`,"object":`, j.Object)
	if j.Digest != "" {
		p.name(`,"digest":`, j.Digest)
	}
	for i, name := range j.Imports {
		p.name([]string{`,"imports":[`, `,`}[min(i, 1)], name)
	}
	if len(j.Imports) > 0 {
		p.line = append(p.line, ']')
	}
	if j.Unused {
		p.line = append(p.line, `,"unused":true`...)
	}
	p.end("}}")
}

func (p *mapWriter) load(l MapLoad) {
	p.name(`{"load":{"file":`, l.File)
	if l.Member != "" {
		p.name(`,"member":`, l.Member)
	}
	if l.Offset != 0 {
		p.line = fmt.Appendf(p.line, `,"offset":%d`, l.Offset)
	}
	if l.Unnamed {
		p.line = append(p.line, `,"unnamed":true`...)
	}
	p.end("}}")
}

// name appends a name to the line, and what stands before it. A record's line begins with it.
func (p *mapWriter) name(before, name string) {
	switch {
	case name == "":
		p.fail(fmt.Errorf("map record %s: %w", before, errEmptyName))
	case !utf8.ValidString(name):
		p.fail(fmt.Errorf("%s: a map cannot have this name: it is not UTF-8", shown(name)))
	case strings.IndexByte(name, 0) >= 0:
		p.fail(fmt.Errorf("%s: a map cannot have this name: it has a NUL byte", shown(name)))
	}
	if len(p.line) == 0 {
		p.line = append(p.line, recordPrefix...)
	}
	p.line = appendQuoted(append(p.line, before...), name)
}

// end appends the last of the line and writes it.
func (p *mapWriter) end(last string) {
	p.line = append(append(p.line, last...), '\n')
	if len(p.line) >= maxMapLine {
		p.fail(fmt.Errorf("%s…: a map cannot have a line of %d bytes", cut(string(p.line[:maxShown])), len(p.line)))
	}
	p.out.buf = append(p.out.buf, p.line...)
	p.out.flushFull()
	p.line = p.line[:0]
}

func (p *mapWriter) fail(err error) {
	if p.out.err == nil {
		p.out.err = err
	}
}
