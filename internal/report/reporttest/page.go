// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reporttest

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// Field is a field of an object in JSON, as a Go type has it or as a page documents it.
type Field struct {
	Name   string
	Kind   string // as on pages
	Always bool
	What   string       // on the page
	Type   reflect.Type // in Go
}

// Fields are those of a struct in JSON, in its order.
func Fields(t reflect.Type) []Field {
	var fields []Field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		fields = append(fields, Field{Name: name, Kind: kindOf(f.Type), Always: options != "omitzero", Type: f.Type})
	}
	return fields
}

// kindOf is what pages call a type. What has a fraction is a time in seconds.
func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration](), t.Name() == "Seconds", t.Kind() == reflect.Float64:
		return "seconds"
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Int:
		return "counts"
	case t.Kind() == reflect.Pointer && t.Elem().Kind() != reflect.Struct:
		return kindOf(t.Elem())
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return "list"
		}
		return kindOf(t.Elem()) + "s"
	case reflect.Struct, reflect.Pointer:
		return "object"
	default:
		return t.Kind().String()
	}
}

// Section is what a page says of an object.
type Section struct {
	Name   string // its heading
	Text   string // the first line under that
	Fields []Field
}

var pageRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|([^|]*)\\|([^|]*)\\| (.*) \\|$")

// Sections are a page's sections of the third level that have a table of fields.
func Sections(page string) []Section {
	var sections []Section
	for _, part := range strings.Split(page, "\n### ")[1:] {
		heading, body, _ := strings.Cut(part, "\n")
		s := Section{Name: heading}
		s.Text, _, _ = strings.Cut(strings.TrimSpace(body), "\n")
		for _, m := range pageRow.FindAllStringSubmatch(body, -1) {
			s.Fields = append(s.Fields, Field{Name: m[1], Kind: strings.TrimSpace(m[2]), Always: strings.TrimSpace(m[3]) == "yes", What: m[4]})
		}
		if s.Fields != nil {
			sections = append(sections, s)
		}
	}
	return sections
}

// Check says in what the section differs from a struct: it is to have every field, with
// its kind, in the struct's order, and nothing else.
func (s *Section) Check(t reflect.Type) error {
	want := Fields(t)
	for i := range max(len(want), len(s.Fields)) {
		switch {
		case i >= len(s.Fields):
			return fmt.Errorf("%s: %s is not on the page", s.Name, want[i].Name)
		case i >= len(want):
			return fmt.Errorf("%s: the page has %s, the type has not", s.Name, s.Fields[i].Name)
		}
		got, kind := s.Fields[i], s.Fields[i].Kind
		if kind == "bytes" {
			kind = "integer"
		}
		if got.Name != want[i].Name || kind != want[i].Kind || got.Always != want[i].Always {
			return fmt.Errorf("%s: the page has %+v, the type %+v", s.Name, got, want[i])
		}
	}
	return nil
}
