// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/cas"
)

// input is "path=contents".
func input(s string) *Input {
	path, contents, _ := strings.Cut(s, "=")
	return &Input{strings.ReplaceAll(path, "@", " at "), digest(contents)}
}

func inputs(list string) (inputs []*Input) {
	for _, s := range strings.Fields(list) {
		inputs = append(inputs, input(s))
	}
	return inputs
}

// compile is an action with a key that depends on all of it, as those of jobs
// do. The own module is the one with a star.
func compile(modules, files, args, env, index, toolchain string) *Action {
	a := &Action{Toolchain: toolchain, Extra: inputs(files), Env: strings.Fields(env), Index: digest(index)}
	a.Own = slices.IndexFunc(strings.Fields(modules), func(s string) bool { return s[0] == '*' })
	a.Modules = inputs(strings.ReplaceAll(modules, "*", ""))
	a.Args = strings.Fields(strings.ReplaceAll(args, "OWN", fmt.Sprintf("%02d.bc", a.Own)))
	var contents []cas.Digest
	for _, in := range slices.Concat(a.Modules, a.Extra) {
		contents = append(contents, in.Digest)
	}
	a.Key = cas.ActionKey(digest(fmt.Sprint(a.Args, a.Env, a.Index, a.Own, toolchain, contents)))
	return a
}

const (
	someModules = "a.o=1 *b.o=2 l(c.o@86)=3"
	someFiles   = "p.profdata=5"
	someArgs    = "clang -c -O2 -fpic -mllvm -some=1 -fprofile-use=input0.profdata -x ir OWN -o output0.o"
)

