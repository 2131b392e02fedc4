// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package objcmp

import (
	"strings"
	"testing"
)

// moving is code whose load of a declared variable grows by an instruction when
// it goes through the GOT, with all that describes positions in the code: branches
// forwards and back across the load, unwind rows after it, and an exception table.
const moving = `
	.section .text.f,"ax",@progbits
	.globl f
	.type f,@function
f:	.cfi_startproc
	.cfi_personality 155, DW.ref.personality
	.cfi_lsda 27, .Ltable
	pushq %rbx
	.cfi_def_cfa_offset 16
	.cfi_offset %rbx, -16
.Lagain:
	testl %edi, %edi
	je .Lout
	movq variable(%rip), %r12
.Ltry:	callq thrower@PLT
.Lend:	decl %edi
	jne .Lagain
.Lout:	popq %rbx
	.cfi_def_cfa_offset 8
	retq
.Lpad:	.cfi_def_cfa_offset 16
	.cfi_escape 0x2e, 0x00
	movq %rax, %rdi
	callq resume@PLT
.Lfuncend:
	.size f, .-f
	.cfi_endproc
	.section .gcc_except_table.f,"a",@progbits
	.p2align 2
.Ltable:
	.byte 255, 255, 1
	.uleb128 .Lsitesend-.Lsites
.Lsites:
	.uleb128 .Ltry-f
	.uleb128 .Lend-.Ltry
	.uleb128 .Lpad-f
	.byte 0
	.uleb128 .Lend-f
	.uleb128 .Lfuncend-.Lend
	.byte 0, 0
.Lsitesend:
	.p2align 2
	.section .text.g,"ax",@progbits
	.globl g
	.type g,@function
g:	.cfi_startproc
	jmp f@PLT
	.size g, .-g
	.cfi_endproc
	.data
	.hidden DW.ref.personality
	.weak DW.ref.personality
DW.ref.personality:
	.quad personality
`

const (
	load    = "movq variable(%rip), %r12"
	loadGOT = "movq variable@GOTPCREL(%rip), %rax\n\tmovq (%rax), %r12"
)

func TestMovedCode(t *testing.T) {
	tests := []struct {
		name string
		edit []string // pairs of old and new in the distributed object's source, besides the load
		want Verdict
	}{
		{"load through the GOT", nil, Equivalent},
		{"other scratch register", []string{"%rax\n\tmovq (%rax)", "%r13\n\tmovq (%r13)"}, Equivalent},
		{"same register", []string{"%rax\n\tmovq (%rax)", "%r12\n\tmovq (%r12)"}, Equivalent},

		{"load from elsewhere", []string{"movq (%rax), %r12", "movq (%rbx), %r12"}, Different},
		{"load at an offset", []string{"movq (%rax), %r12", "movq 8(%rax), %r12"}, Different},
		{"load to elsewhere", []string{"movq (%rax), %r12", "movq (%rax), %r13"}, Different},
		{"half the load", []string{"movq (%rax), %r12", "movl (%rax), %r12d"}, Different},
		{"another variable", []string{"variable@", "value@"}, Different},
		{"more code", []string{"movq (%rax), %r12", "movq (%rax), %r12\n\tnop"}, Different},
		{"another call", []string{"callq thrower", "callq thrown"}, Different},
		{"another register later", []string{"decl %edi", "decl %esi"}, Different},
		{"condition", []string{"jne .Lagain", "je .Lagain"}, Different},
		{"branch back to another place", []string{".Lagain:\n\ttestl %edi, %edi", "testl %edi, %edi\n.Lagain:\n"}, Different},
		{"branch forward to another place", []string{".Lout:	popq %rbx", "popq %rbx\n.Lout:"}, Different},
		{"unwind row elsewhere", []string{".Lpad:	.cfi_def_cfa_offset 16", ".cfi_def_cfa_offset 16\n.Lpad:", "movq %rax, %rdi\n", "", "	retq\n", "	retq\n	movq %rax, %rdi\n"}, Different},
		{"unwind row of another size", []string{".cfi_def_cfa_offset 8", ".cfi_def_cfa_offset 12"}, Different},
		{"unwind row missing", []string{"\t.cfi_def_cfa_offset 8\n", ""}, Different},
		{"personality", []string{".quad personality", ".quad person"}, Different},
		{"no exception table", []string{"\t.cfi_lsda 27, .Ltable\n", ""}, Different},
		{"landing pad", []string{".uleb128 .Lpad-f", ".uleb128 .Lout-f"}, Different},
		{"call site's start", []string{".uleb128 .Ltry-f", ".uleb128 .Lagain-f"}, Different},
		{"call site's length", []string{".uleb128 .Lend-.Ltry", ".uleb128 .Lout-.Ltry"}, Different},
		{"call site's action", []string{".uleb128 .Lpad-f\n\t.byte 0", ".uleb128 .Lpad-f\n\t.byte 1"}, Different},
		{"symbol's size", []string{".size f, .-f", ".size f, 8"}, Different},
		{"other function", []string{"jmp f@PLT", "jmp g@PLT"}, Different},
	}
	a := assemble(t, moving)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := replaced(t, moving, load, loadGOT)
			for i := 0; i < len(tt.edit); i += 2 {
				text = replaced(t, text, tt.edit[i], tt.edit[i+1])
			}
			check(t, a, assemble(t, text), tt.want, "")
		})
	}
}

// Positions that did not move although the code did are as wrong.
func TestStalePositions(t *testing.T) {
	for _, edit := range [][2]string{
		{".uleb128 .Lpad-f", ".uleb128 .Lpad-f-3"},
		{".uleb128 .Lend-f", ".uleb128 .Lend-f-3"},
		{".uleb128 .Ltry-f", ".uleb128 .Ltry-f-3"},
		{".size f, .-f", ".size f, .-f-3"},
		{"jne .Lagain", "jne .Lagain+3"},
	} {
		text := replaced(t, replaced(t, moving, load, loadGOT), edit[0], edit[1])
		check(t, assemble(t, moving), assemble(t, text), Different, "")
	}
}

// TestCompiledCode compares what clang itself makes of C++ with exceptions, with
// and without direct access to variables that are declared.
func TestCompiledCode(t *testing.T) {
	const source = `
struct S { S(); ~S(); int n; };
extern void (*hook)(S &, int);
int f(int n) {
  S s;
  if (n > 3) {
    auto *h = hook;
    try { S t; h(t, n); }
    catch (int e) { s.n ^= e; }
  }
  return s.n;
}
`
	flags := []string{"-x", "c++", "-O2", "-fPIE", "-ffunction-sections", "-faddrsig"}
	a := compile(t, source, append(flags, "-fdirect-access-external-data")...)
	b := compile(t, source, append(flags, "-fno-direct-access-external-data")...)
	check(t, a, b, Equivalent, "")
	check(t, b, a, Different, "")
	c := compile(t, strings.Replace(source, "^= e", "|= e", 1), append(flags, "-fno-direct-access-external-data")...)
	check(t, a, c, Different, "code differs")
}

func TestLoadThrough(t *testing.T) {
	registers := []string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}
	var text strings.Builder
	text.WriteString(".text\n")
	var want []byte
	for from, x := range registers {
		for to, y := range registers {
			text.WriteString("movq (%" + x + "), %" + y + "\n")
			want = append(want, loadThrough(byte(from), byte(to))...)
		}
	}
	o, err := readObject(assemble(t, ".globl start\nstart:\n"+text.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range o.sections {
		if s.Name == ".text" && string(s.data) != string(want) {
			t.Error("not what the assembler writes")
		}
	}
}
