// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"os"
	"testing"
)

// stepsCannot are links that cannot be done in steps, with what the error is about.
var stepsCannot = map[string]string{
	"odd names":        "=?.o",       // a map has = behind a name
	"twice an archive": "libmixed.a", // two spellings of one, which would have one place
}

// TestStepsOptions does in steps what TestStagedOptions does in one go: every other link with
// one LLVM, or with DTLTO_TEST_LONG all with LLVM 19 too.
func TestStepsOptions(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		optionParts(s)
		for i, tt := range optionPrograms {
			if !s.once(i) {
				continue
			}
			s.sub(tt.name, func(s *staging) {
				if refused := stepsCannot[tt.name]; refused != "" {
					out := s.fresh()
					s.wantStepRefused(out, with(thinOptions(out), tt.args...), refused)
					return
				}
				s.sameSteps(nil, with(tt.args, "-o", "OUT/program")...)
			})
		}
		for i, tt := range optionLibraries {
			if !s.once(i) {
				continue
			}
			s.sub("shared, "+tt.name, func(s *staging) {
				args := with(tt.args, "root.o", "-shared", "-o", "OUT/lib.so")
				inProcess := s.link(plainLLD, args...)
				got, _ := s.steps(args...)
				s.wantSame(inProcess, got)
				if want, got := s.useLibrary(inProcess), s.useLibrary(got); got != want {
					s.t.Errorf("with the library, the program prints\n%s\nwith the in-process one\n%s", got, want)
				}
			})
		}
	})
}

// once is turn for what is tried with one LLVM only.
func (s *staging) once(i int) bool {
	if os.Getenv(testLong) != "" {
		return i%4 == map[int]int{14: 0, 16: 1, 22: 2}[s.llvm] || s.llvm == 19
	}
	return i%8 == map[int]int{14: 0, 16: 2, 19: 5, 22: 7}[s.llvm]
}

// TestStepsConstructorOrder is TestStagedConstructorOrder: constructors of modules run in the
// order in which the thin link took the modules.
func TestStepsConstructorOrder(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		s.bitcode(
			"main.o", hidden+`int b(void); CONSTRUCTOR { puts("main"); } int main(void) { return b(); }`,
			"b.o", hidden+`int a(void); CONSTRUCTOR { puts("b"); } int b(void) { return a(); }`,
			"a.o", hidden+`CONSTRUCTOR { puts("a"); } int a(void) { return 0; }`,
		)
		s.archive("lib.a", "a.o", "b.o")
		for _, inputs := range [][]string{{"lib.a", "main.o"}, {"-Wl,--start-lib", "a.o", "b.o", "-Wl,--end-lib", "main.o"}} {
			p, _ := s.steps(with(inputs, "-o", "OUT/program")...)
			wantLines(s.t, s.run(p.file("program")), "main", "b", "a", "exit status 0")
		}
	})
}

// TestStepsLibc is TestStagedLibc: backends call functions of a C library that the thin link
// did not see called. Of bitcode LLD takes them beforehand, of native code the final link.
func TestStepsLibc(t *testing.T) {
	freestanding := []string{"-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-fPIC"}
	withEachLLVM(t, func(s *staging) {
		var bitcode, native []string
		s.compileAll(with(freestanding, "-flto=thin"), []string{"main.o", tinyMain})
		for i := 0; i < len(tinyLibc); i += 2 {
			s.compileAll(with(freestanding, "-flto=thin"), tinyLibc[i:i+2])
			s.compileAll(freestanding, []string{"native" + tinyLibc[i], tinyLibc[i+1]})
			bitcode, native = append(bitcode, tinyLibc[i]), append(native, "native"+tinyLibc[i])
		}
		s.archive("libbitcode.a", bitcode...)
		s.archive("libnative.a", native...)
		s.archive("libboth.a", with(native, bitcode[0])...)
		out := []string{"-static", "-nostdlib", "-o", "OUT/program", "main.o"}
		s.sameSteps([]string{"dropped", "exit status 3", "main", "memcpy", "memset", "never"}, with(out, "libbitcode.a")...)
		want := []string{"dropped", "exit status 3", "main", "memcpy", "never"}
		s.sameSteps(want, with(out, "libnative.a")...)
		s.sameSteps(want, with(out, "libboth.a")...) // an archive that is replaced
	})
}

// TestStepsRelocatable links with -r in steps, and then natively.
func TestStepsRelocatable(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		optionParts(s)
		for _, inputs := range [][]string{usual, {"main.o", "root.o", "libfull.a"}} {
			args := with(inputs, "-r", "-o", "OUT/whole.o")
			inProcess := s.link(plainLLD, args...)
			got, _ := s.steps(args...)
			s.wantSame(inProcess, got)
			if want, got := s.linkWhole(inProcess), s.linkWhole(got); got != want {
				s.t.Errorf("the program prints\n%s\nin-process\n%s", got, want)
			}
		}
	})
}
