// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// TestStepsRegularLTO has objects of regular LTO among the modules: the thin link compiles
// them, all into one, which only the map knows.
func TestStepsRegularLTO(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		s.bitcode("main.o", hidden+`int full(void); int thin(void); int main(void) { puts("main"); return full() + thin(); }`,
			"thin.o", hidden+`int full(void); int thin(void) { return full() + 1; } CONSTRUCTOR { puts("thin"); }`)
		s.compileAll([]string{"-flto=full", "-fPIC"}, []string{"full.o", hidden + `int more(void); int full(void) { return more(); } CONSTRUCTOR { puts("full"); }`,
			"more.o", hidden + `int more(void) { return 2; } CONSTRUCTOR { puts("more"); }`, "unused.o", hidden + `int unused(void) { return 2; } CONSTRUCTOR { puts("unused"); }`})
		s.archive("lib.a", "thin.o", "more.o", "unused.o")
		want := []string{"exit status 5", "full", "main", "more", "thin"}
		for i, inputs := range [][]string{
			{"main.o", "full.o", "thin.o", "more.o"},
			{"full.o", "main.o", "lib.a"},
			{"main.o", "-Wl,--start-lib", "unused.o", "full.o", "thin.o", "more.o", "-Wl,--end-lib"},
			{"main.o", "lib.a", "full.o"},
		} {
			m := s.sameSteps(want, with(inputs, "-o", "OUT/program")...)
			s.wantCombined(m, m.file+".lto.o")
			if !s.turn(i) {
				continue
			}
			s.sub(strings.Join(inputs, " ")+" shared", func(s *staging) {
				args := with(inputs, "-shared", "-o", "OUT/lib.so")
				inProcess := s.link(plainLLD, args...)
				got, _ := s.steps(args...)
				s.wantSame(inProcess, got)
			})
		}
		// Where the user wants it.
		out := s.fresh()
		inputs := []string{"main.o", "full.o", "lib.a", "-Wl,--lto-obj-path=" + out + "/regular.o"}
		m := s.thinStep(out, inputs...)
		s.backendStep(m, false)
		s.wantCombined(m, out+"/regular.o")
		p := s.finalStep(mapDTLTO, m.file, with(inputs, "-o", "OUT/program")...)
		wantLines(s.t, sorted(s.run(p.file("program"))), want...)
		// Without any there is no such object, though LLD makes one.
		m = s.sameSteps([]string{"exit status 5", "main", "thin"}, append(s.withoutRegular(), "-o", "OUT/program")...)
		if _, err := os.Stat(s.path(m.file + ".lto.o")); err == nil || len(m.add) > 0 {
			s.t.Errorf("an object of no regular LTO: %v, %q", err, m.add)
		}
	})
}

// wantCombined wants the object of regular LTO to be there and in the map.
func (s *staging) wantCombined(m *stepMap, file string) {
	s.t.Helper()
	known := slices.Contains(m.add, file) || slices.Contains(m.loads, file)
	for _, to := range m.entries {
		known = known || to == file
	}
	if !known || !isELF(s.t, s.path(file)) {
		s.t.Errorf("the map does not have %s: %q, %q, %q", file, m.lines, m.loads, m.add)
	}
}

// withoutRegular is the same program with a native object for the full one.
func (s *staging) withoutRegular() []string {
	s.t.Helper()
	s.native("full.o", "int full(void) { return 2; }")
	return []string{"main.o", "full.o", "thin.o"}
}

// TestStepsSplitUnits has modules of which a half is regular LTO: whole-program virtual tables.
func TestStepsSplitUnits(t *testing.T) {
	const class = "struct A { virtual int f(); };\nstruct B : A { int f() override; };\nextern \"C\" int printf(const char *, ...);\n"
	withEachLLVM(t, func(s *staging) {
		s.driver = s.tool("clang++")
		s.write("ab.cc", class+"int A::f() { return 1; }\nint B::f() { return 2; }\n",
			"main.cc", class+"int call(A *a) { return a->f(); }\nint main() { B b; A a; printf(\"%d %d\\n\", call(&a), call(&b)); }\n",
			"unused.cc", class+"struct C : A { int f() override { return 3; } };\nA *make() { return new C; }\n")
		flags := []string{"-O2", "-flto=thin", "-fno-rtti", "-fno-exceptions", "-fwhole-program-vtables", "-fsplit-lto-unit", "-fvisibility=hidden", "-c"}
		llvmtest.Run(s.t, s.dir, s.tool("clang++"), append(flags, "ab.cc", "main.cc", "unused.cc")...)
		s.archive("lib.a", "unused.o", "ab.o")
		for _, inputs := range [][]string{{"main.o", "ab.o"}, {"main.o", "lib.a"}} {
			m := s.sameSteps([]string{"1 2", "exit status 0"}, with(inputs, "-fwhole-program-vtables", "-o", "OUT/program")...)
			s.wantCombined(m, m.file+".lto.o")
		}
	})
}

