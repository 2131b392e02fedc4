// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/dtlto/dtlto/internal/report/reporttest"
)

const page = "../../docs/events.md"

// allEvents has one of each kind.
func allEvents() []Event {
	return []Event{&Start{}, &Plan{}, &PhaseStart{}, &Phase{}, &AttemptStart{}, &Attempt{}, &Job{}, &Message{}, &End{}}
}

// described are the types that the page describes, by its headings, in its order.
func described() (names []string, types map[string]reflect.Type) {
	types = map[string]reflect.Type{}
	add := func(name string, t reflect.Type) {
		names = append(names, name)
		types[name] = t
	}
	for _, e := range allEvents() {
		add(e.kind(), reflect.TypeOf(e).Elem())
		switch e.(type) {
		case *Attempt:
			add("remote", reflect.TypeFor[Remote]())
		case *End:
			add("cluster", reflect.TypeFor[ClusterUse]())
		}
	}
	return names, types
}

// field is a field in JSON.
type field struct {
	name, kind string // kind as on the page
	always     bool
	what       string // on the page
	of         reflect.Type
}

func fieldsOfType(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		fields = append(fields, field{name: name, kind: kindOf(f.Type), always: options != "omitzero", of: f.Type})
	}
	return fields
}

func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Seconds]():
		return "seconds"
	case t == reflect.TypeFor[time.Time]():
		return "time"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "list"
	case reflect.Pointer:
		return "object"
	default:
		return t.Kind().String()
	}
}

// section is what the page says under a heading.
type section struct {
	name, text string
	fields     []field
}

var pageRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|([^|]*)\\|([^|]*)\\| (.*) \\|$")

// readPage is the page's sections of the third level that have a table of fields.
func readPage(t *testing.T) []section {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var sections []section
	for _, part := range strings.Split(string(text), "\n### ")[1:] {
		heading, body, _ := strings.Cut(part, "\n")
		s := section{name: heading}
		s.text, _, _ = strings.Cut(strings.TrimSpace(body), "\n")
		for _, m := range pageRow.FindAllStringSubmatch(body, -1) {
			s.fields = append(s.fields, field{name: m[1], kind: strings.TrimSpace(m[2]), always: strings.TrimSpace(m[3]) == "yes", what: m[4]})
		}
		if s.fields != nil {
			sections = append(sections, s)
		}
	}
	return sections
}

// The page has every kind and field, with its type, in the order of the types, and
// nothing else.
func TestPageHasEveryField(t *testing.T) {
	names, types := described()
	sections := readPage(t)
	var headings []string
	for _, s := range sections {
		headings = append(headings, s.name)
	}
	if want := append([]string{"event"}, names...); !slices.Equal(headings, want) {
		t.Fatalf("sections %q\nwant %q", headings, want)
	}
	for _, s := range sections[1:] {
		want := fieldsOfType(types[s.name])
		if len(s.fields) != len(want) {
			t.Errorf("%s: %d fields, want %d", s.name, len(s.fields), len(want))
			continue
		}
		for i, got := range s.fields {
			kind := got.kind
			if kind == "bytes" {
				kind = "integer"
			}
			if got.name != want[i].name || kind != want[i].kind || got.always != want[i].always {
				t.Errorf("%s: the page has %+v, the type %+v", s.name, got, want[i])
			}
			for _, value := range constants(t)[want[i].of.Name()] {
				if !strings.Contains(got.what, "`"+value+"`") {
					t.Errorf("%s.%s: the page does not have %q", s.name, got.name, value)
				}
			}
		}
	}
}

// What every event has must not be in an event again.
func TestFieldsAreNotTakenTwice(t *testing.T) {
	for _, e := range allEvents() {
		for i, f := range fieldsOfType(reflect.TypeOf(e).Elem()) {
			if f.name == "event" || f.name == "at" || f.name == "link" {
				t.Errorf("%s has a field %s", e.kind(), f.name)
			}
			if i == 0 && !f.always && e.kind() != "message" {
				t.Errorf("%s: the first field may be missing", e.kind())
			}
		}
	}
}

// The list of events that these tests go through is complete.
func TestAllEvents(t *testing.T) {
	var want, got []string
	ast.Inspect(eventFile(t), func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name == "kind" {
			want = append(want, f.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name)
		}
		return true
	})
	for _, e := range allEvents() {
		got = append(got, reflect.TypeOf(e).Elem().Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func eventFile(t *testing.T) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// constants are the values of the types that have few, by type.
func constants(t *testing.T) map[string][]string {
	values := map[string][]string{}
	ast.Inspect(eventFile(t), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil {
			return true
		}
		name := spec.Type.(*ast.Ident).Name
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		values[name] = append(values[name], value)
		return true
	})
	if len(values) != 2 || len(values["Outcome"]) < 7 {
		t.Fatalf("constants: %v", values)
	}
	return values
}

func readSchema(t testing.TB) *reporttest.Schema {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := reporttest.ReadSchema(text)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// The page's example is a link, and JSONLines would write it as it stands.
func TestPageExample(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	if err := readSchema(t).CheckLines([]byte(example)); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(example) {
		if got := rewritten(t, line); got != line {
			t.Errorf("the page has\n%swhich would be\n%s", line, got)
		}
	}
}

// rewritten is a line as JSONLines writes what is in it.
func rewritten(t *testing.T, line string) string {
	t.Helper()
	var head struct {
		Event, Link string
		At          Seconds
	}
	if err := json.Unmarshal([]byte(line), &head, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	for _, e := range allEvents() {
		if e.kind() == head.Event {
			if err := json.Unmarshal([]byte(line), e); err != nil {
				t.Fatal(err)
			}
			return string(write(t, head.Link, moments{{head.At, e}}))
		}
	}
	t.Fatalf("no event %q", head.Event)
	return ""
}

// The schema refuses what is wrong.
func TestSchemaRefuses(t *testing.T) {
	const good = `{"event":"message","at":1.5,"link":"a","text":"b"}`
	schema := readSchema(t)
	if err := schema.Check([]byte(good)); err != nil {
		t.Error(err)
	}
	for what, change := range map[string][2]string{
		"no time":          {`"at":1.5,`, ``},
		"a time in words":  {`1.5`, `"1.5"`},
		"no text":          {`,"text":"b"`, ``},
		"another type":     {`"b"`, `["b"]`},
		"a name twice":     {`"at"`, `"link":"b","at"`},
		"text that is cut": {`"b"}`, `"b`},
		"another kind":     {`"message"`, `"end"`},
	} {
		if schema.Check([]byte(strings.Replace(good, change[0], change[1], 1))) == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	unknown := strings.Replace(good, `"message"`, `"news"`, 1)
	if err := schema.Check([]byte(unknown)); err != nil {
		t.Errorf("a kind that is added one day: %v", err)
	}
}
