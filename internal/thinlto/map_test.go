// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// roundMap is a map with all that one can have.
var roundMap = Map{
	Version: 1,
	LLVM:    19,
	Options: []string{"--gc-sections", "-z é"},
	Entries: []MapEntry{
		{From: "thin/b.min.o", To: "obj/b.o"},
		{From: "thin/d.min.o", To: "/dev/null"},
		{From: `a[1]?*\{x}.o`, To: `obj/a[1]?*\{x}.o`},
		{From: "#first", To: "#first"},
		{From: " blank \t", To: "\v\fto"},
		{From: "\xff", To: "\xfe"},
		{From: `back\slash`, To: "x"},
		{From: "lib/*.o", To: "lib.o", Glob: true},
	},
	Jobs: []MapJob{
		{Module: "thin/b.o", Index: "obj/b.o.thinlto.bc", Object: "obj/b.o", Imports: []string{"thin/c.o", "é\n\"\\= "}},
		{Module: "thin/d.o", Index: "obj/d.o.thinlto.bc", Object: "obj/d.o", Unused: true},
	},
	Load: []MapLoad{{File: "a.o"}, {File: "lib.a", Member: "m.o"}, {File: "lib.a", Member: "m.o", Offset: 1 << 40}, {File: "/usr/lib/x.so", Unnamed: true}},
	Add:  []string{"exe.map.lto.o"},
}

func writeMap(t *testing.T, m *Map) string {
	t.Helper()
	var b strings.Builder
	if n, err := m.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("%d bytes of %d, %v", n, b.Len(), err)
	}
	return b.String()
}

func TestMapRoundTrip(t *testing.T) {
	text := writeMap(t, &roundMap)
	got, err := ReadMap(strings.NewReader(text), "m")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, &roundMap) {
		t.Errorf("got %+v\nof %s", got, text)
	}
}

// The text of a small map, which is an interface.
func TestMapText(t *testing.T) {
	m := Map{
		LLVM:    19,
		Entries: []MapEntry{{From: "thin/[b].o", To: "obj/[b].o"}, {From: "lib/libx.a", To: "obj/lib/libx.a"}},
		Jobs:    []MapJob{{Module: "thin/[b].o", Index: "obj/b.thinlto.bc", Object: "obj/[b].o", Imports: []string{"c", "d"}}},
		Load:    []MapLoad{{File: "obj/lib/libx.a", Member: "m"}},
		Add:     []string{"lto.o"},
	}
	const want = mapHead + `#dtlto {"version":1,"llvm":19}
thin/[[]b].o=obj/[b].o
lib/libx.a=obj/lib/libx.a
#dtlto {"job":{"module":"thin/[b].o","index":"obj/b.thinlto.bc","object":"obj/[b].o","imports":["c","d"]}}
#dtlto {"load":{"file":"obj/lib/libx.a","member":"m"}}
#dtlto {"add":"lto.o"}
#dtlto {"end":6}
`
	if got := writeMap(t, &m); got != want {
		t.Errorf("got %s", got)
	}
}

