// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/record"
)

func pageOf(t testing.TB, d *Data) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var dataElement = regexp.MustCompile(`(?s)<script id="data" type="application/json">(.*?)</script>`)

// documentOf is the data in a page, as a browser finds it.
func documentOf(t testing.TB, page []byte) document {
	t.Helper()
	found := dataElement.FindSubmatch(page)
	if found == nil {
		t.Fatalf("no data in %.500s", page)
	}
	return decode[document](t, found[1])
}

// listsIn are the lists in the text of lists.
func listsIn(t testing.TB, text string) [][]int {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]int
	for r := bytes.NewReader(b); r.Len() > 0; {
		n, _ := binary.ReadUvarint(r)
		list, last := []int{}, 0
		for range n {
			d, err := binary.ReadVarint(r)
			if err != nil {
				t.Fatal(err)
			}
			last += int(d)
			list = append(list, last)
		}
		all = append(all, list)
	}
	return all
}

func TestDocument(t *testing.T) {
	link := Link{
		Output: "/w/prog", Wall: 3 * time.Second, Phases: []Phase{{"odd", 2 * time.Second, time.Second}},
		Modules: []Module{
			{Name: "a.o", Outcome: "compiled", Imports: []int{2, 1, 1, -1, 3}, Duration: time.Second,
				Why: []string{"b.o, from which it imports, has changed", "x.o, from which it imports, has changed"},
				Run: &Run{Cluster: true, Slot: 2, Start: time.Second, End: 2 * time.Second, Worker: "w"}},
			{Name: "b.o", Outcome: "cached", Duration: -1, Bitcode: -1},
			{Name: "c.o", Outcome: "unheard-of", Why: []string{"x.o, from which it imports, has changed"}, Changes: []string{"f", "f"}, Run: &Run{Start: 5, End: -7, Slot: -1}},
		},
	}
	doc := documentOf(t, pageOf(t, &Data{Link: link}))
	if doc.Before != nil {
		t.Error("there was no link before")
	}
	got := doc.Link
	for name, pair := range map[string][2]any{
		"phases":    {[]phaseData{{"odd", 2e6, 2e6}}, got.Phases},
		"outcomes":  {[]int{0, 4, 6}, got.Outcomes},
		"durations": {[]int64{1e6, 0, 0}, got.Durations},
		"bitcode":   {[]int64{0, 0, 0}, got.Bitcode},
		"imports":   {[][]int{{1, 2}, {}, {}}, listsIn(t, got.Imports)},
		"why":       {[][]int{{0, 1}, {}, {1}}, listsIn(t, got.Why)},
		"changed":   {[][]int{{}, {}, {0, 0}}, listsIn(t, got.Changed)},
		"about":     {[]int{1, -1}, got.Clauses.About},
		"text":      {[]string{"", "x.o, from which it imports, has changed"}, got.Clauses.Text},
		"runs of":   {[]int{0, 2}, got.Runs.Module},
		"slots":     {[]int{2, 0}, got.Runs.Slot},
		"ends":      {[]int64{2e6, 0}, got.Runs.End},
		"workers":   {[]int{0, -1}, got.Runs.Worker},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What record says of modules has a group each, and is put together again as it was.
func TestPatterns(t *testing.T) {
	known := map[string]bool{}
	for what := record.CompilerChanged; what <= record.UnrecordedChanged; what++ {
		known[record.Difference{What: what, Name: "lib/b.o", Before: "-O2", After: "-O3"}.String()] = what != record.UnrecordedChanged
	}
	for _, outcome := range []record.Outcome{record.Compiled, record.Uncached} {
		for _, job := range []record.Job{{Reason: "absent"}, {Before: &record.Action{}}, {Before: &record.Action{}, Reason: "absent"}} {
			job.Outcome, job.Action = outcome, &record.Action{}
			for _, clause := range job.Why() {
				known[clause] = true
			}
		}
	}
	var table clauseTable
	numbers := clauseNumbers{places: map[string]int{"lib/b.o": 7}, numbers: map[string]int{}, table: &table}
	for clause, has := range known {
		n := numbers.number(clause)
		p := patterns[table.Pattern[n]]
		if (p.Group != "other") != has {
			t.Errorf("%s: is in the group %s", clause, p.Group)
		}
		if p.Module != (table.About[n] == 7) {
			t.Errorf("%s: is about %d", clause, table.About[n])
		}
		if text := strings.ReplaceAll(p.Form, "%", "lib/b.o"); p.Module && text != clause {
			t.Errorf("%s has become %s", clause, text)
		}
		if !strings.Contains(reasons, `key: "`+p.Group+`"`) {
			t.Errorf("%s: the script has no group %s", clause, p.Group)
		}
	}
}

// The script has the outcomes in the order of their numbers.
func TestOutcomes(t *testing.T) {
	_, list, _ := strings.Cut(link, "const outcomes = [")
	list, _, _ = strings.Cut(list, "];")
	var got []string
	for _, found := range regexp.MustCompile(`key: "([^"]*)"`).FindAllStringSubmatch(list, -1) {
		got = append(got, found[1])
	}
	if diff := cmp.Diff(outcomes[:], got[:min(len(got), len(outcomes))]); diff != "" {
		t.Error(diff)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"lib/a.o":              "lib/a.o",
		`C:\a "b" 'c'`:         `C:\a "b" 'c'`,
		"größe/модуль.o":       "größe/модуль.o",
		"a\nb\x1b[31m\x00\x7f": `a\nb\x1b[31m\x00\x7f`,
		"a\u202eo.b\u2066":     `a\u202eo.b\u2066`,
		"a\u200b\ufeff\u2028":  `a\u200b\ufeff\u2028`,
		"a\xff\xc3(":           `a\xff\xc3(`,
		"\ufffd":               "\ufffd",
		"\U000e0001":           `\U000e0001`,
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\u202e\xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := printable(text)
		if again := printable(got); again != got {
			t.Errorf("%q has become %q, and that %q", text, got, again)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return r < ' ' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }); i >= 0 {
			t.Errorf("%q at %d", got, i)
		}
	})
}

