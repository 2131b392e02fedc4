// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// remapFolder makes inputs for links by remapped names in a folder, which becomes the
// working directory. Each file defines f and a symbol of the file's name.
func remapFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	llvmtest.Write(t, ".", "main.s", ".globl _start, main\n_start: main: call f", "L/x", "", "M/x", "", "D/x", "", "S/lib/x", "",
		"needs.s", ".globl _start\n_start: call f\n.section .deplibs,\"MS\",@llvm_dependent_libraries,1\n.asciz \"f\"\n")
	as := func(source, object string) {
		llvmtest.Run(t, ".", "clang-19", "--target=x86_64-linux-gnu", "-c", source, "-o", object)
	}
	as("main.s", "main.o")
	as("needs.s", "needs.o")
	for i, name := range []string{"one", "two", "D/three"} {
		base := name[strings.LastIndexByte(name, '/')+1:]
		llvmtest.Write(t, ".", name+".s", ".globl f, "+base+"\nf: "+base+": "+strings.Repeat("nop\n", i+1))
		as(name+".s", name+".o")
	}
	for _, archive := range []string{"L/libf.a one.o", "M/libf.a two.o", "M/libg.a two.o", "S/lib/libf.a one.o"} {
		llvmtest.Run(t, ".", "llvm-ar-19", append([]string{"rc"}, strings.Fields(archive)...)...)
	}
	llvmtest.Run(t, ".", "llvm-ar-19", "rc", "--thin", "thin.a", "one.o")
	llvmtest.Run(t, ".", "ld.lld-19", "-shared", "one.o", "-o", "L/libs.so")
	llvmtest.Run(t, ".", "ld.lld-19", "-shared", "two.o", "-o", "M/libs.so", "-soname", "own.so")
	llvmtest.Run(t, ".", "ld.lld-19", "-shared", "two.o", "-o", "M/libu.so")
	llvmtest.Write(t, ".", "list", "INPUT(one.o)", "D/list", "INPUT(three.o)", "library", "GROUP(AS_NEEDED(-lf))", "include", "INCLUDE list", "both", "INPUT(include)",
		"empty", "", "x.ver", "V1 { global: f; local: *; };", "y.ver", "V2 { global: f; local: *; };", "dyn", "{ nothing; };", "dyn2", "{ f; };",
		"place", "SECTIONS { .two : { *(.text) } }", "retain", "f\n", "order", "f\n")
}

// remapLinks are links by --remap-inputs-file= of LLD 17, and links by other names.
var remapLinks = []struct {
	args string
	maps string // its lines, apart by blanks
	// want is a symbol, or what the program needs.
	want string
}{
	{"main.o one.o", "one.o=two.o", " two"},
	{"main.o one.o", "o*.o=two.o one.?=nothing", " two"},
	{"main.o one.o two.o", "one.o=/dev/null", " two"},
	{"main.o --start-lib one.o --end-lib two.o", "one.o=two.o two.o=/dev/null", " two"},
	{"main.o -LL -lf", "L/libf.a=M/libf.a", " two"},
	{"main.o -LL -l f -LM", "L/*=/dev/null M/*=nothing two.o=nothing main.o=main.o", "undefined symbol: f"},
	{"--whole-archive L/libf.a --no-whole-archive main.o", "L/libf.a=M/libg.a", " two"},
	{"--whole-archive -lf --no-whole-archive main.o thin.a -LL", "thin.a=/dev/null L/libf.a=D/three.o", " three"},
	{"main.o thin.a", "one.o=two.o", " one"},
	{"-pie main.o --as-needed -LL -ls --no-as-needed", "L/libs.so=M/libs.so", "own.so"},
	{"-pie main.o --push-state --as-needed L/libs.so --pop-state M/libs.so", "M/libs.so=M/libu.so L/libs.so=M/libs.so", "own.so"},
	{"-pie main.o L/libs.so", "*/libs.so=M/libu.so", "M/libu.so"},
	{"main.o list", "list=D/list", " three"},
	{"main.o -lx -LL", "L/libx.a=two.o", "unable to find library -lx"},
	{"main.o --sysroot=S -L=/lib -lf", "S/lib/libf.a=M/libf.a", " two"},
	{"main.o -T empty one.o", "empty=D/list one.o=/dev/null", " three"},
	{"main.o one.o -Tempty", "empty=/dev/null", " one"},
	{"main.o one.o -T place", "one.o=two.o", " two"},
	{"-shared one.o --version-script x.ver", "x.ver=y.ver", "V2"},
	{"-shared one.o --version-script=x.ver", "x.ver=y.ver", "V2"},
	{"-pie main.o one.o --export-dynamic-symbol-list=dyn", "dyn=dyn2", ".dynsym' contains 2 entries"},
	{"-pie main.o one.o --dynamic-list=dyn --retain-symbols-file=dyn --symbol-ordering-file dyn", "dyn=retain", "expected"},
	{"main.o one.o --retain-symbols-file=dyn --symbol-ordering-file dyn", "dyn=order", " f"},
	{"one.o --just-symbols=main.o -e main", "main.o=main.o one.o=two.o", " two"},
	{"main.o --just-symbols=one.o", "one.o=two.o", " f"},
	{"main.o one.o -b binary one.o --format=default", "one.o=two.o", "_binary_two_o_start"},
	{"-b binary one.o -b elf main.o two.o", "one.o=/dev/null", "_binary__dev_null_start"},
	{"-shared L/libf.a --whole-archive L/libf.a --exclude-libs libf.a", "L/libf.a=M/libf.a", " two"},
	{"-shared --whole-archive L/libf.a --exclude-libs=ALL", "L/libf.a=M/libg.a", " two"},
	{"needs.o -LL", "M/libf.a=two.o", " one"},
}

