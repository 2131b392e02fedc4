// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"testing"

	"github.com/dtlto/dtlto/internal/record"
)

func TestAllFirst(t *testing.T) {
	is := func(change func(*record.Job)) bool {
		jobs := []record.Job{{Outcome: record.Compiled}, {Outcome: record.Executed}}
		for i := range jobs {
			jobs[i].Action = &record.Action{}
		}
		change(&jobs[1])
		return allFirst(jobs)
	}
	if !is(func(*record.Job) {}) {
		t.Error("a first link is none")
	}
	for what, change := range map[string]func(*record.Job){
		"cached":       func(j *record.Job) { j.Outcome = record.Cached },
		"failed":       func(j *record.Job) { j.Outcome = record.Failed },
		"not run":      func(j *record.Job) { j.Outcome = record.NotRun },
		"not kept":     func(j *record.Job) { j.Outcome = record.Uncached },
		"no action":    func(j *record.Job) { j.Action = nil },
		"known before": func(j *record.Job) { j.Before = &record.Action{} },
		"index":        func(j *record.Job) { j.IndexReason = "it is strange" },
	} {
		if is(change) {
			t.Errorf("%s: as in a first link", what)
		}
	}
	if allFirst(nil) || allFirst([]record.Job{{Outcome: record.Compiled, Action: &record.Action{}}}) {
		t.Error("one module, or none, is all modules")
	}
}

func TestSayFirst(t *testing.T) {
	const all = "no earlier compile of any is on record, as in a first link: all 2 modules were compiled\n"
	for source, want := range map[string]string{
		"a.c":    all,
		"/x/a.c": all + "  1 of them from an absolute path, such as /x/a.c, which is part of the bitcode: from another folder it is another module\n",
	} {
		var text bytes.Buffer
		sayFirst(&text, []record.Job{{Source: "b.c"}, {Source: source}})
		if text.String() != want {
			t.Errorf("%s: %s", source, &text)
		}
	}
}
