// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// describe is an input in a few letters.
func describe(in Input) string {
	s := in.Path
	for _, flag := range []struct {
		on   bool
		name string
	}{
		{in.AsNeeded, "as-needed"}, {in.Static, "static"}, {in.Whole, "whole"}, {in.Lazy, "lazy"}, {in.Binary, "binary"},
		{in.JustSymbols, "just"}, {in.Script && in.Lists, "list"}, {in.Script && !in.Lists, "script"}, {in.Library != "", in.Library},
	} {
		if flag.on {
			s += " " + flag.name
		}
	}
	return s
}

func TestInputs(t *testing.T) {
	t.Chdir(t.TempDir())
	const elf = "\x7fELF"
	for _, file := range []string{"a.o", "b.o", "lib/liba.so", "lib/liba.a", "lib/libb.a", "other/libb.so", "S/usr/liba.so", "S/a.o", "lib/c.o", "other/d.o"} {
		llvmtest.Write(t, ".", file, elf)
	}
	llvmtest.Write(t, ".", "list", "GROUP(a.o AS_NEEDED(-la d.o))", "lib/list.so", "INPUT(c.o ./a.o)", "S/usr/libs.so", "INPUT(/a.o =/a.o =usr/liba.so)",
		"loop", "INPUT(loop)", "commands", "x = 1;", "includes", "INCLUDE x", "searches", "SEARCH_DIR(lib)", "both", "INPUT(a.o) x = 1;",
		"folders", "SECTIONS { .t : { lib/a.o(.t) } }", "large", strings.Repeat(" ", maxScript), "empty", "")
	full, _ := filepath.Abs("a.o")
	llvmtest.Write(t, ".", "absolute", "INPUT("+full+")")
	for _, tc := range []struct {
		line string
		want []string
		err  string
	}{
		{line: "a.o --as-needed b.o --no-as-needed --whole-archive a.o --no-whole-archive --start-lib b.o --end-lib a.o",
			want: []string{"a.o", "b.o as-needed", "a.o whole", "b.o lazy", "a.o"}},
		{line: "--as-needed --push-state --no-as-needed --whole-archive -Bstatic a.o --pop-state a.o --pop-state b.o",
			want: []string{"a.o static whole", "a.o as-needed", "b.o as-needed"}},
		{line: "-Llib -Lother -la -Bstatic -la -Bdynamic -lb -l:libb.so -lmissing",
			want: []string{"lib/liba.so :liba.so", "lib/liba.a static :liba.a", "lib/libb.a :libb.a", "other/libb.so :libb.so"}},
		{line: "-N -la -Llib", want: []string{"lib/liba.a static :liba.a"}},
		{line: "--format=binary a.o list -b elf a.o --just-symbols=b.o -R b.o", want: []string{"a.o binary", "list binary", "a.o", "b.o just"}},
		{line: "--as-needed list -Llib -Lother", want: []string{"list as-needed list", "a.o as-needed", "lib/liba.so as-needed :liba.so", "other/d.o as-needed :d.o"}},
		{line: "list -Llib -Lother", want: []string{"list list", "a.o", "lib/liba.so as-needed :liba.so", "other/d.o as-needed :d.o"}},
		{line: "-Llib -l:list.so", want: []string{"lib/list.so list :list.so", "lib/c.o", "./a.o"}},
		{line: "--sysroot=S -L=/usr -ls", want: []string{"S/usr/libs.so list :libs.so", "S/a.o", "S//a.o", "S/usr/liba.so"}},
		{line: "--sysroot=S absolute", want: []string{"absolute list", full}},
		{line: "commands empty a.o -T commands", want: []string{"commands script", "empty script", "a.o"}},
		{line: "loop", err: "name each other"}, {line: "includes", err: "includes others"}, {line: "-T includes", err: "includes others"},
		{line: "searches", err: "where libraries are"}, {line: "-dT searches", err: "where libraries are"}, {line: "both", err: "does more"},
		{line: "-T list", err: "does more"}, {line: "-T folders", err: "folders"}, {line: "large", err: "megabyte"},
	} {
		var got []string
		failed := ""
		for in, err := range command(tc.line).Inputs() {
			if err != nil {
				failed = err.Error()
				continue
			}
			got = append(got, describe(in))
		}
		if !strings.Contains(failed, tc.err) || failed != "" && tc.err == "" {
			t.Errorf("%s: error %q, want %q", tc.line, failed, tc.err)
		}
		if tc.err == "" {
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s:\n%s", tc.line, diff)
			}
		}
	}
}

