// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package objcmp

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// base is a module's code in-process: it takes the address of one function that
// it only declares, and calls another. %…% marks what the tests change.
const base = `
	.section .text.f,"ax",@progbits
	.globl f
	.type f,@function
f:	.cfi_startproc
	pushq %rbx
	.cfi_def_cfa_offset 16
	leaq declared(%rip), %r8
	leaq data(%rip), %r9
	movl $7, %edi
	callq other@PLT
	addq data+8(%rip), %rax
	popq %rbx
	.cfi_def_cfa_offset 8
	retq
	.size f, .-f
	.cfi_endproc
	.section .data.data,"aw",@progbits
	.globl data
	.type data,@object
data:	.quad 1
	.quad other+4
	.size data, 16
	.section .rodata.str,"aMS",@progbits,1
text:	.asciz "text"
	.addrsig
	.addrsig_sym declared
	.addrsig_sym f
`

func TestCompare(t *testing.T) {
	tests := []struct {
		name     string
		old, new string // what is replaced in the distributed object's source
		want     Verdict
		reason   string
	}{
		{"nothing", "", "", Identical, ""},
		{"address through the GOT", "leaq declared(%rip)", "movq declared@GOTPCREL(%rip)", Equivalent, ""},
		{"addrsig order", "\t.addrsig_sym declared\n\t.addrsig_sym f\n",
			"\t.addrsig_sym f\n\t.addrsig_sym declared\n", Equivalent, ""},

		{"addrsig entry missing", "\t.addrsig_sym f\n", "", Different, "entries differ"},
		{"addrsig entry other", ".addrsig_sym f\n", ".addrsig_sym data\n", Different, "entries differ"},
		{"byte of code", "movl $7", "movl $8", Different, "code differs"},
		{"register of the reference", "leaq declared(%rip), %r8", "movq declared@GOTPCREL(%rip), %r9", Different, "relocations differ"},
		{"load instead of address", "leaq declared(%rip)", "movq declared(%rip)", Different, "code differs"},
		{"GOT slot's address", "leaq declared(%rip)", "leaq declared@GOTPCREL(%rip)", Different, "relocations differ"},
		{"addend", "other+4", "other+5", Different, "relocations differ"},
		{"addend in code", "data+8", "data", Different, "relocations differ"},
		{"addend of the GOT reference", "leaq declared(%rip)", "movq declared@GOTPCREL+4(%rip)", Different, "relocations differ"},
		{"another symbol", "callq other", "callq another", Different, "relocations differ"},
		{"GOT of another symbol", "leaq declared(%rip)", "movq other@GOTPCREL(%rip)", Different, "relocations differ"},
		{"GOT of a defined symbol", "addq data+8(%rip)", "addq data@GOTPCREL(%rip)", Different, "relocations differ"},
		{"address of a defined symbol through the GOT", "leaq data(%rip)", "movq data@GOTPCREL(%rip)", Different, "relocations differ"},
		{"call through the PLT", "callq other@PLT", "callq other", Identical, ""},
		{"constant", ".quad 1", ".quad 2", Different, "contents differ"},
		{"string", "\"text\"", "\"tex!\"", Different, "contents differ"},
		{"missing section", "\t.section .rodata.str,\"aMS\",@progbits,1\n", "", Different, "sections"},
		{"section flags", ".section .data.data,\"aw\"", ".section .data.data,\"awR\"", Different, "headers differ"},
		{"section name", ".rodata.str", ".rodata.st2", Different, "headers differ"},
		{"extra symbol", "text:", "more:\ntext:", Different, "symtab"},
		{"extra declared symbol", "text:", ".globl extra\ntext:", Different, "symbols"},
		{"missing symbol", "text:", "", Different, "symtab"},
		{"symbol's binding", ".globl data", ".weak data", Different, ""},
		{"symbol's visibility", ".globl data", ".globl data\n\t.hidden data", Different, ""},
		{"symbol's size", ".size data, 16", ".size data, 8", Different, "symbols differ"},
		{"symbol's value", "\ndata:\t.quad 1\n", "\n\t.quad 1\ndata:\n", Different, ""},
		{"call frame", "def_cfa_offset 16", "def_cfa_offset 24", Different, "contents differ"},
		{"longer code", "movl $7, %edi", "movl $7, %edi\n\tnop", Different, ""},
		{"shorter code", "\tmovl $7, %edi\n", "", Different, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := assemble(t, base)
			b := assemble(t, replaced(t, base, tt.old, tt.new))
			check(t, a, b, tt.want, tt.reason)
		})
	}
}

