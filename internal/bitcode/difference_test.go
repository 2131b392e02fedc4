// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// letter names a path by its last letter.
func letter(path string) string { return path[len(path)-1:] }

// texts are what differs between two shards, with 0x14 for the GUID 20.
func texts(t testing.TB, before, after []byte) []string {
	t.Helper()
	found, err := Differences(Side{before, letter}, Side{after, letter})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range found {
		all = append(all, d.Text(func(guid uint64) string { return fmt.Sprintf("%#x", guid) }))
	}
	return all
}

// TestAspects has two shards that differ in one thing, for each thing there is.
func TestAspects(t *testing.T) {
	fn := func(ops ...uint64) func(*writer) { return func(w *writer) { w.record(5, ops...) } }
	with := func(first func(*writer), rest ...func(*writer)) func(*writer) {
		return func(w *writer) {
			first(w)
			for _, f := range rest {
				f(w)
			}
		}
	}
	record := func(code uint32, ops ...uint64) func(*writer) { return func(w *writer) { w.record(code, ops...) } }
	plain := fn(1, 5, 0x20, 7, 0, 0, 0, 0, 0)
	for _, test := range []struct {
		name          string
		version       uint64
		before, after func(*writer)
		want          []string
	}{
		{"nothing", 12, plain, plain, nil},
		{"summary", 12, plain, fn(2, 5, 0x20, 7, 0, 0, 0, 0, 0), []string{"0xa of b: now in the index", "0x14 of b: no longer in the index"}},
		{"module", 12, plain, fn(1, 9, 0x20, 7, 0, 0, 0, 0, 0), []string{"0x14 of a: now in the index", "0x14 of b: no longer in the index"}},
		{"kind", 12, plain, record(6, 1, 5, 0x20, 0), []string{"0x14 of b: kind changed from function to variable"}},
		{"linkage", 12, plain, fn(1, 5, 0x27, 7, 0, 0, 0, 0, 0), []string{"0x14 of b: linkage changed from external to internal"}},
		{"eligibility", 12, plain, fn(1, 5, 0x30, 7, 0, 0, 0, 0, 0), []string{"0x14 of b: eligible for import changed from yes to no"}},
		{"liveness", 12, plain, fn(1, 5, 0, 7, 0, 0, 0, 0, 0), []string{"0x14 of b: liveness changed from live to dead"}},
		{"dso_local", 12, plain, fn(1, 5, 0x60, 7, 0, 0, 0, 0, 0), []string{"0x14 of b: dso_local changed from no to yes"}},
		{"visibility", 12, plain, fn(1, 5, 0x120, 7, 0, 0, 0, 0, 0), []string{"0x14 of b: visibility changed from default to hidden"}},
		{"import kind", 12, plain, fn(1, 5, 0x420, 7, 0, 0, 0, 0, 0), []string{"0x14 of b: import kind changed from definition to declaration"}},
		{"later flags", 12, plain, fn(1, 5, 0x1820, 7, 0, 0, 0, 0, 0), []string{"0x14 of b: flags of its summary changed from 0x0 to 0x3"}},
		{"strange linkage", 12, plain, fn(1, 5, 0x2f, 7, 0, 0, 0, 0, 0), []string{"0x14 of b: linkage changed from external to 0xf"}},
		{"instructions", 12, plain, fn(1, 5, 0x20, 9, 0, 0, 0, 0, 0), []string{"0x14 of b: instruction count changed from 7 to 9"}},
		{"attributes", 12, plain, fn(1, 5, 0x20, 7, 0x411, 0, 0, 0, 0), []string{"0x14 of b: function attributes changed from none to reads no memory, never inlined, 0x400"}},
		{"entry count", 12, plain, fn(1, 5, 0x20, 7, 0, 3, 0, 0, 0), []string{"0x14 of b: entry count changed from 0 to 3"}},
		{"reference", 12, plain, fn(1, 5, 0x20, 7, 0, 0, 1, 0, 0, 2), []string{"0x14 of b: now refers to 0xa"}},
		{"reference gone", 12, fn(1, 5, 0x20, 7, 0, 0, 1, 0, 0, 2), plain, []string{"0x14 of b: no longer refers to 0xa"}},
		{
			"read-only", 12, fn(1, 5, 0x20, 7, 0, 0, 2, 0, 1, 1, 2), fn(1, 5, 0x20, 7, 0, 0, 2, 1, 1, 1, 2),
			[]string{"0x14 of b: reference of 0x14 changed from plain to read-only"},
		},
		{
			"write-only", 12, fn(1, 5, 0x20, 7, 0, 0, 2, 1, 0, 1, 2), fn(1, 5, 0x20, 7, 0, 0, 2, 0, 1, 1, 2),
			[]string{"0x14 of b: reference of 0xa changed from read-only to write-only"},
		},
		{"too many read-only", 12, fn(1, 5, 0x20, 7, 0, 0, 1, 0, 9, 2), fn(1, 5, 0x20, 7, 0, 0, 1, 9, 9, 2), []string{"0x14 of b: summary changed"}},
		{"order", 12, fn(1, 5, 0x20, 7, 0, 0, 2, 0, 0, 1, 2), fn(1, 5, 0x20, 7, 0, 0, 2, 0, 0, 2, 1), []string{"0x14 of b: order of refs changed"}},
		{"call", 12, plain, fn(1, 5, 0x20, 7, 0, 0, 0, 0, 0, 2, 3), []string{"0x14 of b: now calls 0xa"}},
		{"call gone", 9, record(4, 1, 5, 0x20, 7, 0, 0, 0, 0, 0, 2), record(4, 1, 5, 0x20, 7, 0, 0, 0, 0, 0), []string{"0x14 of b: no longer calls 0xa"}},
		{"with a profile", 9, record(4, 1, 5, 0x20, 7, 0, 0, 0, 0, 0, 2), fn(1, 5, 0x20, 7, 0, 0, 0, 0, 0, 2, 3), []string{"0x14 of b: call of 0xa changed from of unknown hotness to hot"}},
		{
			"hotness", 12, fn(1, 5, 0x20, 7, 0, 0, 0, 0, 0, 2, 1), fn(1, 5, 0x20, 7, 0, 0, 0, 0, 0, 2, 0x1c),
			[]string{"0x14 of b: call of 0xa changed from cold to critical and a tail call with 0x1"},
		},
		{"access", 12, record(6, 1, 5, 0x20, 1, 2), record(6, 1, 5, 0x20, 2, 2), []string{"0x14 of b: access changed from perhaps read-only to perhaps write-only"}},
		{"variable's reference", 12, record(6, 1, 5, 0x20, 1, 2), record(6, 1, 5, 0x20, 1, 1), []string{"0x14 of b: no longer refers to 0xa", "0x14 of b: now refers to 0x14"}},
		{"aliasee", 12, record(8, 1, 5, 0x20, 2), record(8, 1, 5, 0x20, 0), []string{"0x14 of b: now stands for 0x0", "0x14 of b: no longer stands for 0xa"}},
		{"type tests", 12, with(record(11, 77), plain), with(record(11, 78), plain), []string{"0x14 of b: type tests changed"}},
		{"virtual call", 12, plain, with(record(14, 77, 8, 1), plain), []string{"0x14 of b: type tests changed"}},
		{
			"parameters", 12, with(record(25, 0, 1, 2, 1, 3, 2, 0, 9), plain), with(record(25, 0, 1, 2, 1, 3, 1, 0, 9), plain),
			[]string{"0x14 of b: parameter accesses changed"},
		},
		{
			"stack ids", 9, with(record(30, 7, 8), record(28, 2, 1, 1, 0, 0), plain), with(record(30, 7, 8), record(28, 2, 1, 1, 1, 0), plain),
			[]string{"0x14 of b: memory profile changed"},
		},
		{"other stack ids", 9, with(record(30, 7, 8), record(28, 2, 1, 1, 1, 0), plain), with(record(30, 7, 9), record(28, 2, 1, 1, 1, 0), plain), []string{"0x14 of b: memory profile changed"}},
		{"stack ids in another order", 9, with(record(30, 7, 8), record(28, 2, 1, 1, 1, 0), plain), with(record(30, 8, 7), record(28, 2, 1, 1, 0, 0), plain), nil},
		{"context of other ids", 9, with(record(30, 7, 8), record(29, 1, 1, 2, 1, 1, 0), plain), with(record(30, 7, 9), record(29, 1, 1, 2, 1, 1, 0), plain), []string{"0x14 of b: memory profile changed"}},
		{
			"several modules", 12, with(fn(1, 5, 0x20, 7, 0, 0, 0, 0, 0), fn(1, 9, 0x20, 7, 0, 0, 0, 0, 0), fn(2, 9, 0x20, 7, 0, 0, 0, 0, 0)),
			with(fn(1, 9, 0x20, 8, 0, 0, 0, 0, 0), fn(2, 5, 0x20, 7, 0, 0, 0, 0, 0), fn(2, 9, 0x20, 9, 0, 0, 0, 0, 0)),
			[]string{
				"0xa of a: instruction count changed from 7 to 9", "0x14 of a: instruction count changed from 7 to 8",
				"0xa of b: now in the index", "0x14 of b: no longer in the index",
			},
		},
		{"context", 9, with(record(30, 7, 8), record(29, 1, 1, 2, 2, 0, 1, 0), plain), with(record(30, 7, 8), record(29, 1, 1, 2, 2, 1, 0, 0), plain), []string{"0x14 of b: memory profile changed"}},
		{
			"the same contexts", 12,
			with(record(30, 0, 7, 0, 8), record(32, 2, 0, 1, 2, 1, 0), record(29, 1, 1, 2, 0, 0), plain),
			with(record(30, 0, 8, 0, 7), record(32, 2, 1, 0), record(29, 1, 1, 2, 0, 0), plain), nil,
		},
		{
			"radix array", 12,
			with(record(30, 0, 7, 0, 8), record(32, 2, 0, 1, 2, 1, 0), record(29, 1, 1, 2, 0, 0), plain),
			with(record(30, 0, 7, 0, 8), record(32, 2, 0, 1, 2, 1, 0), record(29, 1, 1, 2, 3, 0), plain), []string{"0x14 of b: memory profile changed"},
		},
		{"original name", 9, with(plain, record(9, 1)), with(plain, record(9, 2)), []string{"0x14 of b: original name changed"}},
		{"order of what belongs to it", 9, with(record(11, 1), record(12, 2, 3), plain), with(record(12, 2, 3), record(11, 1), plain), []string{"0x14 of b: type tests changed"}},
		{"two summaries", 12, plain, with(plain, plain), []string{"0x14 of b: now in the index"}},
		{"CFI functions", 12, record(17, 4, 3, 0, 3), with(record(17, 4, 3), record(18, 0, 3)), []string{
			"no longer lists two as CFI function that is defined", "now lists two as CFI function that is declared",
		}},
		{"type id", 12, record(21, 0, 3, 1, 2, 3, 4, 5, 6), record(21, 0, 3, 1, 2, 3, 4, 5, 7), []string{"lists type id two, which changed"}},
		{
			"type ids", 12, record(21, 0, 3, 1, 2, 3, 4, 5, 6), record(21, 4, 3, 1, 2, 3, 4, 5, 6),
			[]string{"now lists type id one", "no longer lists type id two"},
		},
		{
			"implementation", 12, record(21, 0, 3, 1, 2, 3, 4, 5, 6, 8, 1, 4, 3, 0), record(21, 0, 3, 1, 2, 3, 4, 5, 6, 8, 1, 4, 1, 0),
			[]string{"lists type id two, which changed"},
		},
		{"blocks", 12, record(24, 5), record(24, 6), []string{"basic blocks of the link changed from 5 to 6"}},
		{"values only", 12, plain, with(record(16, 3, 0, 30), plain), []string{"index that says the same in another way"}},
		{"not understood", 12, plain, with(plain, record(34, 1)), []string{"index that is not understood: record 34 in GLOBALVAL_SUMMARY of version 12"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := handmade(test.version, test.before), handmade(test.version, test.after)
			got := texts(t, before, after)
			for i := range got {
				got[i], _, _ = strings.Cut(got[i], ", at bit ")
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			checkReverse(t, before, after)
		})
	}
}

// checkReverse compares in both directions: what was and what is change places,
// nothing else does. Without a difference the canonical forms are the same.
func checkReverse(t testing.TB, before, after []byte) {
	t.Helper()
	there, err := Differences(Side{before, nil}, Side{after, nil})
	back, backErr := Differences(Side{after, nil}, Side{before, nil})
	if (err == nil) != (backErr == nil) {
		t.Fatalf("%v, reversed: %v", err, backErr)
	}
	for i := range back {
		back[i].Before, back[i].After = back[i].After, back[i].Before
	}
	if !slices.Equal(there, back) {
		t.Fatalf("%v, reversed:\n%v", there, back)
	}
	if err != nil {
		return
	}
	opt := Options{KeepBlockCount: true}
	a, _ := Canonicalise(before, same, opt)
	b, _ := Canonicalise(after, same, opt)
	if a.Form == Canonical && b.Form == Canonical && (len(there) == 0) != bytes.Equal(a.Data, b.Data) {
		t.Fatalf("canonical forms the same: %v, but differences: %v", bytes.Equal(a.Data, b.Data), there)
	}
}

// TestHeadAspects has differences in what comes before the summaries.
func TestHeadAspects(t *testing.T) {
	plain := func(w *writer) { function(w, 1, 5) }
	base := handmade(12, plain)
	if got := texts(t, base, handmade(11, plain)); !slices.Equal(got, []string{"summary version of the link changed from 12 to 11"}) {
		t.Errorf("version: %q", got)
	}
	for want, edit := range map[string]func(x *Index){
		"flags of the link changed from dead symbols found to dead symbols found, unified LTO, 0x400": func(x *Index) { x.ops[x.head(summaryFlags).from] = 0x601 },
		"contents of b changed": func(x *Index) { x.modules[1].hash[4]++ },
		"contents of a changed": func(x *Index) { x.modules[0].hashed = true },
	} {
		var x Index
		if err := errors.Join(x.Read(base), x.settle(same)); err != nil {
			t.Fatal(err)
		}
		edit(&x)
		if got := texts(t, base, x.write()); !slices.Equal(got, []string{want}) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	renamed, err := Canonicalise(base, func(path string) (string, bool) { return path + map[string]string{"a": "c", "b": "b"}[path], true }, Options{})
	if got := texts(t, base, renamed.Data); err != nil || !slices.Equal(got, []string{"no longer imports from a", "now imports from c"}) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Differences(Side{base, nil}, Side{base, func(string) string { return "x" }}); err == nil {
		t.Error("one name for two modules is no error")
	}
	if _, err := Differences(Side{base, nil}, Side{base[:90], nil}); err == nil {
		t.Error("half a shard is no error")
	}
}

// TestManyDifferences has more than are told of.
func TestManyDifferences(t *testing.T) {
	functions := func(code uint32, ops ...uint64) []byte {
		return handmade(12, func(w *writer) {
			for range 2 * maxDifferences {
				w.record(code, ops...)
			}
		})
	}
	before, after := functions(6, 1, 5, 0x20, 0), functions(8, 1, 5, 0x20, 2)
	if got := texts(t, before, after); len(got) != maxDifferences {
		t.Errorf("%d differences", len(got))
	}
}

// TestNoDifferences compares the shards of all programs with shuffled and with
// canonical ones.
func TestNoDifferences(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, version := range versions(t) {
		for _, p := range programs {
			if !p.runsWith(version) {
				continue
			}
			l := thinLinkAll(t, version, p)
			for _, module := range l.modules {
				shard := l.shard(t, module)
				rename, paths := ranks(t, shard)
				canonical := canonicalOf(t, shard, rename, Options{KeepBlockCount: true})
				name := func(rank string) string {
					return paths[slices.IndexFunc(paths, func(p string) bool { r, _ := rename(p); return r == rank })]
				}
				for what, other := range map[string]Side{
					"itself": {shard, nil}, "shuffled": {shuffled(t, shard, r), nil}, "canonical": {canonical, name},
				} {
					if found, err := Differences(Side{shard, nil}, other); err != nil || len(found) > 0 {
						t.Errorf("LLVM %s, %s, %s with %s: %v, %v", version, p.name, module, what, found, err)
					}
				}
			}
		}
	}
}

// edits are edits of a file of a program, and what is told of them when the shard
// of a module is compared, in names; nothing else is told if all is false.
var edits = []struct {
	name, module string
	file         int // in the program's files
	old, now     string
	want         []string
	all          bool
}{
	{"a comment", "b/main.c.o", 1, "int counter;", "int counter; /* counts */", nil, true},
	{"an exported function", "b/main.c.o", 1, "written = x; return", "written = x ^ 3; return", []string{
		"contents of b/a.c.o changed", "a of b/a.c.o: instruction count changed from 8 to 9",
	}, true},
	{"a static function", "b/b.c.o", 1, "helper(x) + helper(x + 1)", "helper(x + 1)", []string{
		"contents of b/a.c.o changed", "a of b/a.c.o: instruction count changed from 8 to 6",
	}, true},
	{"a new call", "b/b.c.o", 3, "helper(x) + a(x)", "helper(x) + a(x) + main(x, 0)", []string{"b of b/b.c.o: now calls main"}, false},
	{"a new reference", "b/b.c.o", 3, "helper(x) + a(x)", "helper(x) + state + a(x)", []string{"b of b/b.c.o: now refers to state"}, false},
	{"a call less", "b/b.c.o", 5, "a(c) + b(c)", "a(c)", []string{"b of b/b.c.o: liveness changed from live to dead"}, false},
	{"an import less", "b/main.c.o", 5, "a(c) + b(c) + weakling() + ifunc() + helper(c) + renamed(c)", "helper(c)", []string{
		"no longer imports from b/a.c.o", "no longer imports from b/b.c.o", "main of b/main.c.o: no longer calls b",
	}, false},
}

// TestEdits edits a program and wants to be told what that changed for a module.
func TestEdits(t *testing.T) {
	files := slices.Clone(plainFiles)
	files[3] = "int main(int, char **);\n" + files[3]
	for _, version := range versions(t) {
		before := thinLinkAll(t, version, program{files: files})
		for _, edit := range edits {
			p := program{files: slices.Clone(files)}
			p.files[edit.file] = strings.Replace(files[edit.file], edit.old, edit.now, 1)
			after := thinLinkAll(t, version, p)
			names := before.namesOf(t, before.modules...)
			maps.Copy(names, after.namesOf(t, after.modules...))
			found, err := Differences(Side{before.shard(t, edit.module), nil}, Side{after.shard(t, edit.module), nil})
			var got []string
			for _, d := range found {
				if d.Aspect != BasicBlocks {
					got = append(got, d.Text(func(guid uint64) string { return names[guid] }))
				}
			}
			missing := slices.DeleteFunc(slices.Clone(edit.want), func(w string) bool { return slices.Contains(got, w) })
			if err != nil || len(missing) > 0 || edit.all && len(got) > len(edit.want) {
				t.Errorf("LLVM %s, %s: %q, %v", version, edit.name, got, err)
			}
		}
	}
}

// TestInternalised has a function that nobody but its own module calls any more.
func TestInternalised(t *testing.T) {
	for _, version := range versions(t) {
		files := []string{
			"x.c", "__attribute__((noinline)) int f(int x) { return x * 3; } __attribute__((noinline)) int g(int x) { return f(x) + f(x + 1); }\n",
			"main.c", "int f(int); int g(int); void _start(void) { f(g(1)); }\n",
		}
		before := thinLinkAll(t, version, program{files: slices.Clone(files)})
		files[3] = "int g(int); void _start(void) { g(1); }\n"
		after := thinLinkAll(t, version, program{files: files})
		found, err := Differences(Side{before.shard(t, "b/x.c.o"), nil}, Side{after.shard(t, "b/x.c.o"), nil})
		names := before.namesOf(t, "b/x.c.o")
		if !slices.ContainsFunc(found, func(d Difference) bool {
			return d.Aspect == Linkage && names[d.GUID] == "f" && d.Before == "external" && d.After == "internal"
		}) {
			t.Errorf("LLVM %s: %v, %v", version, found, err)
		}
	}
}

// FuzzDifferences compares anything with a shard.
func FuzzDifferences(f *testing.F) {
	all := seeds(f)
	for i, shard := range all {
		f.Add(shard, all[(i+1)%len(all)])
		f.Add(shard, shuffled(f, shard, rand.New(rand.NewPCG(5, 6))))
	}
	f.Fuzz(func(t *testing.T, before, after []byte) { checkReverse(t, before, after) })
}

// FuzzRecordDifferences compares shards with records of any operands.
func FuzzRecordDifferences(f *testing.F) {
	f.Add(byte(9), []byte{11, 1, 200, 4, 11, 1, 5, 0, 1, 0, 0, 1, 0, 0, 2, 1, 24, 1, 9, 17, 4, 4, 3, 0, 3}, []byte{5, 11, 1, 5, 32, 7, 0, 0, 1, 1, 1, 2, 2, 3})
	f.Add(byte(12), []byte{30, 4, 0, 70, 0, 60, 32, 5, 2, 1, 254, 1, 0, 29, 5, 1, 1, 2, 0, 0, 33, 4, 1, 1, 2, 0, 5, 9, 1, 5, 0, 1, 0, 0, 0, 0, 0}, []byte{21, 18, 0, 3, 1, 2, 3, 4, 5, 6, 8, 1, 4, 3, 1, 1, 7, 2, 0, 0, 0, 25, 8, 0, 1, 2, 1, 0, 2, 1, 1, 5, 9, 2, 9, 0, 1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, version byte, before, after []byte) {
		checkReverse(t, handmade(uint64(version), func(w *writer) { writeFuzzed(w, before) }), handmade(uint64(version), func(w *writer) { writeFuzzed(w, after) }))
	})
}
