// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// losingLines is what the program of losing prints if the final link took what the thin link took.
var losingLines = []string{"exit status 7", "inlined", "main", "native", "never"}

// TestStepsLost is TestStagedLost in separate steps: what nothing refers to any more after
// inlining is linked nevertheless, with its constructors and exports. The plain way, LLD
// with the same map, loses them, which is what the manual warns of.
func TestStepsLost(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		for i, tt := range losingInputs {
			if !s.turn(i) && os.Getenv(testLong) == "" {
				continue
			}
			s.sub(tt.name, func(s *staging) {
				inputs := with([]string{"main.o", "root.o"}, tt.args...)
				m := s.sameSteps(losingLines, with(inputs, "-o", "OUT/program")...)
				if s.remaps() {
					plain := s.finalStep(mapLLD, m.file, with(inputs, "-o", "OUT/program")...)
					wantLines(s.t, sorted(s.run(plain.file("program"))), "exit status 7", "main")
				}
				s.sameStepsLibrary(with([]string{"root.o"}, tt.args...)...)
			})
		}
		s.sub("native main", func(s *staging) {
			for _, inputs := range [][]string{{"use.o", "root.o", "libmixed.a"}, {"root.o", "libmixed.a", "use.o"}} {
				s.sameSteps(losingLines, with(inputs, "-o", "OUT/program")...)
			}
		})
	})
}

// sameSteps links in-process and in steps. The first must print these lines, if there are
// any, in some order, and the second the same, and have the same symbols.
func (s *staging) sameSteps(want []string, args ...string) *stepMap {
	s.t.Helper()
	inProcess := s.link(plainLLD, args...)
	got, m := s.steps(args...)
	s.wantSame(inProcess, got)
	lines := sorted(s.run(inProcess.file("program")))
	if want != nil {
		wantLines(s.t, lines, want...)
	}
	if got := sorted(s.run(got.file("program"))); got != lines {
		s.t.Errorf("in steps the program prints\n%s\nin-process\n%s", got, lines)
	}
	return m
}

// sameStepsLibrary links a shared library both ways. LLD alone loses exports.
func (s *staging) sameStepsLibrary(args ...string) {
	s.t.Helper()
	args = with(args, "-shared", "-o", "OUT/lib.so")
	inProcess := s.link(plainLLD, args...)
	got, m := s.steps(args...)
	s.wantSame(inProcess, got)
	wantLines(s.t, s.useLibrary(inProcess), losingLines...)
	wantLines(s.t, s.useLibrary(got), losingLines...)
	all := []string{"api", "export_of_inlined", "export_of_native", "export_of_never"}
	if exports := s.exports(got); !slices.Equal(exports, all) {
		s.t.Errorf("in steps the library exports %q", exports)
	}
	if !s.remaps() {
		return
	}
	if exports := s.exports(s.finalStep(mapLLD, m.file, args...)); !slices.Equal(exports, all[:1]) {
		s.t.Errorf("LLD alone with the map exports %q: has it learnt what the thin link loaded?", exports)
	}
}