func TestFinalState(t *testing.T) {
	for line, want := range map[string]State{
		"a.o":                               {},
		"--as-needed a.o --whole-archive":   {AsNeeded: true, Whole: true},
		"--push-state -Bstatic --pop-state": {},
		"-static -dy -n":                    {Static: true},
		"-b binary":                         {Binary: true},
	} {
		if got := command(line).FinalState(); got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

// What a script's words find is found as LLD finds it.
func TestUnder(t *testing.T) {
	for _, tc := range [][3]string{
		{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a//", "/b", "a//b"}, {"", "b", "b"}, {"a", "/b", "a/b"}, {".", "b", "./b"}, {"/", "b", "/b"},
	} {
		if got := under(tc[0], tc[1]); got != tc[2] {
			t.Errorf("under(%q, %q) = %q, want %q", tc[0], tc[1], got, tc[2])
		}
	}
}

func TestIsBelow(t *testing.T) {
	t.Chdir(t.TempDir())
	llvmtest.Write(t, ".", "a/b/c", "", "d/e", "")
	if err := os.Symlink("a", "l"); err != nil {
		t.Fatal(err)
	}
	absolute, _ := filepath.Abs("a/b/c")
	for _, tc := range []struct {
		file, folder string
		want         bool
	}{
		{"a/b/c", "a", true}, {"a//b/c", "a/", true}, {"l/b/c", "a", true}, {"a/b/c", "l", true}, {absolute, "a", true}, {"d/e", "a", false},
		{"a/b/c", "missing", false}, {"a/b/c", ".", false}, {"./a/b/c", ".", true}, {absolute, "/", true}, {"", "a", false}, {"/", "a", false},
	} {
		if got := isBelow(tc.file, tc.folder); got != tc.want {
			t.Errorf("isBelow(%q, %q) = %v", tc.file, tc.folder, got)
		}
	}
}

func TestScriptsOfFolders(t *testing.T) {
	for text, want := range map[string]string{
		"SEARCH_DIR(\"=/lib\")":                                  "searches",
		"SECTIONS { .t : { *(EXCLUDE_FILE(a.o b/c.o) .t) } }":    "folders",
		"SECTIONS { .t : { *libx.a:s/m.o(.t) } }":                "folders",
		"SECTIONS { .t : { \"a b/c.o\"(.t) } }":                  "folders",
		"SECTIONS { .t : { *x.a:m.o(.t) } /DISCARD/ : {*(.c)} }": "",
		"x = 4 / (2); y = ALIGN(z/4);":                           "",
	} {
		s := readScript(text)
		got := ""
		if s.searches {
			got += "searches"
		}
		if s.folders {
			got += "folders"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestThinLinkIDs(t *testing.T) {
	link := &ThinLink{Prefix: "/s/up/index/up/up/"}
	for _, tc := range []struct{ list, want string }{
		{"", "[]"}, {"/s/up/index/up/up/a.o\n/s/up/index/up/up/../../b.o\n", "[a.o ../../b.o]"},
		{"/s/up/index/up/up//abs/x.a(m.o at 8)\n", "[/abs/x.a(m.o at 8)]"},
		{"/s/up/index/up/up/../../../b.o\n", "outside"}, {"/s/up/index/up/up/a/../../../../b.o\n", "outside"},
		{"a.o\n", "not where"}, {"/s/up/index/up/up/ä.o\n", "ASCII"},
	} {
		ids, err := link.IDs(tc.list)
		got := fmt.Sprint(ids)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%q: %s, want %s", tc.list, got, tc.want)
		}
	}
}

func FuzzIDs(f *testing.F) {
	f.Add("a.o\n../b.o\n", "/x/up/")
	f.Add("x.a(m.o at 1)", "")
	f.Fuzz(func(t *testing.T, names, prefix string) {
		link := &ThinLink{Prefix: prefix}
		var list strings.Builder
		for line := range strings.Lines(names) {
			list.WriteString(prefix + line)
		}
		ids, err := link.IDs(list.String())
		if err != nil || strings.Contains(prefix, "\n") {
			return
		}
		for _, id := range ids {
			if Climbs(id) > strings.Count(prefix, "/up") || !IsASCII(id) {
				t.Errorf("%q is an id", id)
			}
		}
		if got := strings.Join(ids, "\n"); got != strings.TrimSuffix(names, "\n") {
			t.Errorf("ids %q of %q", ids, names)
		}
	})
}
