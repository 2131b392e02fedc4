// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"path/filepath"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// head returns what a caller of Identify reads of a file.
func head(b []byte) []byte { return b[:min(len(b), HeadSize)] }

func TestIdentifyCompiled(t *testing.T) {
	for _, test := range []struct {
		args []string
		want Kind
	}{
		{nil, ELF},
		{[]string{"--target=powerpc64-linux-gnu"}, ELF},
		{[]string{"-flto=thin"}, Bitcode},
		{[]string{"-flto=full", "--target=x86_64-apple-macosx12"}, Bitcode}, // wrapped
		{[]string{"-flto=thin", "-ffat-lto-objects"}, ELF},
		{[]string{"--target=x86_64-pc-windows-msvc"}, COFF},
		{[]string{"--target=i686-pc-windows-msvc"}, COFF},
		{[]string{"--target=aarch64-pc-windows-msvc"}, COFF},
		{[]string{"--target=arm64ec-pc-windows-msvc"}, COFF},
		{[]string{"--target=thumbv7-pc-windows-msvc"}, COFF},
		{[]string{"--target=arm64-apple-macosx12"}, MachO},
		{[]string{"--target=i686-apple-macosx10.12"}, MachO},
	} {
		path := compile(t, t.TempDir(), "a.o", "int foo(int x) { return x; }", test.args...)
		if got := Identify(head(read(t, path))); got != test.want {
			t.Errorf("%v: %v, want %v", test.args, got, test.want)
		}
	}
}

// TestIdentifyBigObj has LLVM write a COFF object with more sections than the
// ordinary header can count.
func TestIdentifyBigObj(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.s"), ".set i, 0\n.rept 66000\n.section .text$\\+,\"xr\"\nnop\n.endr\n")
	llvmtest.Output(t, dir, "clang-22", "--target=x86_64-pc-windows-msvc", "-c", "a.s", "-o", "a.obj")
	b := read(t, filepath.Join(dir, "a.obj"))
	if got := Identify(head(b)); got != COFF || b[0] != 0 {
		t.Errorf("%v, beginning % x", got, b[:HeadSize])
	}
}

// TestIdentifyImport takes a member of an import library that LLVM wrote.
func TestIdentifyImport(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.def"), "LIBRARY a.dll\nEXPORTS\nfoo\n")
	llvmtest.Output(t, dir, "llvm-dlltool-22", "-m", "i386:x86-64", "-d", "a.def", "-l", "a.lib")
	b := read(t, filepath.Join(dir, "a.lib"))
	kinds := map[Kind]int{}
	for m, err := range members(b) {
		if err != nil {
			t.Fatal(err)
		}
		kinds[Identify(head(b[m.Offset:]))]++
	}
	if kinds[COFFImport] != 1 || kinds[COFF] != 3 || len(kinds) != 2 {
		t.Errorf("kinds of the members: %v", kinds)
	}
}

func TestIdentifyHead(t *testing.T) {
	zeros := string(make([]byte, 40))
	for head, want := range map[string]Kind{
		"":                                   Unknown,
		"\x7fEL":                             Unknown,
		"\x7fELF":                            ELF,
		"!<arch>\n":                          Archive,
		"!<thin>\n":                          ThinArchive,
		"!<arch>":                            Unknown,
		"<bigaf>\n":                          Unknown,
		"BC\xc0\xde":                         Bitcode,
		"BC":                                 Unknown,
		"\xde\xc0\x17\x0b":                   Bitcode,
		"GROUP ( libc.so.6 )":                Unknown,
		"d\x86 is how this text begins, oh.": Unknown,
		"d\x86" + zeros:                      COFF,
		"d\x86":                              Unknown,
		zeros:                                Unknown,
		"\x00\x00\xff\xff" + zeros:           Unknown,
		"\x00\x00\xff\xff\x02\x00\x64\x86" + zeros: Unknown, // no class id: a compiler's private object
		"\x00\x00\xff\xff\x00\x00\x64\x86" + zeros: COFFImport,
		"MZ" + zeros: Unknown,
	} {
		if got := Identify([]byte(head)); got != want {
			t.Errorf("%q: %v, want %v", head, got, want)
		}
	}
}
