// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

func TestReadImports(t *testing.T) {
	tests := []struct {
		text string
		want []string
		err  string
	}{
		{"", nil, ""},
		{"\n", nil, ""},
		{"a.o\nlib/b c.o \n#d\r\n=\n\te", []string{"a.o", "lib/b c.o ", "#d\r", "=", "\te"}, ""},
		{"a.o\n\n\nb.o\n", []string{"a.o", "b.o"}, ""},
		{"a.o\nb\x00\n", nil, "x.imports:2: has a NUL byte"},
		{"a.o\n" + strings.Repeat("x", maxImport+1), nil, "x.imports:2: a line of more than 65536 bytes"},
	}
	for _, tt := range tests {
		got, err := ReadImports(strings.NewReader(tt.text), "x.imports")
		if !slices.Equal(got, tt.want) || (tt.err == "") != (err == nil) || err != nil && err.Error() != tt.err {
			t.Errorf("%.20q: got %q, %v", tt.text, got, err)
		}
	}
	if _, err := ReadImports(iotest.ErrReader(&fs.PathError{Op: "read", Err: fs.ErrPermission}), "x"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// What LLD writes, names with blanks included, is what it was given.
func TestReadImportsOfLLD(t *testing.T) {
	for _, major := range llvmtest.Versions {
		folder := t.TempDir()
		llvmtest.Write(t, folder, "a.c", "int b(void), c(void); int _start(void) { return b() + c(); }", "b.c", "int b(void) { return 1; }", "c.c", "int c(void) { return 2; }")
		modules := []string{"a.o", " b #.o", "c\t.o"}
		for i, module := range modules {
			llvmtest.Run(t, folder, llvmtest.Tool(t, "clang-"+major), "-O2", "-flto=thin", "-c", string(rune('a'+i))+".c", "-o", module)
		}
		llvmtest.Run(t, folder, llvmtest.Tool(t, "ld.lld-"+major), append([]string{"--thinlto-index-only=list", "--thinlto-emit-imports-files"}, modules...)...)
		f, err := os.Open(filepath.Join(folder, "a.o.imports"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadImports(f, "a.o.imports")
		f.Close()
		if slices.Sort(got); err != nil || !slices.Equal(got, modules[1:]) {
			t.Errorf("LLVM %s: %q, %v", major, got, err)
		}
	}
}

// A list holds its lines and no others.
func FuzzImports(f *testing.F) {
	f.Add("a\nb\n")
	f.Add("\n\r\n x")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadImports(strings.NewReader(text), "x")
		want := slices.DeleteFunc(strings.Split(text, "\n"), func(s string) bool { return s == "" })
		if err == nil && !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}
