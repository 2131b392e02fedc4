// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/object"
	"github.com/dtlto/dtlto/internal/stage"
)

// What LLD says in both links is said once, whole messages at a time.
func TestNews(t *testing.T) {
	l := staged{lld: "/usr/bin/ld.lld", said: "ld.lld: warning: a\n>>> in x.o\nld.lld: warning: b\n"}
	for text, want := range map[string]string{
		"ld.lld: warning: b\nld.lld: warning: a\n>>> in x.o\n": "",
		"ld.lld: warning: a\n>>> in y.o\n":                     "ld.lld: warning: a\n>>> in y.o\n",
		"ld.lld: error: c\n>>> d\n\n>>> e\nld.lld: warning: b": "ld.lld: error: c\n>>> d\n\n>>> e\nld.lld: warning: b",
		"head\nld.lld: warning: b\n":                           "head\n",
		"":                                                     "",
	} {
		if got := l.news(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTraceOfBothLinks(t *testing.T) {
	l := staged{command: lld.ReadCommand([]string{"--trace", "main.o"}), traced: []string{"main.o", "lib.a(a.o)"}}
	got := l.output("a.out.lto.o\na.out.hidden.o\nmain.o\nlib.a(a.o)\nlibc.a(memcpy.o)\n")
	if want := "main.o\nlib.a(a.o)\nlibc.a(memcpy.o)\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	l.command = lld.ReadCommand([]string{"main.o"})
	if got := l.output("main.o\n"); got != "main.o\n" {
		t.Errorf("%q without --trace", got)
	}
}

// LLD's own escapes (writeDependencyFile, which has clang's): what make and ninja
// need.
func TestEscape(t *testing.T) {
	for name, want := range map[string]string{
		"a b#c$d": `a\ b\#c$$d`, `a\b`: `a\b`, `a\ b`: `a\\\ b`, "plain.o": "plain.o",
	} {
		if got := escape(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"a b#c$d", "a$$b", "x"} {
		if got := unescape(escape(name)); got != name {
			t.Errorf("%q came back as %q", name, got)
		}
	}
}

func TestSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.o")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before")
	s := snapshot{}
	s.add(path, path+".missing")
	if err := s.check(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.Link(path, path+".link"), os.Chmod(path, 0o640)); err != nil {
		t.Fatal(err)
	}
	if err := s.check(); err != nil {
		t.Errorf("after a new link: %v", err)
	}
	write("afterwards")
	s.add(path) // what is noted stays
	if err := s.check(); !errors.As(err, new(*inProcess)) || !strings.Contains(err.Error(), "a.o was changed during the link") {
		t.Errorf("after a change: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if s.check() == nil {
		t.Error("nobody noticed that the file is gone")
	}
}

func TestModuleNote(t *testing.T) {
	for _, note := range []moduleNote{{"x86_64-pc-linux-gnu", false, 0}, {"x", true, 2}} {
		if got, complete := readNote(note.text(true)); got != note || !complete {
			t.Errorf("%v came back as %v, %v", note, got, complete)
		}
		if got, complete := readNote(note.text(false)); got.triple != note.triple || complete {
			t.Errorf("%v came back as %v, %v", note, got, complete)
		}
	}
	for _, text := range []string{"", "x\x00", "x\x00maybe\x000", "x\x00true\x00-1", "x\x00true\x000\x00"} {
		if _, complete := readNote(text); complete {
			t.Errorf("%q is taken for a complete note", text)
		}
	}
	if got := (moduleNote{}).relocation() + (moduleNote{picLevel: 1}).relocation(); got != "-fno-pic-fpic" {
		t.Error(got)
	}
}

// A part is written out once; a part that is a file is that file.
func TestModuleFiles(t *testing.T) {
	folder := t.TempDir()
	archive, thin := filepath.Join(folder, "lib.a"), filepath.Join(folder, "b.o")
	if err := errors.Join(os.WriteFile(archive, []byte("head|module|"), 0o600), os.WriteFile(thin, []byte("thin"), 0o600)); err != nil {
		t.Fatal(err)
	}
	s := stage.For(filepath.Join(folder, "prog"))
	defer func() { _ = s.Remove() }()
	m := moduleFiles{parts: map[string]object.Part{
		"lib.a(m.o at 5)": {File: archive, Offset: 5, Size: 6}, "t.a(b.o at 8)": {File: thin, Size: 4},
		"lib.a(gone at 9)": {File: archive, Offset: 9, Size: 60},
	}}
	var files []string
	for _, module := range []string{"lib.a(m.o at 5)", "lib.a(m.o at 5)", "t.a(b.o at 8)", "plain.o"} {
		file, err := m.file(s, module)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	written := filepath.Join(folder, ".dtlto-prog", "modules", "1.bc")
	if diff := cmp.Diff([]string{written, written, thin, "plain.o"}, files); diff != "" {
		t.Error(diff)
	}
	if text, _ := os.ReadFile(written); string(text) != "module" {
		t.Errorf("wrote %q", text)
	}
	if _, err := m.file(s, "lib.a(gone at 9)"); err == nil {
		t.Error("a part that is not there was written")
	}
}
