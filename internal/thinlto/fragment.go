// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Backend is a backend compile as a build system has to know it: what is made of what.
type Backend struct {
	Object  string
	Module  string // "" if it is not known
	Index   string // "" if there is none yet
	Imports []string
	Unused  bool // the link has no use for the module
}

// A Fragment is a form in which backends are written for a build system.
type Fragment string

// The forms.
const (
	Make        Fragment = "make"         // a rule without a recipe for each object
	NinjaDyndep Fragment = "ninja-dyndep" // what ninja 1.10 and newer loads while it builds
	JSON        Fragment = "json"
)

// Fragments are all forms.
var Fragments = []Fragment{Make, NinjaDyndep, JSON}

// Write writes backends, sorted by object, each with its imports sorted, so that what says
// the same is the same text. A name that the form cannot have is an error that has both, and
// so are two backends that differ and make one object. After an error w has nothing.
func (f Fragment) Write(w io.Writer, backends []Backend) error {
	sorted, err := sortBackends(backends)
	if err != nil {
		return err
	}
	p := &printer{w: w, indent: true}
	for _, b := range sorted {
		for _, name := range slices.Concat([]string{b.Object, b.Module, b.Index}, b.Imports) {
			if why := f.refuses(name); why != "" {
				return fmt.Errorf("%s: %s cannot have this name: it %s", shown(name), f, why)
			}
		}
	}
	switch f {
	case Make:
		writeMake(p, sorted)
	case NinjaDyndep:
		writeNinjaDyndep(p, sorted)
	default:
		writeJSON(p, sorted)
	}
	p.flush()
	return p.err
}

// sortBackends sorts copies of backends, with one of those that are the same.
func sortBackends(backends []Backend) ([]Backend, error) {
	sorted := slices.Clone(backends)
	for i := range sorted {
		imports := slices.Sorted(slices.Values(sorted[i].Imports))
		sorted[i].Imports = slices.Compact(imports)
	}
	slices.SortStableFunc(sorted, func(a, b Backend) int { return strings.Compare(a.Object, b.Object) })
	sorted = slices.CompactFunc(sorted, Backend.equal)
	for i := range sorted[min(1, len(sorted)):] {
		if sorted[i].Object == sorted[i+1].Object {
			return nil, fmt.Errorf("%s: two backends make it: of %s and of %s", shown(sorted[i].Object), sorted[i].subject(), sorted[i+1].subject())
		}
	}
	return sorted, nil
}

func (b Backend) equal(c Backend) bool {
	return b.Object == c.Object && b.Module == c.Module && b.Index == c.Index && b.Unused == c.Unused && slices.Equal(b.Imports, c.Imports)
}

// subject is what to call the backend by if not by its object.
func (b Backend) subject() string {
	switch {
	case b.Module != "":
		return shown(b.Module)
	case b.Index != "":
		return shown(b.Index)
	}
	return "an unknown module"
}

// refuses says why the form cannot have a name, "" if it can or the name is empty. Of what
// make and ninja refuse there is no other spelling, as tried with GNU make 4.3 and ninja 1.11.
func (f Fragment) refuses(name string) string {
	switch {
	case name == "":
		return ""
	case strings.IndexByte(name, 0) >= 0:
		return "has a NUL byte"
	case f == JSON && !utf8.ValidString(name):
		return "is not UTF-8"
	case f == NinjaDyndep && strings.ContainsAny(name, "\r\n"):
		return "has a line end"
	case f == NinjaDyndep && strings.IndexByte(name, '|') >= 0:
		return "has a '|'"
	case f == NinjaDyndep && strings.IndexByte(name, '\t') >= 0:
		return "has a tab, which would break ninja's log"
	case f == Make:
		return makeRefuses(name)
	}
	return ""
}

