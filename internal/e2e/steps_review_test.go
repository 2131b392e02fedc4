// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"slices"
	"strings"
	"testing"
)

// TestStepsEagerAndLazy has a file both as it is and between --start-lib and --end-lib.
func TestStepsEagerAndLazy(t *testing.T) {
	withLLVMs(t, everyLLVM, func(s *staging) {
		s.bitcode("main.o", hidden+`int f(void); int main(void) { return f(); }`, "f.o", hidden+`int f(void) { puts("f"); return 7; }`,
			"apart.o", hidden+`int main(void) { puts("apart"); return 7; }`)
		s.native("native.o", hidden+`int f(void) { puts("f"); return 7; }`)
		for _, inputs := range [][]string{
			{"main.o", "native.o", "-Wl,--start-lib", "native.o", "-Wl,--end-lib"},
			{"main.o", "native.o", "-Wl,--start-lib", "native.o", "native.o", "-Wl,--end-lib"},
			{"apart.o", "-Wl,--start-lib", "native.o", "-Wl,--end-lib", "native.o"},
			{"main.o", "f.o", "-Wl,--start-lib", "f.o", "-Wl,--end-lib"},
			{"apart.o", "-Wl,--start-lib", "f.o", "-Wl,--end-lib", "f.o"},
		} {
			s.sub(strings.Join(inputs, " "), func(s *staging) {
				want := []string{"exit status 7", "f"}
				if inputs[0] == "apart.o" {
					want[1] = "apart"
					slices.Sort(want)
				}
				args := with(inputs, "-o", "OUT/program")
				if s.llvm < 16 && slices.Contains(inputs, "f.o") {
					out := s.fresh()
					s.wantStepRefused(out, with(thinOptions(out), inputs...), "f.o", "is there twice, and this LLD")
					return
				}
				s.sameSteps(want, args...)
				s.same(args...)
			})
		}
	})
}

// TestStepsMemberPlaced has a linker script that chooses a member of an archive, of which
// the link takes all.
func TestStepsMemberPlaced(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		s.bitcode("main.o", `int nat(void), f(void); int main(void) { return nat() + f(); }`, "f.o", `int f(void) { return 3; }`)
		s.native("nat.o", `int nat(void) { return 4; }`, "other.o", `int other(void) { return 4; } int nat(void) { return other(); }`)
		s.write("place.ld", "SECTIONS { .placed : { *libmix.a:nat.o(.text .text.*) } } INSERT AFTER .text;\n")
		s.archive("libmix.a", "nat.o", "f.o")
		for _, inputs := range [][]string{{"main.o", "libmix.a"}, {"main.o", "-Wl,--whole-archive", "libmix.a", "-Wl,--no-whole-archive"}} {
			args := with(inputs, "-Wl,-T,place.ld", "-o", "OUT/program")
			s.sub(strings.Join(inputs, " "), func(s *staging) {
				m := s.sameSteps([]string{"exit status 7"}, args...)
				if m.entries["libmix.a"] == "" {
					s.t.Errorf("the archive is not mapped: %q", m.lines)
				}
				s.same(args...)
				all := symbolSets(s.t, s.path("lld/program"))["symbols"]
				if !slices.ContainsFunc(all, func(line string) bool { return strings.HasPrefix(line, "nat@") && strings.HasSuffix(line, ".placed") }) {
					s.t.Errorf("in-process nat is elsewhere: %q", all)
				}
			})
		}
	})
}

// TestStepsCFI hides what only the jump table of control flow integrity defines with
// default visibility: LLVM makes it in the regular-LTO object.
func TestStepsCFI(t *testing.T) {
	cfi := []string{"-fsanitize=cfi-icall", "-fno-sanitize-ignorelist", "-fvisibility=hidden"}
	withEachLLVM(t, func(s *staging) {
		const visible = `__attribute__((visibility("default"))) `
		s.compileAll(with(cfi, "-flto=thin", "-fPIC"), []string{
			"f.o", `int f(int x) { return x + 1; }`,
			"use.o", `int f(int); ` + visible + `int (*get(void))(int) { return f; } ` + visible + `int call(int (*g)(int)) { return g(2); }`,
		})
		s.same(with(cfi, "use.o", "f.o", "-shared", "-o", "OUT/lib.so")...)
		args := with(cfi, "use.o", "f.o", "-shared", "-o", "OUT/lib.so")
		inProcess := s.link(plainLLD, args...)
		got, _ := s.steps(args...)
		s.wantSame(inProcess, got)
		for _, line := range symbolSets(s.t, inProcess.file("lib.so"))["dynamic symbols"] {
			if strings.HasPrefix(line, "f@") {
				s.t.Error("in-process exports f")
			}
		}
	})
}
