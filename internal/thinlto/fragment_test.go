// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

func writeFragment(t *testing.T, f Fragment, backends []Backend) string {
	t.Helper()
	var b strings.Builder
	if err := f.Write(&b, backends); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var smallBackends = []Backend{
	{Object: "obj/c d.o", Module: "thin/c d.o", Index: "obj/c d.o.thinlto.bc", Unused: true},
	{Object: "obj/b.o", Module: "thin/b.o", Index: "obj/b.o.thinlto.bc", Imports: []string{"thin/d.o", "thin/c.o", "thin/d.o"}},
	{Object: "obj/a.o", Imports: []string{"thin/c.o"}},
	{Object: "obj/a.o", Imports: []string{"thin/c.o"}},
}

func TestFragmentText(t *testing.T) {
	for f, want := range map[Fragment]string{
		Make: `obj/a.o: thin/c.o
obj/b.o: thin/b.o obj/b.o.thinlto.bc thin/c.o thin/d.o
obj/c\ d.o: thin/c\ d.o obj/c\ d.o.thinlto.bc
`,
		NinjaDyndep: `ninja_dyndep_version = 1
build obj/a.o: dyndep | thin/c.o
build obj/b.o: dyndep | thin/c.o thin/d.o
build obj/c$ d.o: dyndep
`,
		JSON: `{
  "version": 1,
  "backends": [
    {
      "object": "obj/a.o",
      "module": "",
      "index": "",
      "imports": [
        "thin/c.o"
      ],
      "unused": false
    },
`,
	} {
		if got := writeFragment(t, f, smallBackends); got != want && (f != JSON || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: got\n%s", f, got)
		}
	}
	if got := writeFragment(t, JSON, nil); !json.Valid([]byte(got)) {
		t.Errorf("got %s", got)
	}
}

func TestFragmentCannotHave(t *testing.T) {
	for _, tt := range []struct {
		f          Fragment
		name, want string
	}{
		{Make, "a*.o", "a*.o: make cannot have this name: it has a '*', and make looks for files that match"},
		{Make, "a?.o", "a?.o: make cannot have this name: it has a '?', and make looks for files that match"},
		{Make, "a[.o", "a[.o: make cannot have this name: it has a '[', and make looks for files that match"},
		{Make, "a\tb", `"a\tb": make cannot have this name: it has a '\t'`},
		{Make, "a\nb", `"a\nb": make cannot have this name: it has a '\n'`},
		{Make, "~/a", "~/a: make cannot have this name: it begins with a '~', and make takes that for a home folder"},
		{Make, "a(b)", "a(b): make cannot have this name: it ends in a ')', and make takes that for a member of an archive"},
		{Make, ".PHONY", ".PHONY: make cannot have this name: it is one of make's special targets"},
		{NinjaDyndep, "a|b", "a|b: ninja-dyndep cannot have this name: it has a '|'"},
		{NinjaDyndep, "a\tb", `"a\tb": ninja-dyndep cannot have this name: it has a tab, which would break ninja's log`},
		{NinjaDyndep, "a\nb", `"a\nb": ninja-dyndep cannot have this name: it has a line end`},
		{NinjaDyndep, "a\r", `"a\r": ninja-dyndep cannot have this name: it has a line end`},
		{NinjaDyndep, "a\x00", `"a\x00": ninja-dyndep cannot have this name: it has a NUL byte`},
		{JSON, "\xff", `"\xff": json cannot have this name: it is not UTF-8`},
	} {
		for _, b := range []Backend{{Object: tt.name}, {Object: "o", Module: tt.name}, {Object: "o", Imports: []string{"i", tt.name}}} {
			var out strings.Builder
			if err := tt.f.Write(&out, []Backend{{Object: "first"}, b}); err == nil || err.Error() != tt.want || out.Len() > 0 {
				t.Errorf("got %v and %q", err, out.String())
			}
		}
	}
	err := Make.Write(new(strings.Builder), []Backend{{Object: "o", Module: "a"}, {Object: "x"}, {Object: "o", Index: "b"}})
	if err == nil || err.Error() != "o: two backends make it: of a and of b" {
		t.Errorf("got %v", err)
	}
	if err := Make.Write(&full{3}, smallBackends); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

// fragmentNames are names with each awkward character at the beginning, inside and at the
// end, with and without backslashes before it, as far as f can have them.
func fragmentNames(f Fragment) []string {
	names := []string{`\`, `\\`, `d/\\x\\`, "export", "define x", "include x.o", "ifeq (a,b)x", "else", "endif", "override a=b", "private", "a:=b", "a::b", "=", "v=1.o", "x?=y", "$(x)", "${x}", "$@", "a,b", "...", "d/..x", ".c.o", "é.o", "build", "a(b c).o"}
	for _, c := range " \t$#:%\\;=*?[]~()|&'\"!,{}@+-<>`^\r\x01\x7f\xff" {
		for _, form := range []string{"#x.o", "d/x#y.o", "d/x#", `d/x\#y.o`, `d/x\\#y.o`, `d/\#`, `\#x`, "#", "d/##", "d/# #x", "d/#/x.o"} {
			names = append(names, strings.ReplaceAll(form, "#", string(c)))
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return f.refuses(name) != "" })
}

// Every name goes through make as a target and as a prerequisite, whether the file is there
// or not.
func TestMakeTakesNames(t *testing.T) {
	make := llvmtest.Tool(t, "make")
	names := fragmentNames(Make)
	if len(names) < 250 {
		t.Errorf("only %d names", len(names))
	}
	backends := []Backend{{Object: "all", Imports: names}}
	want := []string{}
	for i, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		last := names[(i*7)%len(names)]
		backends = append(backends, Backend{Object: name, Module: "module", Index: "index", Imports: []string{"import"}})
		backends = append(backends, Backend{Object: "of/" + name, Module: last, Index: "i"})
		backends[0].Imports = append(backends[0].Imports, "of/"+name)
		want = append(want, "T:"+name+"<module index import>", "T:of/"+name+"<"+last+" i>")
	}
	for _, there := range []bool{false, true} {
		folder := t.TempDir()
		llvmtest.Write(t, folder, "fragment", writeFragment(t, Make, backends), "Makefile", `all:
include fragment
Makefile fragment module index import i: ;
all: ; @:
%: ; $(file >>log,T:$@<$^>)@:
`, "module", "", "index", "", "import", "", "i", "", "d/xzy.o", "", "xx.o", "")
		for i, name := range names {
			if there && !strings.HasSuffix(name, "/") && names[i] != "of" {
				touch(t, filepath.Join(folder, name), time.Unix(1e9, 0))
			}
		}
		llvmtest.Run(t, folder, make, "-rR", "--no-print-directory")
		log, err := os.ReadFile(filepath.Join(folder, "log"))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSuffix(string(log), "\n"), "\n")
		same(t, got, want)
	}
}