// makeRefuses is refuses for make. Escaped, a pattern that matches no file keeps its
// backslashes, and unescaped it becomes what it matches.
func makeRefuses(name string) string {
	if i := strings.IndexAny(name, "*?["); i >= 0 {
		return fmt.Sprintf("has a '%c', and make looks for files that match", name[i])
	}
	for i := range len(name) {
		if name[i] < ' ' {
			return fmt.Sprintf("has a %q", name[i])
		}
	}
	switch {
	case name[0] == '~':
		return "begins with a '~', and make takes that for a home folder"
	case name[len(name)-1] == ')':
		return "ends in a ')', and make takes that for a member of an archive"
	case specialTarget(name):
		return "is one of make's special targets"
	}
	return ""
}

// specialTarget reports whether a name looks like .PHONY and the like.
func specialTarget(name string) bool {
	return name[0] == '.' && len(name) > 1 && strings.Trim(name[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

func writeMake(p *printer, backends []Backend) {
	for _, b := range backends {
		p.buf = append(appendMake(p.buf, b.Object, true), ':')
		for _, name := range slices.Concat([]string{b.Module, b.Index}, b.Imports) {
			if name != "" {
				p.buf = appendMake(append(p.buf, ' '), name, false)
			}
		}
		p.buf = append(p.buf, '\n')
	}
}

// appendMake appends a name as make wants it among targets or among prerequisites. A
// backslash is itself unless it stands before what a backslash quotes, or at the end. What
// would make the line an assignment or begin a recipe comes out of a function, after make
// has decided what the line is.
func appendMake(b []byte, name string, target bool) []byte {
	for i := range len(name) {
		last := i == len(name)-1
		switch c := name[i]; {
		case c == '$':
			b = append(b, "$$"...)
		case c == '=', c == '&' && target:
			b = append(b, "$(or "...)
			b = append(b, c, ')')
		case c == ';':
			b = append(doubleBackslashes(b, name[:i]), `\$(or ;)`...)
		case c == ' ', c == '#', c == ':', c == '%' && target, c == '|' && !target:
			b = append(doubleBackslashes(b, name[:i]), '\\', c)
		case c == '\\' && last:
			b = append(doubleBackslashes(b, name[:i]), `\\`...)
		default:
			b = append(b, c)
		}
	}
	return b
}

// doubleBackslashes appends as many backslashes as stand at the end of what was appended.
func doubleBackslashes(b []byte, before string) []byte {
	for range len(before) - len(strings.TrimRight(before, `\`)) {
		b = append(b, '\\')
	}
	return b
}

// writeNinjaDyndep leaves out module and index, which the build file gives. Every edge that
// names the dyndep file has to be in it.
func writeNinjaDyndep(p *printer, backends []Backend) {
	p.buf = append(p.buf, "ninja_dyndep_version = 1\n"...)
	for _, b := range backends {
		p.buf = appendNinja(append(p.buf, "build "...), b.Object)
		p.buf = append(p.buf, ": dyndep"...)
		for i, name := range b.Imports {
			p.buf = appendNinja(append(p.buf, []string{" | ", " "}[min(i, 1)]...), name)
		}
		p.buf = append(p.buf, '\n')
	}
}

func appendNinja(b []byte, name string) []byte {
	for i := range len(name) {
		if c := name[i]; c == ' ' || c == ':' || c == '$' {
			b = append(b, '$')
		}
		b = append(b, name[i])
	}
	return b
}

func writeJSON(p *printer, backends []Backend) {
	p.open('{')
	p.key("version")
	p.buf = append(p.buf, '1')
	p.key("backends")
	p.open('[')
	for _, b := range backends {
		p.element()
		p.open('{')
		p.pair("object", b.Object)
		p.pair("module", b.Module)
		p.pair("index", b.Index)
		p.list("imports", b.Imports)
		p.key("unused")
		p.buf = fmt.Append(p.buf, b.Unused)
		p.shut('}')
	}
	p.shut(']')
	p.shut('}')
	p.buf = append(p.buf, '\n')
}

func (p *printer) pair(key, value string) {
	p.key(key)
	p.text(value)
}
