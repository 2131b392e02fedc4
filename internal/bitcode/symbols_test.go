// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// namesOf are the names of the symbols of modules of a link.
func (l linked) namesOf(t testing.TB, modules ...string) map[uint64]string {
	t.Helper()
	all := map[uint64]string{}
	for _, m := range modules {
		b := read(t, filepath.Join(l.dir, m))
		names, err := SymbolNames(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		for guid, name := range names {
			all[guid] = name
		}
	}
	return all
}

// TestSymbolNames finds the name of every symbol in the shards of programs with
// locals, aliases, ifuncs, split units and assembler names, for each LLVM: the
// linkers computed the GUIDs.
func TestSymbolNames(t *testing.T) {
	for _, version := range versions(t) {
		for _, p := range programs {
			if !p.runsWith(version) || strings.HasPrefix(p.name, "debug") {
				continue
			}
			t.Run(version+" "+p.name, func(t *testing.T) {
				l := thinLinkAll(t, version, p)
				names := l.namesOf(t, l.modules...)
				named := 0
				for _, module := range l.modules {
					var x Index
					if err := x.parse(l.shard(t, module)); err != nil {
						t.Fatal(err)
					}
					for _, v := range x.guids {
						if names[v.guid] == "" {
							t.Errorf("%s: GUID %#x has no name", module, v.guid)
						} else {
							named++
						}
					}
				}
				if named == 0 && p.name != "memory profile" {
					t.Error("no symbols")
				}
			})
		}
	}
}

// TestLocalNames has a local of one name in three files, one with no file name.
func TestLocalNames(t *testing.T) {
	l := thinLinkAll(t, "22", programs[0])
	for _, module := range l.modules {
		count := map[string]int{}
		for _, name := range l.namesOf(t, module) {
			count[name]++
		}
		if count["helper"] != 2 || count["a"] != 1 {
			t.Errorf("%s: %d GUIDs of helper, %d of a", module, count["helper"], count["a"])
		}
	}
	all := l.namesOf(t, l.modules...)
	for _, id := range []string{"a.c;helper", "b.c;helper", "main.c;helper", "a.c:state", "b.c:state", "a", "ifunc", "renamed"} {
		if want := id[strings.IndexAny(id, ":;")+1:]; all[newGUID("").of(id)] != want {
			t.Errorf("the GUID of %q is named %q", id, all[newGUID("").of(id)])
		}
	}
	ir := llvmtest.Output(t, "", "opt-22", "-module-summary", "-o", "-", compileText(t, "source_filename = \"\"\ndefine internal void @\"\\01odd\"() {\n  ret void\n}\n"))
	names, err := SymbolNames(strings.NewReader(ir), int64(len(ir)))
	if err != nil || names[newGUID("<unknown>;").of("odd")] != "odd" || len(names) != 2 {
		t.Errorf("%v, %v", names, err)
	}
}

// compileText writes LLVM assembly to a file.
func compileText(t testing.TB, text string) string {
	dir := t.TempDir()
	llvmtest.Write(t, dir, "x.ll", text)
	return filepath.Join(dir, "x.ll")
}

// TestSymbolNamesConcatenated has modules of two files with one string table.
func TestSymbolNamesConcatenated(t *testing.T) {
	one := compile(t, "22", "one.c", "static int s; int one(void) { return s++; }\n", "-flto=thin")
	two := compile(t, "22", "two.c", "static int s; int two(void) { return s++; }\n", "-flto=full")
	path := filepath.Join(t.TempDir(), "both.bc")
	llvmtest.Output(t, "", "llvm-cat-22", "-b", "-o", path, one, two)
	b := read(t, path)
	names, err := SymbolNames(bytes.NewReader(b), int64(len(b)))
	for _, id := range []string{"one", "two", "one.c;s", "two.c;s"} {
		if names[newGUID("").of(id)] == "" {
			t.Errorf("no name for %s: %v, %v", id, names, err)
		}
	}
}

// TestSymbolNamesBounds covers what a hostile file could blow up.
func TestSymbolNamesBounds(t *testing.T) {
	table := bytes.Repeat([]byte("x"), 1000)
	module := func(symbols int, offset, size uint64) []byte {
		w := newWriter()
		w.enter(moduleBlock, 3)
		w.record(moduleVersion, 2)
		w.define(operand{literal, moduleFunction}, operand{literal, offset}, operand{literal, size},
			operand{literal, 0}, operand{literal, 0}, operand{literal, 0}, operand{literal, 0})
		for range symbols {
			w.abbreviated(firstAbbrevID)
		}
		w.end()
		w.enter(strtabBlock, 3)
		w.blob(stringBlob, table)
		w.end()
		return w.bytes()
	}
	for _, test := range []struct {
		name string
		b    []byte
		want string
	}{
		{"good", module(2, 10, 20), ""},
		{"many", module(10000, 10, 2), "more symbols than"},
		{"outside", module(1, 999, 2), "outside the string table"},
		{"far outside", module(1, 1<<63, 1<<63), "outside the string table"},
		{"overlapping", module(200, 0, 1000), "names overlap"},
	} {
		_, err := SymbolNames(bytes.NewReader(test.b), int64(len(test.b)))
		var malformed *Error
		if test.want == "" && err != nil || test.want != "" && (!errors.As(err, &malformed) || !strings.Contains(fmt.Sprint(err), test.want)) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestSymbolTables has modules with a string table each, and one of a layout that
// has no string table.
func TestSymbolTables(t *testing.T) {
	w := newWriter()
	for i, version := range []uint64{2, 1, 2} {
		w.enter(moduleBlock, 3)
		w.record(moduleVersion, version)
		w.record(moduleFunction, uint64(i), 2, 0, 0, 0, 0)
		w.end()
		w.enter(strtabBlock, 3)
		w.blob(stringBlob, []byte([]string{"one", "other", "three"}[i]))
		w.end()
	}
	names, err := SymbolNames(bytes.NewReader(w.bytes()), int64(len(w.bytes())))
	plain := newGUID("")
	if want := map[uint64]string{plain.of("on"): "on", plain.of("re"): "re"}; err != nil || !maps.Equal(names, want) {
		t.Errorf("%v, %v", names, err)
	}
}

// FuzzSymbolNames names the symbols of anything.
func FuzzSymbolNames(f *testing.F) {
	f.Add(read(f, compile(f, "22", "a.cpp", sampleCXX, "-flto=thin", "-fvisibility=hidden", "-fwhole-program-vtables")))
	f.Add(read(f, compile(f, "14", "a.c", sampleC, "-flto=thin")))
	f.Fuzz(func(t *testing.T, b []byte) {
		names, err := SymbolNames(bytes.NewReader(b), int64(len(b)))
		var malformed *Error
		if err != nil && !errors.As(err, &malformed) {
			t.Fatal(err)
		}
		if len(names) > len(b)/2 {
			t.Fatalf("%d names from %d bytes", len(names), len(b))
		}
	})
}