// same compares two lists as sets.
func same(t *testing.T, got, want []string) {
	t.Helper()
	for _, s := range got {
		if !slices.Contains(want, s) {
			t.Errorf("not wanted: %q", s)
		}
	}
	for _, s := range want {
		if !slices.Contains(got, s) {
			t.Errorf("missing: %q", s)
		}
	}
}

// touch makes a file, and the folders to it, or gives it another time.
func touch(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// Every name goes through ninja as an output and as an import, and what is newer makes
// only the backend that imports it run again.
func TestNinjaTakesNames(t *testing.T) {
	ninja := llvmtest.Tool(t, "ninja")
	names := slices.Compact(slices.Sorted(slices.Values(fragmentNames(NinjaDyndep))))
	if len(names) < 250 {
		t.Errorf("only %d names", len(names))
	}
	folder := t.TempDir()
	var backends []Backend
	manifest := []byte("rule r\n command = printf '%s\\n' $out >> log && mkdir -p out && touch $out\nbuild log/x: phony\n")
	for i, name := range names {
		b := Backend{Object: "out/" + name, Module: "module"}
		if i%5 > 0 {
			b.Imports = []string{"in/" + name}
			touch(t, filepath.Join(folder, "in", name), time.Unix(1e9, 0))
		}
		backends = append(backends, b)
		manifest = append(appendNinja(append(manifest, "build "...), b.Object), ": r module || dyndep\n dyndep = dyndep\n"...)
	}
	llvmtest.Write(t, folder, "build.ninja", string(manifest), "dyndep", writeFragment(t, NinjaDyndep, backends), "module", "")
	ran := func() []string {
		t.Helper()
		_ = os.Remove(filepath.Join(folder, "log"))
		llvmtest.Run(t, folder, ninja, "--quiet")
		log, _ := os.ReadFile(filepath.Join(folder, "log"))
		return strings.Split(strings.TrimSuffix(string(log), "\n"), "\n")
	}
	want := []string{}
	for _, b := range backends {
		want = append(want, b.Object)
	}
	same(t, ran(), want)
	if again := ran(); again[0] != "" {
		t.Errorf("ran again: %q", again)
	}
	for i := 1; i < len(names); i += 9 {
		if len(backends[i].Imports) == 0 {
			continue
		}
		// Files are stamped by a clock that may be a few milliseconds late.
		touch(t, filepath.Join(folder, backends[i].Imports[0]), time.Now().Add(-10*time.Millisecond))
		if got := ran(); len(got) != 1 || got[0] != backends[i].Object {
			t.Errorf("with a newer %q, ran %q", backends[i].Imports, got)
		}
	}
}

// JSON carries every name that is UTF-8.
func TestJSONTakesNames(t *testing.T) {
	names := fragmentNames(JSON)
	text := writeFragment(t, JSON, []Backend{{Object: "o", Module: "m", Index: "i", Imports: names, Unused: true}})
	var got struct {
		Version  int
		Backends []Backend
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	if want := (Backend{"o", "m", "i", sorted, true}); got.Version != 1 || len(got.Backends) != 1 || !reflect.DeepEqual(got.Backends[0], want) {
		t.Errorf("got %+v", got)
	}
}

// TestLargeFragment writes more than a writer holds at once.
func TestLargeFragment(t *testing.T) {
	var backends []Backend
	for i := range 5000 {
		name := fmt.Sprintf("some/folder/with/a/name/%04d.o", i)
		backends = append(backends, Backend{Object: "obj/" + name, Module: name, Index: "obj/" + name + ".thinlto.bc", Imports: []string{"a.o", "b.o"}})
	}
	for _, form := range Fragments {
		var text strings.Builder
		if err := form.Write(&text, backends); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text.String(), "obj/some/folder"); n < len(backends) {
			t.Errorf("%s: %d of %d backends", form, n, len(backends))
		}
	}
}
