// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// thinLinked goes to a folder with a thin link of LLD's own: a.o imports from b.o, and
// u.o is not used. LLD puts lists and indexes into obj.
func thinLinked(t *testing.T, major string) {
	t.Helper()
	t.Chdir(t.TempDir())
	llvmtest.Write(t, ".", "a.c", "int b(void); int _start(void) { return b(); }", "b.c", "int b(void) { return 1; }", "u.c", "int u(void) { return 2; }")
	if err := os.Mkdir("thin", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "u"} {
		llvmtest.Run(t, ".", llvmtest.Tool(t, "clang-"+major), "-O2", "-flto=thin", "-c", name+".c", "-o", "thin/"+name+".o")
	}
	llvmtest.Run(t, ".", llvmtest.Tool(t, "ld.lld-"+major), "--thinlto-index-only=list", "--thinlto-emit-imports-files",
		"--thinlto-prefix-replace=thin/;obj/", "thin/a.o", "thin/b.o", "--start-lib", "thin/u.o", "--end-lib")
}

// depfile is what a call prints, or its error.
func depfile(t *testing.T, d Depfile) (string, error) {
	t.Helper()
	var out strings.Builder
	err := d.Write(&out)
	if err != nil && out.Len() > 0 {
		t.Errorf("wrote %q and failed", out.String())
	}
	return out.String(), err
}

var threeLists = []string{"obj/u.o.imports", "obj/b.o.imports", "obj/a.o.imports"}

func TestDepfileOfLists(t *testing.T) {
	for _, major := range llvmtest.Versions {
		t.Run(major, func(t *testing.T) {
			thinLinked(t, major)
			for f, want := range map[thinlto.Fragment]string{
				thinlto.Make: `obj/a.o: thin/a.o obj/a.o.thinlto.bc thin/b.o
obj/b.o: thin/b.o obj/b.o.thinlto.bc
obj/u.o: obj/u.o.thinlto.bc
`,
				thinlto.NinjaDyndep: `ninja_dyndep_version = 1
build obj/a.o: dyndep | thin/b.o
build obj/b.o: dyndep
build obj/u.o: dyndep
`,
			} {
				if got, err := depfile(t, Depfile{Format: f, Inputs: threeLists}); err != nil || got != want {
					t.Errorf("%s: got %v\n%s", f, err, got)
				}
			}
			text, err := depfile(t, Depfile{Format: thinlto.JSON, Inputs: threeLists})
			var got struct{ Backends []thinlto.Backend }
			if err != nil || json.Unmarshal([]byte(text), &got) != nil || len(got.Backends) != 3 || got.Backends[0].Unused || !got.Backends[2].Unused {
				t.Errorf("got %v\n%s", err, text)
			}
		})
	}
}

func TestDepfileObject(t *testing.T) {
	thinLinked(t, "19")
	got, err := depfile(t, Depfile{Format: thinlto.Make, Inputs: threeLists[2:], Object: "out/a.o"})
	if want := "out/a.o: thin/a.o obj/a.o.thinlto.bc thin/b.o\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if err := os.Remove("obj/a.o.thinlto.bc"); err != nil {
		t.Fatal(err)
	}
	got, err = depfile(t, Depfile{Format: thinlto.Make, Inputs: threeLists[2:]})
	if want := "obj/a.o: thin/b.o\n"; err != nil || got != want {
		t.Errorf("without an index: got %q, %v", got, err)
	}
}