// linked is a program, or without one what the linker says.
func linked(t *testing.T, version string, words []string) (program, said string) {
	t.Helper()
	_ = os.Remove("out")
	said, _ = llvmtest.TryRun(t, ".", "ld.lld-"+version, append(slices.Clone(words), "-o", "out")...)
	data, _ := os.ReadFile("out")
	return string(data), said
}

func TestRemappedLinks(t *testing.T) {
	remapFolder(t)
	for _, tc := range remapLinks {
		llvmtest.Write(t, ".", "map", strings.ReplaceAll(tc.maps, " ", "\n"))
		c := command(tc.args + " --remap-inputs-file=map")
		words, err := c.Remapped()
		if err != nil || strings.Contains(strings.Join(words, " "), "remap") {
			t.Errorf("%s with %s: %q, %v", tc.args, tc.maps, words, err)
			continue
		}
		for _, version := range []string{"19", "22"} {
			want, wantSaid := linked(t, version, c.Words)
			got, said := linked(t, version, words)
			if got != want || said != wantSaid {
				t.Errorf("LLD %s: %s with %s: %q is another program\n%s%s", version, tc.args, tc.maps, words, wantSaid, said)
			}
		}
		for _, version := range []string{"14", "16"} {
			checkRemapped(t, version, words, tc.want)
		}
	}
}

// checkRemapped links without a Remap and looks for what the program, or what LLD says,
// must have.
func checkRemapped(t *testing.T, version string, words []string, want string) {
	t.Helper()
	program, text := linked(t, version, words)
	if program != "" {
		text += llvmtest.Run(t, ".", "llvm-readelf-19", "-s", "--dyn-syms", "-d", "-V", "out")
	}
	text = strings.ReplaceAll(text, "\n", "|")
	if !strings.Contains(text, want) {
		t.Errorf("LLD %s: %q: no %q in %s", version, words, want, text)
	}
}

func TestRemappedRefusals(t *testing.T) {
	remapFolder(t)
	llvmtest.Write(t, ".", "-x.o", "", "@x.o", "", "bad", "x")
	llvmtest.Run(t, ".", "llvm-ar-19", "rc", "needs.a", "one.o", "needs.o")
	for _, tc := range []struct{ line, want string }{
		{"--remap-inputs=x", "parse error"}, {"--remap-inputs-file=bad", "bad:1: parse error"},
		{"list --remap-inputs=one.o=two.o", "list names one.o, and LLD before 17 cannot be told to open two.o in its place"},
		{"both --remap-inputs=one.o=two.o", "list names one.o"}, {"both --remap-inputs=list=two.o", "include names list"},
		{"-T both --remap-inputs=list=/dev/null", "include names list"}, {"-dT list --remap-inputs=one.o=two.o", "list names one.o"},
		{"list --remap-inputs=list=D/list --remap-inputs=one.o=two.o", ""}, {"list --remap-inputs=list=D/list --remap-inputs=D/three.o=two.o", "D/list names D/three.o"},
		{"library -LL --remap-inputs=L/libf.a=two.o", "library names L/libf.a"}, {"library -LL --remap-inputs=M/libf.a=two.o", ""},
		{"list --remap-inputs=one.o=one.o", ""},
		{"needs.o -LL --remap-inputs=L/libf.a=two.o", "needs.o names L/libf.a"}, {"needs.a -LL --remap-inputs=L/libf.a=two.o", "needs.a(needs.o) names L/libf.a"},
		{"needs.o -LL --no-dependent-libraries --remap-inputs=L/libf.a=two.o", ""}, {"one.o --remap-inputs=one.o=-x.o", "-x.o has a name"},
		{"-T empty --remap-inputs=empty=@x.o", "@x.o has a name"}, {"-LL -ls --remap-inputs=L/libs.so=M/libu.so", "M/libu.so is a shared library without a name"},
		{"-LL -ls --remap-inputs=L/libs.so=M/libs.so", ""}, {"L/libs.so --remap-inputs=L/libs.so=M/libu.so", ""},
		{"L/libf.a --exclude-libs=libf.a --remap-inputs=L/libf.a=M/libg.a", "M/libg.a is in the place of L/libf.a, and --exclude-libs"},
		{"L/libf.a --exclude-libs=x:libg.a --remap-inputs=L/libf.a=M/libg.a", "--exclude-libs"}, {"L/libf.a --exclude-libs=ALL --remap-inputs=L/libf.a=M/libg.a", ""},
		{"L/libf.a -T place --remap-inputs=L/libf.a=M/libf.a", "whose members place may mean"}, {"L/libf.a -T empty --remap-inputs=L/libf.a=M/libf.a", ""},
		{"-T empty -LL --remap-inputs=empty=libs.so", "libs.so is not there"},
		{"--chroot x --remap-inputs=a=b", "--chroot"}, {"--chroot x", ""},
	} {
		words, err := command(tc.line).Remapped()
		if message := errorText(err); !strings.Contains(message, tc.want) || tc.want == "" && err != nil {
			t.Errorf("%s: %v, want %s", tc.line, err, tc.want)
		}
		if err != nil && words != nil {
			t.Errorf("%s: %q and %v", tc.line, words, err)
		}
	}
}

// A Remap that is not of the command's own options is what Remapped takes.
func TestRemappedOther(t *testing.T) {
	c := command("a.o -o x b.o --remap-inputs=b.o=c.o")
	r, err := NewRemap([]RemapEntry{{"a.o", "d.o"}})
	if err != nil {
		t.Fatal(err)
	}
	c.SetRemap(r)
	if words, err := c.Remapped(); err != nil || !slices.Equal(words, strings.Fields("d.o -o x b.o")) {
		t.Errorf("%q, %v", words, err)
	}
}