// TestStepsFatObjects has modules in sections of native objects.
func TestStepsFatObjects(t *testing.T) {
	withLLVMs(t, []int{19, 22}, func(s *staging) { // 17 is the first that knows them
		losing(s)
		for _, name := range []string{"main.o", "root.o", "inlined.o", "never.o", "unused.o"} {
			s.compile(name, "-flto=thin", "-ffat-lto-objects", "-fPIC")
		}
		s.archive("libfat.a", "unused.o", "native.o", "inlined.o", "never.o")
		s.sameSteps(losingLines, "main.o", "root.o", "libfat.a", "-Wl,--fat-lto-objects", "-o", "OUT/program")
		s.sameSteps(losingLines, "main.o", "root.o", "-Wl,--start-lib", "native.o", "inlined.o", "never.o", "unused.o", "-Wl,--end-lib", "-Wl,--fat-lto-objects", "-o", "OUT/program")
	})
}

// TestStepsNames has names that mean something in a map, in a shell or in an option. LLD must
// read the map as dtlto means it.
func TestStepsNames(t *testing.T) {
	odd := []string{"in/a b", "in/st*r", "in/br[x]k", "in/[!a-z]", "in/qu?ry", "in/do$$r", "in/quo't", `in/double"`, `in/back\slash`, `in/b\[x`, "in/#hash", "in/#*",
		"in/{a,b}", "in/{a,*}", "in/-x", "in/semi;", "in/at@", "in/ blank", "in/x(y at 12)", "in/tilde~", "#top", " top", "*top", "[top"}
	withLLVMs(t, []int{14, 19, 22}, func(s *staging) {
		main, calls := hidden, ""
		inputs := []string{"main.o"}
		for i, name := range odd {
			number := string(rune('a' + i))
			source := hidden + "int f_" + number + "(void) { return 1; } CONSTRUCTOR { puts(\"" + number + "\"); }"
			s.write(name+".c", source)
			s.compile(name+".o", "-flto=thin", "-fPIC")
			main, calls = main+"int f_"+number+"(void);\n", calls+" + f_"+number+"()"
			inputs = append(inputs, name+".o")
		}
		s.bitcode("main.o", main+"int main(void) { return 0"+calls+"; }")
		// What a pattern must not match.
		s.copy("in/a b.o", "in/starr.o")
		s.copy("in/a b.o", "in/quiry.o")
		want := []string{fmt.Sprint("exit status ", len(odd))}
		for i := range odd {
			want = append(want, string(rune('a'+i)))
		}
		slices.Sort(want)
		m := s.sameSteps(want, with(inputs, "-o", "OUT/program")...)
		for _, input := range inputs {
			if m.entries[input] == "" {
				s.t.Errorf("the map has no %q: %q", input, m.lines)
			}
		}
		if s.remaps() {
			plain := s.finalStep(mapLLD, m.file, with(inputs, "-o", "OUT/program")...)
			wantLines(s.t, sorted(s.run(plain.file("program"))), want...)
		}
		s.archive("in/l*b[1].a", inputs[1:10]...)
		s.archive("in/#l.a", inputs[10:]...)
		args := []string{"main.o", "in/l*b[1].a", "in/#l.a", "-o", "OUT/program"}
		m = s.sameSteps(want, args...)
		if s.remaps() { // all are lazy, and nothing refers to them
			plain := s.finalStep(mapLLD, m.file, args...)
			wantLines(s.t, s.run(plain.file("program")), fmt.Sprint("exit status ", len(odd)))
		}
	})
}