func TestReadPlainMap(t *testing.T) {
	got, err := ReadMap(strings.NewReader("# comment\n\n  a b.o = c\r\n#dtlto is fine\n[ab].o=x\n[!].o=y\n\\*=z\n[a].o=w"), "m")
	want := &Map{Entries: []MapEntry{
		{From: "a b.o ", To: " c"},
		{From: "[ab].o", To: "x", Glob: true},
		{From: "[!].o", To: "y", Glob: true},
		{From: `\*`, To: "z", Glob: true},
		{From: "[a].o", To: "w", Glob: true},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for i, e := range want.Entries[1:] {
		if e.Pattern() != want.Entries[i+1].From {
			t.Errorf("pattern %s", e.Pattern())
		}
	}
}

func TestReadMapRejects(t *testing.T) {
	const head = `#dtlto {"version":1}` + "\n"
	tests := []struct{ name, text, want string }{
		{"no equals sign", "a=b\nc", "m:2: not 'from-glob=to-file'"},
		{"two equals signs", "a=b=c", "m:1: not 'from-glob=to-file'"},
		{"no to", "a=", "m:1: not 'from-glob=to-file'"},
		{"no from", "=a", "m:1: not 'from-glob=to-file'"},
		{"NUL", "a=\x00b", "m:1: has a NUL byte"},
		{"newer", `#dtlto {"version":2,"llvm":30}`, `m:1: "version": a newer dtlto wrote this map (version 2, known is 1): use that dtlto, or do the thin link again`},
		{"newer, of other form", `#dtlto {"version":2,"x":[]}`, `m:1: "version": a newer`},
		{"version 0", `#dtlto {"version":0}`, `m:1: "version": wants a number from 1 to 9999, has 0`},
		{"version as text", `#dtlto {"version":"1"}`, `m:1: "version": wants a number, has a string`},
		{"huge version", `#dtlto {"version":1e9}`, `m:1: "version": wants a number from 1 to 9999, has 1e9`},
		{"two versions", head + head, `m:2: "version": a second version`},
		{"no version", `#dtlto {"add":"x"}`, `m:1: "add": before the line that has the version`},
		{"not whole", head + "a=b\n", "m: is not whole"},
		{"a line too few", head + "a=b\n" + `#dtlto {"end":3}`, `m:3: "end": lines are missing or added: there were 3, and are 2`},
		{"nothing", head + `#dtlto {}`, "m:2: an empty record"},
		{"unknown key", head + `#dtlto {"sub":"x"}`, `m:2: "sub": unknown key`},
		{"two keys", head + `#dtlto {"add":"x","load":{"file":"y"}}`, `m:2: "load": a second key in the line`},
		{"same key", head + `#dtlto {"load":{"file":"x","file":"y"}}`, `m:2: "load": duplicate`},
		{"same options", head + `#dtlto {"options":["a"]}` + "\n" + `#dtlto {"options":["b"]}`, `m:3: "options": given twice`},
		{"no offset", head + `#dtlto {"load":{"file":"x","offset":0}}`, `m:2: "load": "offset": wants an offset, has 0`},
		{"llvm alone", head + `#dtlto {"llvm":19}`, `m:2: "llvm": unknown key`},
		{"empty name", head + `#dtlto {"add":""}`, `m:2: "add": an empty name`},
		{"NUL in a name", head + `#dtlto {"add":"\u0000"}`, `m:2: "add": has a NUL byte`},
		{"not UTF-8", head + "#dtlto {\"add\":\"\xff\"}", `m:2: "add": `},
		{"job without object", head + `#dtlto {"job":{"module":"x","index":"y"}}`, `m:2: "job": a job without module, index or object`},
		{"unknown key of a job", head + `#dtlto {"job":{"modul":"x"}}`, `m:2: "job": "modul": unknown key`},
		{"no list", head + `#dtlto {"job":{"imports":"x"}}`, `m:2: "job": "imports": wants a list of strings, has a string`},
		{"empty import", head + `#dtlto {"job":{"imports":["x",""]}}`, `m:2: "job": "imports": element 1: an empty path`},
		{"no flag", head + `#dtlto {"job":{"unused":1}}`, `m:2: "job": "unused": wants true or false, has a number`},
		{"load without file", head + `#dtlto {"load":{"member":"x"}}`, `m:2: "load": a load without a file`},
		{"cut off", head + `#dtlto {"load":{"file":`, `m:2: "load": "file": `},
		{"more behind it", head + `#dtlto {"add":"x"} {}`, `m:2: something follows`},
		{"long name", head + `#dtlto {"add":"` + strings.Repeat("x", 2*maxToken) + `"}`, `m:2: "add": a string of more than`},
		{"long line", "a=b\n" + strings.Repeat("x", maxMapLine+1), "m:2: a line of more than 16777216 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadMap(strings.NewReader(tt.text), "m")
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || len(err.Error()) > 400 {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := ReadMap(iotest.ErrReader(&fs.PathError{Op: "read", Path: "m", Err: fs.ErrPermission}), "m"); err == nil || err.Error() != "m: permission denied" {
		t.Errorf("got %v", err)
	}
}

// A megabyte of one line is read, whether an entry, a comment or a job.
func TestReadMapLongLines(t *testing.T) {
	long := strings.Repeat("x", 1<<20-100)
	imports := strings.Repeat(`"some/import.o",`, 1<<16)
	text := "#dtlto {\"version\":1}\n" + long + "=" + long + "\n#" + long + `
#dtlto {"job":{"module":"m","index":"i","object":"o","imports":[` + imports + `"last"]}}
#dtlto {"end":3}`
	m, err := ReadMap(strings.NewReader(text), "m")
	if err != nil || m.Entries[0].To != long || len(m.Jobs[0].Imports) != 1<<16+1 {
		t.Errorf("%v", err)
	}
}

func TestMapCannotHave(t *testing.T) {
	entry := func(from, to string) *Map { return &Map{Entries: []MapEntry{{From: from, To: to}}} }
	tests := []struct {
		m    *Map
		want string
	}{
		{entry("a=b", "c"), "a=b: a map cannot have this name: it has a '='"},
		{entry("a", "b=c"), "b=c: a map cannot have this name: it has a '='"},
		{entry("a\nb", "c"), `"a\nb": a map cannot have this name: it has a line end`},
		{entry("a", "b\x00"), `"b\x00": a map cannot have this name: it has a NUL byte`},
		{entry("a", "b "), `"b ": a map cannot have this name: it ends in white space`},
		{entry("", "b"), `map entry ""="b": an empty name`},
		{entry("a", ""), `map entry "a"="": an empty name`},
		{&Map{Entries: []MapEntry{{From: "# *", To: "x", Glob: true}}}, `"# *": a map cannot have this pattern: it begins with '#'`},
		{&Map{Entries: []MapEntry{{From: "a", To: "b"}, {From: "a", To: "c"}}}, "a: two files in its place: b and c"},
		{&Map{Jobs: []MapJob{{Index: "i", Object: "o"}}}, `map record {"job":{"module":: an empty name`},
		{&Map{Jobs: []MapJob{{Module: "m", Index: "i", Object: "\xff"}}}, `"\xff": a map cannot have this name: it is not UTF-8`},
		{&Map{Add: []string{"a\x00"}}, `"a\x00": a map cannot have this name: it has a NUL byte`},
		{&Map{Add: []string{strings.Repeat("x", maxMapLine)}}, recordPrefix + `{"add":"xxx`},
	}
	for _, tt := range tests {
		if _, err := tt.m.WriteTo(io.Discard); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if n, err := roundMap.WriteTo(&full{300}); n != 300 || !errors.Is(err, errFull) {
		t.Errorf("got %d bytes, %v", n, err)
	}
	twice := Map{Entries: []MapEntry{{From: "a", To: "b"}, {From: "a", To: "b"}}}
	writeMap(t, &twice)
}

// What can be read can be written and reads the same again.
func FuzzMap(f *testing.F) {
	var b bytes.Buffer
	if _, err := roundMap.WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add("a=b\n[#]x[*]=[ ]\n[]]=c\n[\\][[]=d\n[!]=e\n [ ]=f")
	f.Add("#dtlto {\"version\":1}\n#dtlto {\"job\":{\"module\":\"m\",\"index\":\"i\",\"object\":\"o\",\"imports\":[]}}")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ReadMap(strings.NewReader(text), "m")
		if err != nil {
			return
		}
		var b bytes.Buffer
		if _, err := m.WriteTo(&b); err != nil {
			if !strings.Contains(err.Error(), "two files in its place") {
				t.Fatal(err)
			}
			return
		}
		again, err := ReadMap(&b, "again")
		if m.Version = mapVersion; err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%v\n%+v\n%+v", err, m, again)
		}
	})
}

// What was written reads as it was, whatever the names.
func FuzzMapNames(f *testing.F) {
	f.Add("a[]]b", "c", "m", "i", "o", true, uint32(0))
	f.Add("#", " x", "é", "\n", "=", false, uint32(1))
	f.Add(`\[`, `\`, "m", "\u2028", "o", false, uint32(1<<31))
	f.Fuzz(func(t *testing.T, from, to, module, index, object string, flag bool, offset uint32) {
		m := &Map{
			Version: 1, LLVM: 22, Options: []string{to, module}, Entries: []MapEntry{{From: from, To: to}},
			Jobs: []MapJob{{module, index, object, to, []string{index, module}, flag}},
			Load: []MapLoad{{object, module, int64(offset), flag}}, Add: []string{index},
		}
		var b bytes.Buffer
		if _, err := m.WriteTo(&b); err != nil {
			return
		}
		again, err := ReadMap(&b, "again")
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%v\n%+v\n%+v", err, m, again)
		}
	})
}