// The other way round is not something that LLVM does.
func TestCompareHasADirection(t *testing.T) {
	a := assemble(t, replaced(t, base, "leaq declared(%rip)", "movq declared@GOTPCREL(%rip)"))
	check(t, a, assemble(t, base), Different, "relocations differ")
}

// Any byte that is changed must be noticed, wherever in the file it is.
func TestEveryByteCounts(t *testing.T) {
	a := assemble(t, base)
	original, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	b := filepath.Join(t.TempDir(), "b.o")
	ignored := unusedBytes(t, a)
	for i := range original {
		if ignored[i] {
			continue
		}
		text := append([]byte{}, original...)
		text[i] ^= 0x11
		if err := os.WriteFile(b, text, 0o644); err != nil {
			t.Fatal(err)
		}
		// An error is as good: the file cannot be read any more.
		if got, err := Compare(a, b); err == nil && got.Verdict != Different {
			t.Errorf("byte %#x: %v", i, got.Verdict)
		}
	}
}

// unusedBytes are those that mean nothing: gaps between sections, where in the
// file a section lies, the null symbol, names of symbols that have none.
func unusedBytes(t *testing.T, path string) map[int]bool {
	t.Helper()
	o, err := readObject(path)
	if err != nil {
		t.Fatal(err)
	}
	unused := map[int]bool{}
	for i := range o.bytes {
		unused[i] = i >= 64 // the ELF header counts
	}
	const strtab = 1                           // LLVM's: how long it is follows from the names in it
	table := len(o.bytes) - 64*len(o.sections) // LLVM puts the section table last
	for i, s := range o.sections {
		for j := range s.FileSize {
			unused[int(s.Offset+j)] = false
		}
		for j := range 64 { // sh_name is at 0 and its name counts, sh_offset is at 24
			unused[table+64*i+j] = i == 0 || j >= 24 && j < 32 || i == strtab && j == 32
		}
		for j := range s.FileSize {
			if s.Type == elf.SHT_SYMTAB && (j < 24 || j%24 < 4 && o.symbols[j/24].Name == "") {
				unused[int(s.Offset+j)] = true
			}
		}
	}
	return unused
}

func TestCompareErrors(t *testing.T) {
	good := assemble(t, base)
	bad := filepath.Join(t.TempDir(), "bad.o")
	for _, text := range []string{"", "not an object", "\x7fELF"} {
		if err := os.WriteFile(bad, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Compare(good, bad); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%q: error is %v", text, err)
		}
	}
}

func check(t *testing.T, a, b string, want Verdict, reason string) {
	t.Helper()
	got, err := Compare(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Verdict != want || !strings.Contains(got.Reason, reason) {
		t.Errorf("%v (%s), want %v (…%s…)", got.Verdict, got.Reason, want, reason)
	}
}

func replaced(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("no %q in the source", old)
	}
	return strings.Replace(text, old, replacement, 1)
}

func assemble(t *testing.T, text string) string {
	t.Helper()
	return compile(t, text, "-x", "assembler")
}

// compile makes an object of a source with clang-22.
func compile(t *testing.T, text string, flags ...string) string {
	t.Helper()
	object := filepath.Join(t.TempDir(), "x.o")
	cmd := exec.Command("clang-22", append(flags, "--target=x86_64-pc-linux-gnu", "-c", "-", "-o", object)...)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("clang-22: %v\n%s", err, out)
	}
	return object
}