// exports are those functions of ours that a library exports.
func (s *staging) exports(p product) (all []string) {
	s.t.Helper()
	for _, line := range symbolSets(s.t, p.file("lib.so"))["dynamic symbols"] {
		name, _, _ := strings.Cut(line, "@")
		if name == "api" || strings.HasPrefix(name, "export_of_") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// TestStepsTwoFiles is the flaw in its smallest form.
func TestStepsTwoFiles(t *testing.T) {
	withLLVMs(t, everyLLVM, func(s *staging) {
		s.bitcode("main.o", hidden+`int one(void); int main(void) { puts("main"); return one() - 1; }`,
			"one.o", hidden+`int one(void) { return 1; } CONSTRUCTOR { puts("constructor"); }`)
		s.archive("lib.a", "one.o")
		for _, inputs := range [][]string{{"main.o", "lib.a"}, {"main.o", "-Wl,--start-lib", "one.o", "-Wl,--end-lib"}} {
			inputs = with(inputs, "-o", "OUT/program")
			m := s.sameSteps([]string{"constructor", "exit status 0", "main"}, inputs...)
			if s.remaps() {
				plain := s.finalStep(mapLLD, m.file, inputs...)
				wantLines(s.t, s.run(plain.file("program")), "main", "exit status 0")
			}
		}
	})
}

// TestStepsArchives gives the same modules in the ways that only archives know.
func TestStepsArchives(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		s.write("input.ld", "INPUT(main.o libmixed.a)\n", "group.ld", "GROUP(libnative.a libbitcode.a)\n")
		all := with(losingLines, "unused")
		slices.Sort(all)
		for i, tt := range []struct {
			name string
			want []string
			args []string
		}{
			{"whole-archive", all, []string{"main.o", "root.o", "-Wl,--whole-archive", "libbitcode.a", "-Wl,--no-whole-archive", "libnative.a"}},
			{"whole-archive of thin", with(all, "unused native"), []string{"main.o", "root.o", "-Wl,--whole-archive", "libthin.a", "-Wl,--no-whole-archive"}},
			{"whole-archive of mixed", with(all, "unused native"), []string{"main.o", "root.o", "-Wl,--whole-archive", "libmixed.a", "-Wl,--no-whole-archive"}},
			{"linker script", losingLines, []string{"root.o", "input.ld"}},
			{"group in a linker script", losingLines, []string{"main.o", "root.o", "group.ld"}},
			{"twice", losingLines, []string{"main.o", "libmixed.a", "root.o", "libmixed.a"}},
			{"undefined", all, []string{"main.o", "root.o", "libmixed.a", "-Wl,--undefined=unused"}},
			{"absolute", losingLines, []string{s.path("main.o"), "root.o", s.path("libmixed.a")}},
		} {
			if s.turn(i) || os.Getenv(testLong) != "" {
				s.sub(tt.name, func(s *staging) { s.sameSteps(tt.want, with(tt.args, "-o", "OUT/program")...) })
			}
		}
		s.sub("members", archiveFiles)
	})
}

// TestStepsTwice has lazy modules twice, of which the link takes one. The other is not used,
// and must not make LLD say so of the one that is.
func TestStepsTwice(t *testing.T) {
	withLLVMs(t, everyLLVM, func(s *staging) {
		losing(s)
		for _, inputs := range [][]string{
			{"main.o", "root.o", "-Wl,--start-lib", "never.o", "inlined.o", "inlined.o", "-Wl,--end-lib", "libnative.a"},
			{"main.o", "root.o", "-Wl,--start-lib", "never.o", "inlined.o", "-Wl,--end-lib", "libnative.a", "-Wl,--start-lib", "inlined.o", "-Wl,--end-lib"},
			{"main.o", "root.o", "libthin.a", "libthin.a"},
			{"main.o", "root.o", "libmixed.a", "libmixed.a"},
			{"main.o", "root.o", "libthin.a", "-Wl,--start-lib", "inlined.o", "never.o", "-Wl,--end-lib", "libthin.a"},
			{"main.o", "root.o", "-Wl,--start-lib", "inlined.o", "never.o", "-Wl,--end-lib", "libthin.a"},
		} {
			s.sub(strings.Join(inputs, " "), func(s *staging) {
				if s.llvm < 16 && s.overwritten(inputs) {
					return
				}
				s.sameSteps(losingLines, with(inputs, "-o", "OUT/program")...)
			})
		}
	})
}

// overwritten says whether LLD (13 to 15) wrote an index that says to skip a module over the
// one of the same module that is used. A thin link must then say so, and a staged one be
// done in-process, by whose way the program is right.
func (s *staging) overwritten(inputs []string) bool {
	s.t.Helper()
	p, err := s.try(mapDTLTO, with(inputs, "-Wl,--thinlto-index=again.map", "-Wl,--thinlto-prefix-replace=;again/", "-o", "OUT/program")...)
	if err == nil {
		return false
	}
	wantErrorLine(s.t, p.said, "inlined.o", "twice")
	got, err := s.try(mapDTLTO, with(inputs, "-o", "OUT/program")...)
	if err != nil || !strings.Contains(got.said, "linking in-process: inlined.o") {
		s.t.Errorf("the link in steps says %q", got.said)
	}
	wantLines(s.t, sorted(s.run(got.file("program"))), losingLines...)
	return true
}

