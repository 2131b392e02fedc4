// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// regularArchive has members of these names, each an object of a few bytes.
func regularArchive(names ...string) string {
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	var table strings.Builder
	for _, name := range names {
		table.WriteString(name + "/\n")
	}
	fmt.Fprintf(&b, "%-16s%-32s%-10d`\n%s", "//", "", table.Len()+table.Len()%2, table.String())
	b.WriteString(strings.Repeat("\n", table.Len()%2))
	at := 0
	for _, name := range names {
		fmt.Fprintf(&b, "%-16s%-32s%-10d`\n\x7fELF", fmt.Sprintf("/%d", at), "", 4)
		at += len(name) + 2
	}
	return b.String()
}

func (l *Load) try(line string) string {
	archive, name, err := l.splitMember(line)
	if err != nil {
		return err.Error()
	}
	return archive.path + "|" + name
}

func TestSplitMember(t *testing.T) {
	t.Chdir(t.TempDir())
	llvmtest.Write(t, ".", "x.a", regularArchive("m.o", "n(1).o", "o) p", "sub/q.o"), "y (1).a", regularArchive("m.o", "(("),
		"z", regularArchive("a(b)"), "z(a", regularArchive("b)", "b"), "none.a", "!<arch>\ntoo short", "text", "x.a(m.o)")
	l := &Load{command: command(""), archives: map[string]*archiveFile{}}
	defer l.closeArchives()
	for line, want := range map[string]string{
		"x.a(m.o)": "x.a|m.o", "x.a(n(1).o)": "x.a|n(1).o", "x.a(o) p)": "x.a|o) p", "x.a(sub/q.o)": "x.a|sub/q.o", "y (1).a(m.o)": "y (1).a|m.o",
		"y (1).a((()": "y (1).a|((", "z(a(b))": "could be a member of two archives",
		"x.a(q.o)": "no such file or member", "x.a": "no such file", "x.a()": "no such", "(": "no such", "": "no such", "none.a(m.o)": "no such",
		"text(m.o)": "no such", ".(m.o)": "no such", "x.a(m.o": "no such",
	} {
		if got := l.try(line); !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func FuzzSplitMember(f *testing.F) {
	f.Add("x.a(m.o)", "x.a", "m.o")
	f.Add("x(1).a(n(1).o)", "x(1).a", "n(1).o")
	f.Fuzz(func(t *testing.T, line, file, member string) {
		if file == "" || len(file) > 100 || strings.ContainsAny(file, "/\x00") || file == "." || file == ".." {
			return
		}
		t.Chdir(t.TempDir())
		if err := os.WriteFile(file, []byte(regularArchive(member)), 0o600); err != nil {
			return
		}
		l := &Load{command: command(""), archives: map[string]*archiveFile{}}
		defer l.closeArchives()
		for _, line := range []string{line, file + "(" + member + ")"} {
			if archive, name, err := l.splitMember(line); err == nil && archive.path+"("+name+")" != line {
				t.Errorf("%q is %q of %q", line, name, archive.path)
			}
		}
	})
}

// What cannot be told for sure is an *Inexact or an *Untranslatable.
func TestReadLoadRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	llvmtest.Write(t, ".", "a.c", "int a;")
	llvmtest.Run(t, ".", "clang-19", "-c", "-flto=thin", "a.c", "-o", "a.o")
	llvmtest.Run(t, ".", "clang-19", "-c", "a.c", "-o", "n.o")
	llvmtest.Run(t, ".", "cp", "n.o", "@n.o")
	llvmtest.Run(t, ".", "ld.lld-19", "-shared", "n.o", "-o", "n.so")
	llvmtest.Run(t, ".", "llvm-ar-19", "rcs", "x.a", "a.o", "n.o")
	llvmtest.Write(t, ".", "text", "hello", "broken.o", "BC\xc0\xde", "short.a", "!<arch>\nx", "bad.o", "\x7fELF")
	for _, tc := range []struct{ line, trace, ids, why string }{
		{"a.o n.o x.a", "a.o,n.o,x.a(n.o)", "a.o", ""},
		{"x.a", "x.a(a.o)", "", "one of several members"},
		{"a.o n.o", "a.o", "a.o", "n.o is not among"},
		{"a.o", "a.o", "", "not where LLD's list"},
		{"a.o", "a.o", "b.o", "not where LLD's list"},
		{"n.o", "n.o", "a.o", "not among the files"},
		{"a.o", "a.o,b.o", "a.o", "no such file or member"},
		{"a.o", "n.o,a.o", "a.o", "nothing that is known names it"},
		{"a.o", "a.o,n.so", "a.o", "without a name"},
		{"a.o", "a.o,@n.o", "a.o", "a name that is an option"},
		{"a.o", "a.o,text", "a.o", "is no object"},
		{"a.o broken.o", "a.o,broken.o", "a.o", ""},
		{"a.o short.a", "a.o", "a.o", "is no object"},
		{"a.o bad.o", "a.o,bad.o", "a.o", ""},
		{"--remap-inputs=x=y a.o", "a.o", "a.o", "--remap-inputs"},
		{"a.o .", "a.o", "a.o", ""},
	} {
		split := func(s string) []string { return strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) }
		load, err := command(tc.line).ReadLoad(split(tc.trace), split(tc.ids))
		if err == nil && tc.why != "" || err != nil && tc.why == "" && tc.line != "a.o ." || err != nil && !strings.Contains(err.Error(), tc.why) {
			t.Errorf("%s: error %v, want %q", tc.line, err, tc.why)
		}
		if err == nil {
			if _, err := load.FinalLink("/r", "", SideOutputs{}); err != nil {
				t.Errorf("%s: %v", tc.line, err)
			}
		}
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add("/r/0/x.a(m.o)", "/r/1/y.o: warning")
	f.Add("/r/0", "/r/0/x.a(m.o")
	f.Add("/r//r/0/", ")")
	link := &FinalLink{root: "/r", made: map[string]*folder{}, open: map[string]*folder{}}
	link.folderFor("lib/", "x.a", "m.o").shown["x.a(m.o)"] = "x.a(../m.o)"
	link.folderFor("", "y.o")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !strings.Contains(a, "/r/") && link.Translate(a) != a {
			t.Errorf("%q becomes %q", a, link.Translate(a))
		}
		whole, first, second := link.Translate(a+"\n"+b), link.Translate(a+"\n"), link.Translate(b)
		if !strings.Contains(a+"\n", "/r/0\n") && !strings.Contains(a+"\n", "/r/1\n") && strings.Count(a, "/r/") == 0 && whole != first+second {
			t.Errorf("%q and %q become %q", a, b, whole)
		}
	})
}

func TestTranslate(t *testing.T) {
	link := &FinalLink{root: "/r", made: map[string]*folder{}, open: map[string]*folder{}}
	link.folderFor("lib/", "x.a", "m.o").shown["x.a(m.o)"] = "x.a(../m.o)"
	link.folderFor("", "y.o")
	link.folderFor("lib/", "x.a")
	for text, want := range map[string]string{
		"": "", "/r/0/x.a(m.o)": "lib/x.a(../m.o)", "a /r/1/y.o: b /r/2/x.a(m.o)\n/r/3/z": "a y.o: b lib/x.a(m.o)\n/r/3/z",
		"/r/0/x.a(m.o) /r/0/x.a(n.o)": "lib/x.a(../m.o) lib/x.a(n.o)", "/r/": "/r/", "/r/0": "/r/0", "/r/x/0/": "/r/x/0/", "/r//r/1/a": "/r/a",
	} {
		if got := link.Translate(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