// A page asks for nothing, and nothing in it is where its policy does not expect it.
func TestPolicy(t *testing.T) {
	page := string(pageOf(t, sampleData(sample{modules: 5, imports: 2, slots: 2, changed: 1})))
	for _, word := range []string{"http:", "https:", "src=", "@import", "url(", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "{{", "}}\n</"} {
		at := strings.Index(page, word)
		if at >= 0 && !strings.HasPrefix(page[max(0, at-1):], `"http://www.w3.org/2000/svg"`) {
			t.Errorf("%s: %.80s", word, page[max(0, at-20):])
		}
	}
	if n := strings.Count(strings.ToLower(page), "</script"); n != 2 {
		t.Errorf("%d scripts end", n)
	}
	if !slices.Equal(pageOf(t, sampleData(sample{modules: 5, imports: 2, slots: 2, changed: 1})), []byte(page)) {
		t.Error("the same data gave another page")
	}
}

type fullDisk struct{ left int }

func (f *fullDisk) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

var errFull = errors.New("full")

func TestWriteError(t *testing.T) {
	d := sampleData(sample{modules: 50, imports: 2, slots: 2, changed: 1})
	size := len(pageOf(t, d))
	for left := 0; left < size; left += size/17 + 1 {
		if err := Write(&fullDisk{left}, d); !errors.Is(err, errFull) {
			t.Errorf("%d bytes: %v", left, err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	d := sampleData(sample{modules: 20000, imports: 60, slots: 16, clusterSlots: 64, changed: 0.12})
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		size = len(pageOf(b, d))
	}
	b.ReportMetric(float64(size), "bytes/page")
}
