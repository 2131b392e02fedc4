// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// run is what an expression is in the scope of the script's parts, without a page.
func (b *browser) run(expression string) string {
	b.t.Helper()
	parts := strings.Join([]string{elements, words, link, overview, tracks, painter}, "\n")
	return b.eval("(() => {" + parts + "\nreturn JSON.stringify(" + expression + "); })()")
}

func TestWords(t *testing.T) {
	b := openBrowser(t)
	for expression, want := range map[string]string{
		"took(0)": "0 s", "took(40)": "< 0.1 ms", "took(4230)": "4.2 ms", "took(9949)": "9.9 ms", "took(9951)": "10 ms", "took(999499)": "999 ms",
		"took(999500)": "1.00 s", "took(9994999)": "9.99 s", "took(9996000)": "10.0 s", "took(59.94e6)": "59.9 s", "took(99.96e6)": "1 min 40 s",
		"took(3599.4e6)": "59 min 59 s", "took(3599.6e6)": "1 h 00 min", "took(360000e6)": "100 h 00 min", "took(-1.5e6)": "−1.50 s", "change(1.5e6)": "+1.50 s", "change(0)": "0 s",
		"seconds(1234567, 2)": "1.23", "seconds(12345678901, 2)": "12,345.68", "signed(-1.5e6, 2)": "−1.50", "signed(-400, 2)": "0.00", "signed(5e3, 2)": "+0.01",
		"size(0)": "0 B", "size(999)": "999 B", "size(1000)": "1.0 kB", "size(9949)": "9.9 kB", "size(9951)": "10 kB", "size(999499)": "999 kB", "size(999500)": "1.0 MB", "size(2**62)": "4612 PB",
		"kilobytes(0)": "", "kilobytes(3)": "1", "kilobytes(1234567)": "1,235",
		"percent(0, 0)": "0 %", "percent(0, 7)": "0 %", "percent(1, 1000)": "< 1 %", "percent(999, 1000)": "> 99 %", "percent(7, 7)": "100 %", "percent(1, 3)": "33 %",
		"counted(1, 'module')": "1 module", "counted(2000, 'module')": "2,000 modules",
		"enumeration([])": "", "enumeration(['a'])": "a", "enumeration(['a', 'b', 'c'])": "a, b and c",
		"shortened('x'.repeat(500)).length": "151", "quantile([1, 2, 3, 4], 0.9)": "4", "middle([])": "0", "largest([], 3)": "3", "largest(Array(300000).fill(7))": "7",
		"tickStep(3000)": "5000", "tickStep(1)": "1", "tickLabel(15e5, 5e5, 9e6)": "1.5 s", "tickLabel(15e3, 5e3, 9e5)": "15 ms", "tickLabel(15, 5, 90)": "0.015 ms", "tickLabel(90e6, 30e6, 600e6)": "1.5 min",
	} {
		if got := strings.ReplaceAll(strings.Trim(b.run(expression), `"`), "\u00a0", " "); got != want {
			t.Errorf("%s is %s, want %s", expression, got, want)
		}
	}
}

// Lists are read as they were written.
func TestLists(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var written lists
	want, reversed := make([][]int, 300), make([][]int, 300)
	for i := range want {
		want[i], reversed[i] = []int{}, []int{}
	}
	for i := range want {
		for range random.IntN(5) {
			want[i] = append(want[i], random.IntN(300))
		}
		if i == 7 {
			want[i] = nil
		}
		want[i] = within(append(want[i], i), 300)
		written.add(want[i])
	}
	for i, list := range want {
		for _, n := range list {
			reversed[n] = append(reversed[n], i)
		}
	}
	b := openBrowser(t)
	text, _ := json.Marshal(written.text())
	made := fmt.Sprintf("(() => { const l = new Lists(%s, 300); return [l, l.reversed()].map((l) => [...Array(300).keys()].map((i) => [...l.of(i)])); })()", text)
	got := decode[[][][]int](t, []byte(b.run(made)))
	if diff := cmp.Diff([][][]int{want, reversed}, got); diff != "" {
		t.Error(diff)
	}
}

const noRuns = `{ module: [], cluster: [], slot: [], start: [], end: [], cpu: [], queued: [], fetching: [], executing: [], uploading: [] }`

// What overlaps is on tracks of its own, and the servers' times stay within the attempt.
func TestTracks(t *testing.T) {
	b := openBrowser(t)
	link := `{ wall: 100, phases: [{ start: 0, end: 50 }, { start: 20, end: 70 }, { start: 50, end: 60 }, { start: 70, end: 90 }], slots: 2, cluster_slots: 1,
		runs: { ...` + noRuns + `, module: [0, 1, 2, 3], cluster: [0, 0, 1, 1], slot: [1, 1, 0, 4], start: [40, 10, 0, 0], end: [60, 40, 100, 120],
			queued: [0, 0, 10, 400], fetching: [0, 0, 0, 0], executing: [0, 0, 60, 800], uploading: [0, 0, 10, 0] } }`
	for expression, want := range map[string]string{
		"tracks.list.map((track) => [track.kind, track.number, track.spans])": `[["phase",0,[0,2,3]],["phase",1,[1]],["here",1,[1,0]],["cluster",0,[2]],["cluster",4,[3]]]`,
		"tracks.end":          "120",
		"tracks.executing(2)": "[20,80]", // 20 were told of by none: 10 before, 10 after
		"tracks.executing(3)": "[40,120]",
		"tracks.executing(0)": "null",
		"[5, 10, 39, 40, 59, 61, 70].map((time) => tracks.spanAt(tracks.list[2], time, 2))": "[-1,1,1,0,0,0,-1]",
		"tracks.titles.map((title) => title.text)":                                          `["This machine: 1 slot used of 2","Cluster: 2 slots"]`,
		"load(link).map((step) => [step.at, step.here, step.cluster])":                      "[[0,0,2],[10,1,2],[40,1,2],[60,0,2],[100,0,1],[120,0,0]]",
		"busy(link, load(link))": "0.5",
		"tail(load(link))":       `{"start":100,"end":120,"few":1}`,
	} {
		got := b.run("(() => { const link = " + link + "; const tracks = new Tracks(link); return " + expression + "; })()")
		if got = strings.ReplaceAll(got, "\u00a0", " "); got != want {
			t.Errorf("%s is %s, want %s", expression, got, want)
		}
	}
}
