// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

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

type (
	field   = reporttest.Field
	section = reporttest.Section
)

// readPage is what the page says of events and what is in them.
func readPage(t *testing.T) []section {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return reporttest.Sections(string(text))
}

// The page has every kind and field, with its type, in the order of the types, and
// nothing else.
func TestPageHasEveryField(t *testing.T) {
	names, types := described()
	sections := readPage(t)
	var headings []string
	for _, s := range sections {
		headings = append(headings, s.Name)
	}
	if want := append([]string{"event"}, names...); !slices.Equal(headings, want) {
		t.Fatalf("sections %q\nwant %q", headings, want)
	}
	for _, s := range sections[1:] {
		if err := s.Check(types[s.Name]); err != nil {
			t.Error(err)
			continue
		}
		for i, f := range reporttest.Fields(types[s.Name]) {
			for _, value := range constants(t)[f.Type.Name()] {
				if !strings.Contains(s.Fields[i].What, "`"+value+"`") {
					t.Errorf("%s.%s: the page does not have %q", s.Name, f.Name, value)
				}
			}
		}
	}
}

// What every event has must not be in an event again.
func TestFieldsAreNotTakenTwice(t *testing.T) {
	for _, e := range allEvents() {
		for i, f := range reporttest.Fields(reflect.TypeOf(e).Elem()) {
			if f.Name == "event" || f.Name == "at" || f.Name == "link" {
				t.Errorf("%s has a field %s", e.kind(), f.Name)
			}
			if i == 0 && !f.Always && e.kind() != "message" {
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
