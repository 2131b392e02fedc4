// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		name, before, now string
		want              []int
	}{
		{"the same", "a b c", "a b c", []int{0, 1, 2}},
		{"in another order", "a b c", "c b a", []int{2, 1, 0}},
		{"new and gone", "a b c", "d b e", []int{-1, 1, -1}},
		{"twice, then three times", "a b a", "a a a b", []int{0, 2, -1, 1}},
		{"offsets moved", "l(m@86) l(n@700) l(m@900)", "l(m@86) l(n@720) l(m@950)", []int{0, 1, 2}},
		{"offset of another member", "l(m@86) l(n@700)", "l(n@86) l(m@700)", []int{1, 0}},
		{"one of two gone", "l(m@86) l(m@700)", "l(m@90)", []int{0}},
		{"another library's", "l(m@86)", "k(m@86)", []int{-1}},
		{"a file of that name", "l(m@86)", "l(m l(m)", []int{0, -1}},
		{"no offset", "l(m@x) l(@86) l(m@86", "l(m@y) l(m@99", []int{-1, -1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spelled := strings.NewReplacer("@", " at ", " ", "\n")
			l := &Link{}
			for _, module := range strings.Split(spelled.Replace(tc.before), "\n") {
				l.Jobs = append(l.Jobs, Job{Module: module})
			}
			var got []int
			for _, job := range l.Match(strings.Split(spelled.Replace(tc.now), "\n")) {
				place := -1
				for i := range l.Jobs {
					if job == &l.Jobs[i] {
						place = i
					}
				}
				got = append(got, place)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
	var none *Link
	if got := none.Match([]string{"a", "b"}); len(got) != 2 || got[0] != nil || got[1] != nil {
		t.Errorf("without a link before: %v", got)
	}
}

func TestKnown(t *testing.T) {
	var none *Link
	l := &Link{Folder: "/a", Files: []File{{Path: "x"}}}
	if len(none.Known("/a")) != 0 || len(l.Known("/b")) != 0 || len(l.Known("/a")) != 1 {
		t.Error(none.Known("/a"), l.Known("/b"), l.Known("/a"))
	}
}

func TestCompleted(t *testing.T) {
	before, now := &Action{}, &Action{}
	var none *Job
	if none.Completed() != nil {
		t.Error("of nothing")
	}
	for outcome, want := range map[Outcome]*Action{Cached: now, Compiled: now, Uncached: now, Failed: before, NotRun: before} {
		j := &Job{Outcome: outcome, Action: now, Before: before}
		if j.Completed() != want {
			t.Error(outcome)
		}
	}
}

func TestOutcomeString(t *testing.T) {
	for o := range Outcomes {
		if o.String() == "" {
			t.Errorf("outcome %d has no name", uint8(o))
		}
	}
	if got := Outcomes.String(); got != "outcome 7" {
		t.Error(got)
	}
}
