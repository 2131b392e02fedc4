// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/cas"
)

// jobsWith are n jobs that differ in little.
func jobsWith(n int, job func(i int) Job) *Link {
	l := &Link{Output: "/a"}
	for i := range n {
		l.Jobs = append(l.Jobs, job(i))
	}
	return l
}

func many(n int, format string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}

func manyInputs(n int, format string) (list []*Input) {
	for i, path := range many(n, format) {
		list = append(list, &Input{path, digestOf(i, 1)})
	}
	return list
}

// A small record that would make a large report is refused, and not written either.
func TestAmountRefused(t *testing.T) {
	key := func(i int) cas.ActionKey { return cas.ActionKey(digestOf(i, 1)) }
	long := strings.Repeat("x", 1<<16)
	changes, few := many(5000, "change %d"), many(maxChanges, long[:20_000]+"%d")
	args, names := many(5000, "-a%d"), slices.Repeat([]string{"0.bc"}, 5000)
	files, imports := manyInputs(5000, "file%d"), manyInputs(3000, long[:2000]+"%d")
	for name, l := range map[string]*Link{
		"many changes":    jobsWith(1, func(int) Job { return Job{IndexChanges: changes[:maxChanges+1]} }),
		"shared changes":  jobsWith(5000, func(int) Job { return Job{IndexChanges: changes} }),
		"long changes":    jobsWith(5000, func(int) Job { return Job{IndexChanges: few} }),
		"a module":        jobsWith(5000, func(int) Job { return Job{Module: long} }),
		"a reason":        jobsWith(5000, func(int) Job { return Job{Reason: long} }),
		"an index reason": jobsWith(5000, func(int) Job { return Job{IndexReason: long} }),
		"a source":        jobsWith(5000, func(int) Job { return Job{Source: long} }),
		"a worker":        jobsWith(5000, func(int) Job { return Job{Run: &Run{Worker: long}} }),
		"arguments":       jobsWith(5000, func(i int) Job { return Job{Action: &Action{Key: key(i), Args: args}} }),
		"environment":     jobsWith(5000, func(i int) Job { return Job{Before: &Action{Key: key(i), Env: args}} }),
		"files":           jobsWith(5000, func(i int) Job { return Job{Action: &Action{Key: key(i), Extra: files}} }),
		"imports":         jobsWith(500, func(int) Job { return Job{Action: &Action{Modules: imports}} }),
		"paths for names": jobsWith(1, func(int) Job { return Job{Action: &Action{Args: names, Modules: []*Input{{Path: long}}}} }),
		"files' paths":    {Output: "/a", Files: slices.Repeat([]File{{Path: long}}, 5000)},
		"phases":          {Output: "/a", Phases: slices.Repeat([]Phase{{Name: long}}, 5000)},
	} {
		b, err := encodeAny(l)
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := decode(b); !errors.Is(err, errMalformed) || !errors.Is(err, errAmount) {
			t.Errorf("%s: %d bytes are read: %v", name, len(b), err)
		}
		if _, err := encode(l); !errors.Is(err, errAmount) {
			t.Errorf("%s: written: %v", name, err)
		}
	}
}

// A link of many modules that has several times more than real ones have, all of it the
// same in all jobs, is far from what is allowed.
func TestAmountOfLargeLinks(t *testing.T) {
	l := sampleLink(3000)
	changes := many(13, strings.Repeat("function<of, a, template>::", 10)+"%d: linkage changed")
	args, env := many(100, "--some-option-of-the-compiler=and-its-value-%d"), many(20, "VARIABLE_%d=some value")
	for i := range l.Jobs {
		j := &l.Jobs[i]
		before := *j.Action
		before.Args, before.Key = args[1:], cas.ActionKey(digestOf(i+1<<22, 142))
		j.Action.Args, j.Action.Env = args, env
		j.Before, j.IndexChanges, j.Reason = &before, changes, strings.Repeat("not to be had, ", 30)
		j.Run = sampleRun(13, j.Duration)
	}
	b := encoded(t, l)
	if !l.within(len(b) / 2) {
		t.Error("half as large, it would be refused")
	}
	if got, err := decode(b); err != nil || len(got.Jobs) != len(l.Jobs) {
		t.Error(err)
	}
	imports := manyInputs(400, "bazel-out/k8-opt/bin/some/rather/deep/folder/of/a/large/project/_objs/library/the_source_file_%d.pic.o")
	heavy := jobsWith(3000, func(i int) Job { return Job{Action: &Action{Modules: imports, Own: i % 400}} })
	if !heavy.within(len(encoded(t, heavy)) / 2) {
		t.Error("many imports: half as large, it would be refused")
	}
}

// The largest report of a small record: what is allowed bounds what comes of it.
func TestAmountOfReports(t *testing.T) {
	args, other := many(5000, "-a%d"), many(5000, "-b%d")
	report := func(n int) (size, json int) {
		l := jobsWith(n, func(i int) Job {
			j := Job{Outcome: Compiled, Action: &Action{Key: cas.ActionKey(digestOf(i, 1)), Args: args}, Before: &Action{Args: other}}
			j.IndexChanges = args[:maxChanges]
			return j
		})
		b, err := encodeAny(l)
		if err != nil {
			t.Fatal(err)
		}
		if l, err = decode(b); err != nil {
			return len(b), 0
		}
		for i := range l.Jobs {
			json += asJSON(t, l.Jobs[i].Why()) + asJSON(t, l.Jobs[i].IndexChanges)
		}
		return len(b), json
	}
	last := 0
	for n := 1; ; n += 20 {
		size, json := report(n)
		if json == 0 {
			break
		}
		if last = json; json > 3*allowed+2*(wordsPerByte+argumentsPerByte)*size {
			t.Errorf("%d jobs: %d bytes become %d", n, size, json)
		}
	}
	if last < 1<<20 {
		t.Errorf("at most %d bytes, which tests nothing", last)
	}
}

func asJSON(t *testing.T, v any) int {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}

// A variable that an environment has many times is told of once.
func TestDifferencesOfRepeatedVariables(t *testing.T) {
	before := &Action{Env: slices.Repeat([]string{"A=1", "GONE=1"}, 100)}
	after := &Action{Key: cas.ActionKey(digestOf(1, 1)), Env: slices.Repeat([]string{"A=2", "NEW=1"}, 100)}
	want := []Difference{
		{What: VariableChanged, Name: "A", Before: "1", After: "2"}, {What: VariableAdded, Name: "NEW", After: "1"},
		{What: VariableRemoved, Name: "GONE", Before: "1"},
	}
	if got := Differences(before, after); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