func TestDifferences(t *testing.T) {
	before := compile(someModules, someFiles, someArgs, "LANG=C A=", "i", "t")
	for _, tc := range []struct {
		name  string
		after *Action
		want  []string
	}{
		{"nothing", compile(someModules, someFiles, someArgs, "LANG=C A=", "i", "t"), nil},
		{"compiler", compile(someModules, someFiles, someArgs, "LANG=C A=", "i", "u"), []string{"the compiler is another one"}},
		{"own module", compile("a.o=1 *b.o=9 l(c.o@86)=3", someFiles, someArgs, "LANG=C A=", "j", "t"),
			[]string{"its own bitcode has changed", "its summary index has changed as well"}},
		{"import changed", compile("a.o=9 *b.o=2 l(c.o@86)=3", someFiles, someArgs, "LANG=C A=", "i", "t"), []string{"a.o, from which it imports, has changed"}},
		{"import added before", compile("a.o=1 aa.o=7 *b.o=2 l(c.o@86)=3", someFiles, someArgs, "LANG=C A=", "i", "t"), []string{"it now imports from aa.o"}},
		{"import removed", compile("*b.o=2 l(c.o@86)=3", someFiles, someArgs, "LANG=C A=", "i", "t"), []string{"it no longer imports from a.o"}},
		{"imports exchanged", compile("*b.o=2 d.o=7 l(c.o@86)=3", someFiles, someArgs, "LANG=C A=", "k", "t"),
			[]string{"it now imports from d.o", "it no longer imports from a.o", "its summary index has changed as well"}},
		{"offset moved and contents changed", compile("a.o=1 *b.o=2 l(c.o@700)=4", someFiles, someArgs, "LANG=C A=", "i", "t"),
			[]string{"l(c.o), from which it imports, has changed"}},
		{"renamed", compile("x/a.o=1 *x/b.o=2 x/l(c.o@86)=3", someFiles, someArgs, "LANG=C A=", "j", "t"),
			[]string{"only its summary index has changed: what other modules need of it, or what the link found out about what it uses"}},
		{"renamed and in another order", compile("*b.o=2 l(c.o@86)=3 z.o=1", someFiles, someArgs, "LANG=C A=", "i", "t"),
			[]string{"the names of the modules that it imports from sort in another order, in which LLVM imports"}},
		{"option added", compile(someModules, someFiles, someArgs+" -g", "LANG=C A=", "i", "t"), []string{"the argument -g is new"}},
		{"option removed", compile(someModules, someFiles, strings.Replace(someArgs, "-c ", "", 1), "LANG=C A=", "i", "t"), []string{"the argument -c is gone"}},
		{"optimisation", compile(someModules, someFiles, strings.Replace(someArgs, "-O2", "-O3", 1), "LANG=C A=", "i", "t"), []string{"the argument -O2 has become -O3"}},
		{"switched off", compile(someModules, someFiles, strings.Replace(someArgs, "-fpic", "-fno-pic", 1), "LANG=C A=", "i", "t"),
			[]string{"the argument -fpic has become -fno-pic"}},
		{"value", compile(someModules, someFiles, strings.Replace(someArgs, "-some=1", "-some=2", 1), "LANG=C A=", "i", "t"),
			[]string{"the argument -mllvm -some=1 has become -mllvm -some=2"}},
		{"order of options", compile(someModules, someFiles, strings.Replace(someArgs, "-c -O2", "-O2 -c", 1), "LANG=C A=", "i", "t"),
			[]string{"the arguments are in another order"}},
		{"options twice", compile(someModules, someFiles, someArgs+" -c -fno-pic -g -g", "LANG=C A=", "i", "t"),
			[]string{"the argument -c is new", "the argument -fno-pic is new", "the argument -g is new", "the argument -g is new"}},
		{"environment", compile(someModules, someFiles, someArgs, "LANG=de B=2", "i", "t"),
			[]string{`the environment variable LANG was "C" and is "de"`, "the environment variable B=2 is new", "the environment variable A= is gone"}},
		{"file changed", compile(someModules, "p.profdata=6", someArgs, "LANG=C A=", "i", "t"), []string{"p.profdata, which the compiler reads, has changed"}},
		{"file renamed", compile(someModules, "q.profdata=5", someArgs, "LANG=C A=", "j", "t"),
			[]string{"only its summary index has changed: what other modules need of it, or what the link found out about what it uses"}},
		{"file before it", compile(someModules, "list.txt=8 p.profdata=5",
			strings.Replace(someArgs, "-fprofile-use=input0", "-flist=input0.txt -fprofile-use=input1", 1), "LANG=C A=", "i", "t"),
			[]string{"the argument -flist=list.txt is new", "list.txt, which the compiler reads, is new"}},
		{"file gone", compile(someModules, "", strings.Replace(someArgs, "-fprofile-use=input0.profdata ", "", 1), "LANG=C A=", "i", "t"),
			[]string{"the argument -fprofile-use=p.profdata is gone", "p.profdata, which the compiler read, is gone"}},
		{"index", compile(someModules, someFiles, someArgs, "LANG=C A=", "j", "t"),
			[]string{"only its summary index has changed: what other modules need of it, or what the link found out about what it uses"}},
		{"everything", compile("*b.o=9", "", "clang -O3 -x ir OWN", "", "j", "u"), []string{
			"the compiler is another one",
			"the argument -O2 has become -O3", "the argument -c is gone", "the argument -fpic is gone",
			"the argument -mllvm -some=1 is gone", "the argument -fprofile-use=p.profdata is gone", "the argument -o output0.o is gone",
			"the environment variable LANG=C is gone", "the environment variable A= is gone",
			"its own bitcode has changed", "it no longer imports from a.o", "it no longer imports from l(c.o)",
			"p.profdata, which the compiler read, is gone", "its summary index has changed as well"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, d := range Differences(before, tc.after) {
				got = append(got, d.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	other := *before
	other.Key.Hash[0]++
	if got := Differences(before, &other); len(got) != 1 || got[0].What != UnrecordedChanged {
		t.Errorf("another key and nothing else: %v", got)
	}
}

// Names may go from module to module.
func TestDifferencesOfRenamed(t *testing.T) {
	for _, tc := range []struct {
		name, before, after string
		want                []string
	}{
		{"an import is called what the module was", "*a.o=1 b.o=2", "a.o=3 *c.o=1", []string{"it now imports from a.o", "it no longer imports from b.o"}},
		{"the module is called what an import was", "*a.o=1 c.o=2", "*c.o=1 d.o=4", []string{"it now imports from d.o", "it no longer imports from c.o"}},
		{"one file became two", "a.o=1 *b.o=2", "*b.o=2 x.o=1 y.o=1",
			[]string{"it now imports from y.o", "the names of the modules that it imports from sort in another order, in which LLVM imports"}},
		{"moved over a new one", "a.o=1 *b.o=2", "*b.o=2 n.o=5 z.o=1",
			[]string{"it now imports from n.o", "the names of the modules that it imports from sort in another order, in which LLVM imports"}},
		{"two of one name", "l(a@1)=1 l(a@2)=2 *m=3", "l(a@1)=1 l(a@5)=4 *m=3", []string{"l(a), from which it imports, has changed"}},
		{"a moved file's import is gone", "a.o=1 *b.o=2 c.o=3", "*b.o=2 c.o=4", []string{"c.o, from which it imports, has changed", "it no longer imports from a.o"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, d := range Differences(compile(tc.before, "", "OWN", "", "", ""), compile(tc.after, "", "OWN", "", "", "")) {
				got = append(got, d.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A record may hold anything.
func TestDifferencesOfOddActions(t *testing.T) {
	odd := []*Action{
		{}, {Key: cas.ActionKey(digest("1")), Args: []string{"-mllvm", "99.bc", "-x=00.bc", "input7.x", "input", "input99999999999999999999", "-x", ""}, Env: []string{"", "="}},
		{Key: cas.ActionKey(digest("2")), Args: []string{"-mllvm"}, Modules: inputs("a=1 a=1 a=2 b=1"), Own: 3, Env: []string{"X", "X=1"}},
		{Key: cas.ActionKey(digest("3")), Args: []string{"00.bc", "03.bc"}, Modules: inputs("b=1 b=2 a=2"), Own: 0, Extra: inputs("a=1 a=1")},
	}
	for _, before := range odd {
		for _, after := range odd {
			got := Differences(before, after)
			if (len(got) > 0) != (before.Key != after.Key) {
				t.Errorf("%v", got)
			}
			for _, d := range got {
				if strings.HasPrefix(d.String(), "change ") {
					t.Errorf("no words for %v", d)
				}
			}
		}
	}
	if got := (Difference{What: 99}).String(); got != "change 99" {
		t.Error(got)
	}
}

func TestWhy(t *testing.T) {
	before, after := compile("*b.o=1", "", "", "", "i", "t"), compile("*b.o=2", "", "", "", "i", "t")
	for _, tc := range []struct {
		name string
		job  Job
		want []string
	}{
		{"cached", Job{Outcome: Cached, Action: after, Before: before}, nil},
		{"not run", Job{Outcome: NotRun, Action: after, Before: before}, nil},
		{"changed", Job{Outcome: Compiled, Action: after, Before: before, Reason: "absent"}, []string{"its own bitcode has changed"}},
		{"failed", Job{Outcome: Failed, Action: after, Before: before, Reason: "absent"}, []string{"its own bitcode has changed"}},
		{"new", Job{Outcome: Compiled, Action: after, Reason: "absent"}, []string{"no earlier compile of it is on record"}},
		{"forgotten", Job{Outcome: Compiled, Action: after, Before: after, Reason: "corrupt and removed"},
			[]string{"nothing has changed, and its result was not to be had: corrupt and removed"}},
		{"forgotten without a reason", Job{Outcome: Compiled, Action: after, Before: after}, []string{"nothing has changed, and its result was not to be had"}},
		{"not kept", Job{Outcome: Uncached, Action: after, Before: after, Reason: "it was edited meanwhile"},
			[]string{"nothing has changed", "its result could not be kept: it was edited meanwhile"}},
		{"without an action", Job{Outcome: Uncached, Reason: "x.profdata cannot be read"}, []string{"its result could not be kept: x.profdata cannot be read"}},
		{"index", Job{Outcome: Compiled, Action: after, Before: before, IndexReason: "record 99 of block 20"},
			[]string{"its own bitcode has changed", "its summary index has no canonical form (record 99 of block 20), so that it may differ without need"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.job.Why()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