// archiveFiles is about what is made of an archive's members.
func archiveFiles(s *staging) {
	m := s.thinStep("obj", "main.o", "root.o", "libmixed.a")
	want := []string{"obj/exe.map", "obj/libmixed.a"}
	for _, member := range []string{"unused", "inlined", "never"} {
		stem := "obj/libmixed.a.d/" + member + ".o"
		want = append(want, stem+".bc", stem+".imports", stem+".thinlto.bc")
		if got := s.files("obj/libmixed.a.d")[member+".o.bc"]; got != string(read(s.t, s.path(member+".o"))) {
			s.t.Errorf("%s.bc is not the member", stem)
		}
	}
	for _, file := range []string{"main.o", "root.o"} {
		want = append(want, "obj/"+file+".imports", "obj/"+file+".thinlto.bc")
	}
	want = append(want, "obj/libmixed.a.d/native.o", "obj/libmixed.a.d/unusednative.o")
	s.wantTree(want, "obj")
	for _, job := range m.jobs {
		if unused := filepath.Base(job.Module) == "unused.o.bc"; job.Unused != unused {
			s.t.Errorf("%s: unused: %v", job.Module, job.Unused)
		}
		if imports := s.files(".")[job.Index[:len(job.Index)-len("thinlto.bc")]+"imports"]; imports != fileOf(job.Imports) {
			s.t.Errorf("%s: the map has imports %q, the list %q", job.Module, job.Imports, imports)
		}
	}
	// A build system may make them all, before it knows which are used.
	s.backendStep(m, true)
	got := s.finalStep(mapDTLTO, m.file, "main.o", "root.o", "libmixed.a", "-o", "OUT/program")
	wantLines(s.t, sorted(s.run(got.file("program"))), losingLines...)
	listed := strings.Fields(llvmtest.Output(s.t, s.dir, s.tool("llvm-ar"), "t", "obj/libmixed.a"))
	for _, path := range listed {
		if _, err := os.Stat(s.path(path)); err != nil {
			s.t.Errorf("obj/libmixed.a: %v", err)
		}
	}
	if len(listed) != 4 || !strings.HasPrefix(string(read(s.t, s.path("obj/libmixed.a"))), "!<thin>\n") {
		s.t.Errorf("obj/libmixed.a has %q, want the two used modules and the two native members", listed)
	}
}

func fileOf(lines []string) string { return strings.Join(append(lines, ""), "\n") }

// TestStepsSameNames has three members of one name in an archive, one in another of the same
// name elsewhere, and one whose own name is what the second is called.
func TestStepsSameNames(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		main := hidden + "int main(void) { int sum = 0;\n"
		for i := range 5 {
			name := fmt.Sprintf("%d/m.o", i)
			s.bitcode(name, hidden+fmt.Sprintf("int f%d(void) { return 1; } CONSTRUCTOR { puts(\"m%d\"); }", i, i))
			main = fmt.Sprintf("int f%d(void);\n%s sum += f%d();\n", i, main, i)
		}
		s.bitcode("main.o", main+"return sum; }")
		llvmtest.Run(s.t, s.dir, "mv", "4/m.o", "4/m.2.o")
		s.archive("lib.a", "0/m.o", "1/m.o", "2/m.o")
		s.write("other/keep", "")
		s.archive("other/lib.a", "3/m.o", "4/m.2.o")
		want := []string{"exit status 5", "m0", "m1", "m2", "m3", "m4"}
		s.sameSteps(want, "main.o", "lib.a", "other/lib.a", "-o", "OUT/program")
		names := slices.Sorted(maps.Keys(s.files("obj1/lib.a.d")))
		all := []string{}
		for _, stem := range []string{"m.2.o", "m.3.o", "m.o"} {
			all = append(all, stem, stem+".bc", stem+".imports", stem+".thinlto.bc")
		}
		if !slices.Equal(names, all) {
			s.t.Errorf("members are called %q, want %q", names, all)
		}
		// What the second is called, another may be called already.
		s.archive("clash.a", "0/m.o", "1/m.o", "4/m.2.o", "2/m.o", "3/m.o")
		s.sameSteps(want, "main.o", "clash.a", "-o", "OUT/program")
	})
}
