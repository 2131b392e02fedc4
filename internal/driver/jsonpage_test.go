// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/report/page"
	"github.com/dtlto/dtlto/internal/report/reporttest"
)

// jsonPage is docs/json.md.
func jsonPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A describedObject is an object that the page is to describe.
type describedObject struct {
	name string
	of   reflect.Type
}

// describedObjects are all that the commands print, each with what is in it behind it.
func describedObjects() []describedObject {
	var all []describedObject
	add := func(name string, of reflect.Type) {
		all = append(all, describedObject{name, of})
		all = appendParts(all, "", of)
	}
	add("report", reflect.TypeFor[page.Data]())
	add("inspect", reflect.TypeFor[inspection]())
	add("doctor", reflect.TypeFor[diagnosis]())
	return all
}

// appendParts adds the objects in one that are not there yet: those in job_file are
// called job_file.list and so on.
func appendParts(all []describedObject, prefix string, of reflect.Type) []describedObject {
	for _, f := range reporttest.Fields(of) {
		part := partOf(f)
		known := slices.ContainsFunc(all, func(o describedObject) bool { return o.of == part })
		if part != nil && !known {
			all = append(all, describedObject{prefix + f.Name, part})
			all = appendParts(all, prefix+f.Name+".", part)
		}
	}
	return all
}

// partOf is the type of a field's objects, nil if it has none.
func partOf(f reporttest.Field) reflect.Type {
	switch {
	case f.Kind != "object" && f.Kind != "list":
		return nil
	case f.Type.Kind() == reflect.Struct:
		return f.Type
	}
	return f.Type.Elem()
}

// The page has every object and field, with its type, in the order of the types, and
// nothing else; and its links lead from a field to the object that the field has.
func TestJSONPage(t *testing.T) {
	objects := describedObjects()
	headings := map[reflect.Type]string{}
	var want, got []string
	for _, o := range objects {
		want, headings[o.of] = append(want, o.name), o.name
	}
	sections := reporttest.Sections(jsonPage(t))
	for _, s := range sections {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("sections %q\nwant %q", got, want)
	}
	for i := range sections {
		if err := sections[i].Check(objects[i].of); err != nil {
			t.Error(err)
			continue
		}
		checkLinks(t, &sections[i], objects[i].of, headings)
	}
}

func checkLinks(t *testing.T, s *reporttest.Section, of reflect.Type, headings map[reflect.Type]string) {
	t.Helper()
	for i, f := range reporttest.Fields(of) {
		part := partOf(f)
		if part == nil {
			continue
		}
		if link := "(#" + anchor(headings[part]) + ")"; !strings.Contains(s.Fields[i].What, link) {
			t.Errorf("%s.%s: the page has no link to %s", s.Name, f.Name, link)
		}
	}
}

// anchor is what leads to a heading.
func anchor(heading string) string {
	return strings.NewReplacer(".", "", " ", "-").Replace(heading)
}

// The page's links within it lead somewhere.
func TestJSONPageLinks(t *testing.T) {
	text := jsonPage(t)
	var anchors []string
	for _, m := range regexp.MustCompile(`(?m)^##+ (.+)$`).FindAllStringSubmatch(text, -1) {
		anchors = append(anchors, anchor(m[1]))
	}
	slices.Sort(anchors)
	if all := len(anchors); len(slices.Compact(anchors)) != all {
		t.Errorf("two headings are the same: %q", anchors)
	}
	for _, m := range regexp.MustCompile(`\(#([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(anchors, m[1]) {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
}

// Where a field has one of a few values, the page has all of them.
func TestJSONPageValues(t *testing.T) {
	ways := []string{"native", "staged"}
	lto := slices.Collect(maps.Values(ltoNames))
	native := slices.Collect(maps.Values(otherKinds))
	var ends []string
	for outcome := range record.Outcomes {
		ends = append(ends, string(outcomes[outcome]))
	}
	for field, values := range map[string][]string{
		"link.mode": ways, "link_record.mode": ways, "toolchains.way": append(ways, "none"),
		"link.phases.name":     slices.DeleteFunc(inSources(t, `\.phase\("([^"]+)"\)|Phase\{Name: "([^"]+)"`), notOnRecord),
		"link.modules.outcome": ends, "link_record.outcomes": ends,
		"inspect.kind":        slices.Concat(native, inSources(t, `\.(?:is|fail)\("([^"]+)"`)),
		"archive.list.kind":   slices.Concat(native, inSources(t, `(?:facts\.Kind =|Kind:) "([^"]+)"`)),
		"bitcode.modules.lto": lto, "archive.list.lto": lto,
		"cache_entry.kind": inSources(t, `&entryFacts\{"([^"]+)"`),
		"index.canonical":  inSources(t, `x\.Canonical(?:, x\.WhyNot)? = "([^"]+)"`),
		"checks.status":    slices.Collect(maps.Keys(labels)),
	} {
		checkValues(t, field, values)
	}
}

// notOnRecord says whether a part of a link is of one that leaves no record: what other
// distributors compile is not known.
func notOnRecord(phase string) bool { return phase == "distributor" }

var (
	inCode    = regexp.MustCompile("`([^`]+)`")
	pageLinks = regexp.MustCompile(`\[[^]]*\]\([^)]*\)`)
)

// checkValues wants the page to have these values of a field, and no other.
func checkValues(t *testing.T, field string, values []string) {
	t.Helper()
	var got []string
	for _, m := range inCode.FindAllStringSubmatch(pageLinks.ReplaceAllString(onPage(t, field), ""), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	slices.Sort(values)
	if values = slices.Compact(values); len(values) < 2 || !slices.Equal(got, values) {
		t.Errorf("%s: the page has %q, want %q", field, got, values)
	}
}

// onPage is what the page says of a field.
func onPage(t *testing.T, field string) string {
	t.Helper()
	for _, s := range reporttest.Sections(jsonPage(t)) {
		for _, f := range s.Fields {
			if s.Name+"."+f.Name == field {
				return f.What
			}
		}
	}
	t.Fatalf("%s: not on the page", field)
	return ""
}

// inSources is what a pattern's groups match in the package.
func inSources(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			found = append(found, strings.Join(m[1:], ""))
		}
	}
	return found
}

// The page's examples are what the commands print, but for spaces and lines.
func TestJSONPageExamples(t *testing.T) {
	blocks := strings.Split(jsonPage(t), "```json\n")[1:]
	values := []any{new(page.Link), new(inspection), new(diagnosis)}
	if len(blocks) != len(values) || reflect.TypeOf(explanation).Out(0) != reflect.TypeFor[page.Link]() {
		t.Fatalf("%d examples", len(blocks))
	}
	fromSeconds := json.UnmarshalFromFunc(func(d *jsontext.Decoder, v *time.Duration) error {
		var seconds float64
		err := json.UnmarshalDecode(d, &seconds)
		*v = time.Duration(seconds*1e9 + .5)
		return err
	})
	for i, block := range blocks {
		example, _, _ := strings.Cut(block, "```")
		if err := json.Unmarshal([]byte(example), values[i], json.RejectUnknownMembers(true), json.WithUnmarshalers(fromSeconds)); err != nil {
			t.Errorf("%v\n%s", err, example)
			continue
		}
		var printed strings.Builder
		if err := writeJSON(&printed, values[i]); err != nil {
			t.Fatal(err)
		}
		if got, want := compact(t, example), compact(t, printed.String()); got != want {
			t.Errorf("the page has\n%s\nwhich would be\n%s", got, want)
		}
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	v := jsontext.Value(text)
	if err := v.Compact(); err != nil {
		t.Fatal(err)
	}
	return string(v)
}
