// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/dtlto/dtlto/internal/report/reporttest"
)

const schemaFile = "../../docs/events.schema.json"

var update = flag.Bool("update", false, "write docs/events.schema.json")

// object is JSON in an order.
type object []member

type member struct {
	name  string
	value any
}

func (o object) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, m := range o {
		if err := json.MarshalEncode(enc, m.name); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, m.value); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// makeSchema makes the JSON Schema of the types, and of the page's words.
func makeSchema(t *testing.T) []byte {
	sections := readPage(t)
	_, types := described()
	var kinds []object
	for _, e := range allEvents() {
		kinds = append(kinds, object{
			{"if", object{{"properties", object{{"event", object{{"const", e.kind()}}}}}}},
			{"then", object{{"$ref", "#/$defs/" + e.kind()}}},
		})
	}
	var defs object
	for _, s := range sections[1:] {
		defs = append(defs, member{s.Name, objectSchema(t, s, types[s.Name])})
	}
	schema := append(object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", fmt.Sprintf("Events of links in dtlto, version %d", SchemaVersion)},
	}, objectSchema(t, sections[0], nil)...)
	schema = append(schema, member{"allOf", kinds}, member{"$defs", defs})
	text, err := json.Marshal(schema, jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func objectSchema(t *testing.T, s section, of reflect.Type) object {
	required := []string{}
	var properties object
	for i, f := range s.Fields {
		if f.Always {
			required = append(required, f.Name)
		}
		if of != nil {
			f.Type = reporttest.Fields(of)[i].Type
		}
		properties = append(properties, member{f.Name, fieldSchema(t, f)})
	}
	return object{{"description", unmarked(s.Text)}, {"type", "object"}, {"properties", properties}, {"required", required}}
}

func fieldSchema(t *testing.T, f field) object {
	schema := object{{"description", unmarked(f.What)}}
	switch f.Kind {
	case "seconds":
		schema = append(schema, member{"type", "number"})
	case "bytes":
		schema = append(schema, member{"type", "integer"})
	case "time":
		schema = append(schema, member{"type", "string"}, member{"format", "date-time"})
	case "list":
		schema = append(schema, member{"type", "array"}, member{"items", object{{"$ref", ref(f.Type)}}})
	case "object":
		schema = append(schema, member{"$ref", ref(f.Type)})
	default:
		schema = append(schema, member{"type", f.Kind})
	}
	if f.Type != nil && constants(t)[f.Type.Name()] != nil {
		schema = append(schema, member{"enum", constants(t)[f.Type.Name()]})
	}
	if f.Name == "schema" {
		schema = append(schema, member{"const", SchemaVersion})
	}
	return schema
}

// ref is where a type is described that a field points to or has a list of.
func ref(t reflect.Type) string {
	_, types := described()
	for name, candidate := range types {
		if candidate == t.Elem() {
			return "#/$defs/" + name
		}
	}
	return "nowhere"
}

// unmarked is a text without Markdown's signs.
func unmarked(s string) string {
	s = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(s, "$1")
	return strings.ReplaceAll(s, "`", "")
}

// The schema beside the page is that of the types and of the page's words
// (go test ./internal/report -run SchemaFile -update writes it).
func TestSchemaFile(t *testing.T) {
	want := makeSchema(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(schemaFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types and the page say (-update writes it): %v", schemaFile, err)
	}
}
