// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadCompile(t *testing.T) {
	const rest = " -c -fthinlto-index=i.bc m.o -o o.o"
	for _, tc := range []struct {
		words string
		args  string // that are left
		why   string // it is not understood, or what is wrong with it
	}{
		{"clang -O2" + rest, "-O2", ""},
		{"/usr/bin/clang++-19" + rest, "", ""},
		{`C:\LLVM\bin\clang.exe` + rest, "", ""},
		{"clang -fthinlto-index=i.bc m.o -oo.o -c -O2", "-O2", ""},
		{"clang --compile -fthinlto-index=i.bc m.o --output=o.o", "", ""},
		{"clang -c -fthinlto-index=i.bc -x ir m.o --output o.o", "", ""},
		{"clang -c -xir -fthinlto-index=i.bc m.o -o o.o", "", ""},
		{"clang --language=ir -c -fthinlto-index=i.bc m.o -o o.o", "", ""},
		{"clang --language ir -c -fthinlto-index=i.bc m.o -o o.o", "", ""},
		{"clang -mllvm -a=1 -Xclang -b -Xclang c -target t" + rest, "-mllvm -a=1 -Xclang -b -Xclang c --target=t", ""},
		{"clang -DX -D X=1 -UY -U Y -Ii -I i -isystem/i -isystem i -iquote i -idirafter i -include h -imacros h -MD -MF d -pipe -g" + rest, "-g", ""},
		{"clang -fprofile-use=p -fbasic-block-sections=list=l" + rest, "-fprofile-use=p -fbasic-block-sections=list=l", ""},

		{"", "", "error: there is no command"},
		{"gcc" + rest, "", "error: gcc: is no clang"},
		{"ccache clang" + rest, "", "error: ccache: is no clang"},
		{"clang-cl" + rest, "", "error: clang-cl: is no clang"},
		{"clangd" + rest, "", "error: clangd: is no clang"},
		{"clang -c m.o -o o.o", "", "error: clang: no backend compile"},
		{"clang -fthinlto-index=i.bc m.o -o o.o", "", "error: clang: no backend compile"},
		{"clang -c -fthinlto-index= m.o -o o.o", "", "error: clang: no backend compile"},
		{"clang -c -fthinlto-index=i.bc m.o", "", "error: clang: no backend compile"},
		{"clang -c -fthinlto-index=i.bc -o o.o", "", "error: clang: no backend compile"},
		{"clang -c -fthinlto-index=i.bc m.o -o", "", "error: clang: no backend compile"},
		{"clang -c -fthinlto-index=i.bc m.o -o m.o", "", "error: m.o: one file is two"},
		{"clang -c -fthinlto-index=i.bc m.o -o i.bc", "", "error: m.o: one file is two"},
		{"clang -flto=thin" + rest, "", "error: -flto=thin: "},

		{"aarch64-linux-gnu-clang" + rest, "", "the compiler's name, aarch64-linux-gnu-clang, chooses a target"},
		{"clang n.o" + rest, "", "it has 2 inputs"},
		{"clang -unknown word" + rest, "-unknown", "it has 2 inputs"},
		{"clang -c -fthinlto-index=i.bc -o o.o -- m.o", "", "-- is among"},
		{"clang -" + rest, "", "- is among"},
		{"clang -c -fthinlto-index=i.bc m.o -o -", "", "its output is -"},
		{"clang @r" + rest, "", "@r cannot be read"},
		{"clang -fthinlto-index=j.bc" + rest, "", "more than one index"},
		{"clang -o p.o" + rest, "", "more than one index or output"},
		{"clang -c -fthinlto-index=i.bc m.c -o o.o", "", "m.c may not be bitcode"},
		{"clang -c -fthinlto-index=i.bc m.ll -o o.o", "", "m.ll may not be bitcode"},
		{"clang -x c" + rest, "", "m.o is called c (-x)"},
		{"clang -c -fthinlto-index=i.bc m.o -o o.o -mllvm", "-mllvm", "nothing stands behind -mllvm"},
	} {
		c, err := ReadCompile(strings.Fields(tc.words))
		unclear, ok := errors.AsType[*NotUnderstood](err)
		got := ""
		switch {
		case ok:
			got = unclear.Error()
		case err != nil:
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, tc.why) && !strings.Contains(got, tc.why) || tc.why == "" && got != "" {
			t.Errorf("%s: %s, want %s", tc.words, got, tc.why)
		}
		if err != nil && !ok {
			if c != nil {
				t.Errorf("%s: an error, and a compile", tc.words)
			}
			continue
		}
		if strings.TrimSpace(strings.Join(c.Args, " ")) != tc.args {
			t.Errorf("%s: %q are left, want %s", tc.words, c.Args, tc.args)
		}
		if tc.why == "" {
			want := &Compile{Compiler: strings.Fields(tc.words)[0], Args: c.Args, Module: "m.o", Index: "i.bc", Object: "o.o", Files: c.Files}
			if diff := cmp.Diff(want, c); diff != "" {
				t.Errorf("%s: %s", tc.words, diff)
			}
		}
	}
}

func TestReadCompileFiles(t *testing.T) {
	c, err := ReadCompile(strings.Fields("clang -c -fprofile-use=p -fprofile-sample-use=q -fprofile-use=p -fbasic-block-sections=list=l " +
		"-fbasic-block-sections=all -fprofile-instr-use= -fthinlto-index=i.bc m.o -o o.o"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"p", "q", "l"}, c.Files); diff != "" {
		t.Error(diff)
	}
}

// What is understood has each word that matters in its place, and none that Clang would
// take for something else.
func FuzzReadCompile(f *testing.F) {
	for _, words := range []string{
		"clang -c -O2 -fthinlto-index=obj/b.o.thinlto.bc -x ir thin/b.o -o obj/b.o",
		"clang-19 -c -DX -mllvm -a=1 -Xclang -b -fthinlto-index=i m -oo",
		"clang @r - -- -o -x -D -mllvm", "", "clang", "x-clang++-1.2.exe -o=",
	} {
		f.Add(strings.ReplaceAll(words, " ", "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Split(text, "\n")
		c, err := ReadCompile(words)
		if err != nil {
			return
		}
		for _, word := range c.Args {
			if !slices.Contains(words, word) && !strings.HasPrefix(word, "--target=") {
				t.Errorf("%q: made up %q", words, word)
			}
		}
		if c.Module == "" || c.Index == "" || c.Object == "" || strings.HasPrefix(c.Module, "-") || !slices.Contains(words, c.Module) ||
			c.Object == c.Module || c.Object == c.Index || !slices.Contains(words, "-fthinlto-index="+c.Index) {
			t.Errorf("%q: %+v", words, c)
		}
		// To understand it once more changes nothing.
		again, err := ReadCompile(slices.Concat([]string{c.Compiler, "-c"}, c.Args, []string{"-x", "ir", c.Module, "-fthinlto-index=" + c.Index, "-o", c.Object}))
		if err != nil || !cmp.Equal(c, again) {
			t.Errorf("%q: %+v, and again %+v, %v", words, c, again, err)
		}
	})
}