func TestDepfileOfMap(t *testing.T) {
	t.Chdir(t.TempDir())
	m := thinlto.Map{
		Entries: []thinlto.MapEntry{{From: "b.o", To: "obj/b.o"}},
		Jobs: []thinlto.MapJob{
			{Module: "c.o", Index: "obj/c.o.thinlto.bc", Object: "obj/c.o", Unused: true},
			{Module: "b.o", Index: "obj/b.o.thinlto.bc", Object: "obj/b.o", Imports: []string{"c.o"}},
		},
	}
	var text strings.Builder
	if _, err := m.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	llvmtest.Write(t, ".", "exe.map", text.String(), "b.o", "", "c.o", "")
	got, err := depfile(t, Depfile{Format: thinlto.Make, Inputs: []string{"exe.map"}})
	if want := "obj/b.o: b.o obj/b.o.thinlto.bc c.o\nobj/c.o: c.o obj/c.o.thinlto.bc\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestDepfileFails(t *testing.T) {
	thinLinked(t, "19")
	const jobs = "#dtlto {\"version\":1}\n#dtlto {\"job\":{\"module\":\"thin/a.o\",\"index\":\"i\",\"object\":\"o\",\"imports\":[\"thin/zz.o\"]}}\n#dtlto {\"end\":2}\n"
	a, err := os.ReadFile("obj/a.o.thinlto.bc")
	if err != nil {
		t.Fatal(err)
	}
	llvmtest.Write(t, ".",
		"zz.imports", "thin/b.o\nthin/zz.o\n", "folder.imports", "thin\n", "x/y.imports", "thin/b.o/x\n", "odd.imports", "thin/\x1b\n",
		"plain.map", "a=b\n", "jobs.map", jobs, "newer.map", `#dtlto {"version":2}`, "bad.map", "x\n"+jobs,
		"stale.imports", "", "stale.thinlto.bc", string(a), "own.imports", "thin/a.o\nthin/b.o\n", "own.thinlto.bc", string(a),
		"broken.imports", "", "broken.thinlto.bc", string(a[:len(a)/2]), "glob?.imports", "")
	tests := []struct{ input, object, want string }{
		{"none.imports", "", "none.imports: no such file or directory"},
		{"none.map", "", "none.map: no such file or directory"},
		{"zz.imports", "", "zz.imports: names thin/zz.o, which is not there"},
		{"folder.imports", "", "folder.imports: names thin, which is a folder"},
		{"x/y.imports", "", "x/y.imports: names thin/b.o/x: not a directory"},
		{"odd.imports", "", `odd.imports: names "thin/\x1b", which is not there`},
		{"plain.map", "", "plain.map: neither a map that a thin link of dtlto wrote nor an import list (*.imports)"},
		{"bad.map", "", "bad.map:1: not 'from-glob=to-file'"},
		{"newer.map", "", `newer.map:1: "version": a newer dtlto wrote this map (version 2, known is 1): use that dtlto, or do the thin link again`},
		{"jobs.map", "", "jobs.map: names thin/zz.o, which is not there"},
		{"jobs.map", "o", "jobs.map: a map, which names objects itself: --object= is for an import list"},
		{"stale.imports", "", "stale.thinlto.bc: names 2 modules besides those of stale.imports, not one: they are of different thin links"},
		{"own.imports", "", "own.thinlto.bc: names 0 modules besides those of own.imports, not one: they are of different thin links"},
		{"broken.imports", "", "broken.thinlto.bc: "},
		{"glob?.imports", "", "glob?: make cannot have this name: it has a '?'"},
	}
	for _, tt := range tests {
		d := Depfile{Format: thinlto.Make, Inputs: []string{"obj/b.o.imports", tt.input}, Object: tt.object, Output: "out"}
		_, err := depfile(t, d)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || ExitCode(err) != ExitUsage {
			t.Errorf("%s: got exit code %d of %v", tt.input, ExitCode(err), err)
		}
	}
	if _, err := os.Stat("out"); err == nil {
		t.Error("something was written")
	}
	for _, f := range thinlto.Fragments {
		_, err = depfile(t, Depfile{Format: f, Inputs: threeLists, Output: "none/out"})
		if ExitCode(err) != ExitInfrastructure {
			t.Errorf("%s: got %v", f, err)
		}
	}
}

// An index of a module that is not ThinLTO is empty, and one that says skip names nothing.
func TestDepfileOfUnusualIndexes(t *testing.T) {
	t.Chdir(t.TempDir())
	llvmtest.Write(t, ".", "a.imports", "", "a.thinlto.bc", "", "b.imports", "", "b.thinlto.bc", string(bitcode.SkipIndex()))
	want := []thinlto.Backend{{Object: "a", Index: "a.thinlto.bc"}, {Object: "b", Index: "b.thinlto.bc", Unused: true}}
	for i, input := range []string{"a.imports", "b.imports"} {
		got, err := new(Depfile).read(input)
		if err != nil || !reflect.DeepEqual(got, want[i:i+1]) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

// A file that says the same keeps its time, but for make; a new one replaces it whole.
func TestDepfileOutput(t *testing.T) {
	t.Chdir(t.TempDir())
	llvmtest.Write(t, ".", "a.imports", "m\n", "m", "", "n", "")
	old := time.Unix(1e9, 0)
	write := func(f thinlto.Fragment, path string) (isNew bool) {
		t.Helper()
		if _, err := depfile(t, Depfile{Format: f, Inputs: []string{"a.imports"}, Output: path}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		isNew = !info.ModTime().Equal(old)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		return isNew
	}
	for _, f := range thinlto.Fragments {
		path := string(f)
		write(f, path)
		if got := write(f, path); got != (f == thinlto.Make) {
			t.Errorf("%s: %t", f, got)
		}
		llvmtest.Write(t, ".", "a.imports", "n\n")
		if !write(f, path) {
			t.Errorf("%s: not written anew", f)
		}
		llvmtest.Write(t, ".", "a.imports", "m\n")
	}
	if err := os.Symlink("make", "link"); err != nil {
		t.Fatal(err)
	}
	write(thinlto.Make, "link")
	if info, err := os.Lstat("link"); err != nil || info.Mode().IsRegular() {
		t.Errorf("the link was replaced: %v", err)
	}
	write1 := Depfile{Format: thinlto.JSON, Inputs: []string{"a.imports"}, Output: os.DevNull}
	if _, err := depfile(t, write1); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(".dtlto-*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
