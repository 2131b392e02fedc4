// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// optionParts are what the links of TestStagedOptions are made of besides the modules
// of losing.
func optionParts(s *staging) {
	s.t.Helper()
	s.shared("options", makeOptionParts)
}

func makeOptionParts(s *staging) {
	makeLosing(s)
	s.bitcode(
		"wrap.o", hidden+`int __real_api(void); int __wrap_api(void) { puts("wrapped"); return __real_api() + 1; }`,
		"features.o", featureText,
		"usefeatures.o", `int features(void); int main(void) { return features(); }`,
		// Two definitions: the first one given counts.
		"first.o", `int weak(void); int twice(void) { return 1; } __attribute__((weak)) int weakly(void) { return 10; } int first(void) { return twice() + weakly(); }`,
		"second.o", `int twice(void) { return 2; } __attribute__((weak)) int weakly(void) { return 20; } int second(void) { return twice() + weakly(); }`,
		"usetwice.o", `int first(void); int second(void); int main(void) { return first() * 50 + second(); }`,
		"same/1/m.o", hidden+`int one(void) { puts("one"); return 1; }`,
		"same/2/m.o", hidden+`int two(void) { puts("two"); return 2; }`,
		"same/3/m.o", hidden+`int three(void) { puts("three"); return 3; }`,
		"usesame.o", `int one(void); int two(void); int main(void) { return one() * 10 + two(); }`,
		"deplib.o", "#pragma comment(lib, \"mixed\")\n"+hidden+`int api(void); int main(void) { return api(); }`,
		"fold.o", `__attribute__((noinline)) int fold1(int n) { return n * 7 + 1; } __attribute__((noinline)) int fold2(int n) { return n * 7 + 1; }`,
		"usefold.o", `int fold1(int); int fold2(int); int main(int argc, char **v) { return (fold1(argc) + fold2(argc)) + ((void *)fold1 == (void *)fold2); }`,
		"kernel.o", `extern int far; int near1; int sum(void); int kernel(void) { return far + near1 + sum(); }`,
		"odd names/a;b (c at 1) [x]*=?.o", `int odd(void) { return 9; }`,
		"useodd.o", `int odd(void); int main(void) { return odd(); }`,
	)
	s.native("nativewrap.o", hidden+`int __real_api(void); int __wrap_api(void) { puts("wrapped natively"); return __real_api() + 1; }`,
		"nativetwice.o", `int twice(void) { return 3; }`,
		"nativedeplib.o", "#pragma comment(lib, \"mixed\")\n"+hidden+`int api(void); int main(void) { return api(); }`)
	s.compileAll([]string{"-flto=full", "-fPIC"}, []string{"full.o", hidden + `int api(void); int main(void) { puts("full"); return api(); }`,
		"fullmember.o", hidden + `HIDDEN int never(void) { return 0; } CONSTRUCTOR { puts("full member"); }`})
	s.compileAll([]string{"-flto=thin", "-fno-pic", "-mcmodel=kernel"}, []string{"nopic.o", `extern int far; int near2; int sum(void); int nopic(void) { return far + near2 + sum(); }`})
	s.archive("libsame.a", "same/1/m.o", "same/2/m.o", "same/3/m.o")
	s.archive("libtwice.a", "first.o", "second.o")
	s.archive("libfull.a", "fullmember.o", "inlined.o", "native.o")
	s.archive("libodd (1);x.a", "odd names/a;b (c at 1) [x]*=?.o")
	s.write(
		"input.ld", "INPUT(main.o root.o libmixed.a)\n",
		"libscript.a", "GROUP(libbitcode.a libnative.a)\n",
		"scripts/libbeside.a", "INPUT(-lbitcode libnative.a)\n",
		"place.ld", "SECTIONS { .placed : { *libmixed.a:native.o(.text .text.*) } } INSERT AFTER .text;\n",
		"version", "V1 { global: api; export_of_in*; local: *; };\n",
		"versions", "V1 { global: api; local: *; };\nV2 { global: export_of_*; } V1;\n",
		"dynamic", "{ export_of_native; api; };\n",
		"retain", "main\napi\n",
		"inputs.rsp", "main.o\n\"root.o\" 'libmixed.a'\n",
	)
}

// featureText is a module with what a linker may treat in a way of its own.
const featureText = `
extern int __start_table[], __stop_table[];
__attribute__((section("table"), used)) static int entry = 4;
int resolved(void) { return 1; }
__attribute__((used)) int (*resolver(void))(void) { return resolved; }
int indirect(void) __attribute__((ifunc("resolver")));
int strong(void) { return 2; }
int alias(void) __attribute__((weak, alias("strong")));
__thread int tls = 5;
int common;
__asm__(".globl from_asm\n.type from_asm,@function\nfrom_asm: movl $6, %eax\nret\n");
int from_asm(void);
__attribute__((weak)) int missing(void);
int features(void) { return indirect() + alias() + tls + from_asm() + (int)(__stop_table - __start_table) + entry + (missing ? 100 : 0) + common; }
`

// usual is a program of bitcode and native members.
var usual = []string{"main.o", "root.o", "libmixed.a"}

func with(inputs []string, args ...string) []string { return append(slices.Clone(inputs), args...) }

// optionPrograms are links of programs. Options that change what is linked, what is
// visible of it, and how it is found must act once, on what they act on in-process.
var optionPrograms = []struct {
	name string
	args []string
}{
	{"whole-archive", []string{"main.o", "root.o", "-Wl,--whole-archive", "libmixed.a", "-Wl,--no-whole-archive"}},
	{"whole-archive of one", []string{"main.o", "root.o", "-Wl,--whole-archive", "libbitcode.a", "-Wl,--no-whole-archive", "libnative.a"}},
	{"whole-archive of thin", []string{"main.o", "root.o", "-Wl,--whole-archive", "libthin.a", "-Wl,--no-whole-archive"}},
	{"whole-archive in state", []string{"main.o", "root.o", "-Wl,--push-state,--whole-archive", "libnative.a", "-Wl,--pop-state", "libbitcode.a"}},
	{"undefined", with(usual, "-Wl,--undefined=unused")},
	{"undefined native", with(usual, "-Wl,-u,unused_native")},
	{"undefined-glob", with(usual, "-Wl,--undefined-glob=unus*")},
	{"entry in an archive", with(usual, "-Wl,--defsym=other=unused")},
	{"version script", with(usual, "-Wl,--version-script=version", "-Wl,--export-dynamic")},
	{"export-dynamic", with(usual, "-Wl,--export-dynamic")},
	{"export-dynamic-symbol", with(usual, "-Wl,--export-dynamic-symbol=export_of_n*")},
	{"dynamic-list", with(usual, "-Wl,--dynamic-list=dynamic")},
	{"exclude-libs", with(usual, "-Wl,--export-dynamic,--exclude-libs=libmixed.a")},
	{"gc-sections", with(usual, "-Wl,--gc-sections")},
	{"gc-sections static", with(usual, "-Wl,--gc-sections", "-static")},
	{"icf", []string{"usefold.o", "fold.o", "-Wl,--icf=all"}},
	{"icf safe", []string{"usefold.o", "fold.o", "-Wl,--icf=safe"}},
	{"static-pie", with(usual, "-static-pie")},
	{"no-pie", with(usual, "-no-pie")},
	{"retain-symbols-file", with(usual, "-Wl,--retain-symbols-file=retain")},
	{"strip", with(usual, "-s")},
	{"emit-relocs", with(usual, "-Wl,--emit-relocs")},
	{"twice an archive", with(usual, "libmixed.a", "./libmixed.a")},
	{"lazy and not", []string{"main.o", "root.o", "native.o", "inlined.o", "libmixed.a"}},
	{"lazy before", []string{"libmixed.a", "main.o", "root.o", "libmixed.a"}},
	{"first definition", []string{"usetwice.o", "first.o", "second.o", "-Wl,--allow-multiple-definition"}},
	{"first definition, other", []string{"second.o", "first.o", "usetwice.o", "-Wl,-z,muldefs"}},
	{"first definition, native", []string{"nativetwice.o", "usetwice.o", "libtwice.a", "-Wl,-z,muldefs"}},
	{"same names", []string{"usesame.o", "libsame.a"}},
	{"same names, whole", []string{"usesame.o", "-Wl,--whole-archive", "libsame.a", "-Wl,--no-whole-archive"}},
	{"same names, objects", []string{"usesame.o", "same/1/m.o", "-Wl,--start-lib", "same/3/m.o", "same/2/m.o", "-Wl,--end-lib"}},
	{"odd names", []string{"useodd.o", "odd names/a;b (c at 1) [x]*=?.o"}},
	{"odd names in an archive", []string{"useodd.o", "libodd (1);x.a"}},
	{"features", []string{"usefeatures.o", "features.o"}},
	{"features, collected", []string{"usefeatures.o", "features.o", "-Wl,--gc-sections,-z,start-stop-gc"}},
	{"library search", []string{"main.o", "root.o", "-Lscripts", "-L.", "-l:libmixed.a"}},
	{"static library search", []string{"main.o", "root.o", "-L", ".", "-Wl,-Bstatic", "-lmixed", "-Wl,-Bdynamic"}},
	{"script of inputs", []string{"input.ld"}},
	{"script as library", []string{"main.o", "root.o", "-L.", "-lscript"}},
	{"script in its folder", []string{"main.o", "root.o", "-L.", "-Lscripts", "-lbeside"}},
	{"script with a member", with(usual, "-Wl,-T,place.ld")},
	{"dependent library", []string{"deplib.o", "root.o", "-L."}},
	{"dependent library of native", []string{"nativedeplib.o", "root.o", "-L."}},
	{"response file", []string{"@inputs.rsp"}},
	{"response file for the linker", []string{"-Wl,@inputs.rsp"}},
	{"full LTO beside", []string{"full.o", "root.o", "libmixed.a"}},
	{"full LTO in an archive", []string{"main.o", "root.o", "libfull.a"}},
	{"no dynamic linker", with(usual, "-Wl,-z,now,-z,relro,--hash-style=both,--build-id=0x1234")},
}

// optionLibraries are links of shared libraries.
var optionLibraries = []struct {
	name string
	args []string
}{
	{"exclude-libs of bitcode", []string{"-Wl,--exclude-libs,libbitcode.a", "libbitcode.a", "libnative.a"}},
	{"exclude-libs of native", []string{"-Wl,--exclude-libs=libnative.a", "libbitcode.a", "libnative.a"}},
	{"exclude-libs of mixed", []string{"-Wl,--exclude-libs=other.a:libmixed.a", "libmixed.a"}},
	{"exclude-libs of none", []string{"-Wl,--exclude-libs=other.a", "libmixed.a"}},
	{"exclude-libs of all", []string{"-Wl,--exclude-libs=ALL", "libmixed.a"}},
	{"exclude-libs of whole", []string{"-Wl,--exclude-libs=libmixed.a", "-Wl,--whole-archive", "libmixed.a", "-Wl,--no-whole-archive"}},
	{"version script", []string{"libmixed.a", "-Wl,--version-script=version"}},
	{"versions", []string{"libmixed.a", "-Wl,--version-script=versions"}},
	{"Bsymbolic", []string{"libmixed.a", "-Wl,-Bsymbolic"}},
	{"Bsymbolic-functions", []string{"libmixed.a", "-Wl,-Bsymbolic-functions"}},
	{"dynamic-list", []string{"libmixed.a", "-Wl,--dynamic-list=dynamic"}},
	{"no undefined", []string{"libmixed.a", "-Wl,-z,defs,--gc-sections"}},
}

func TestStagedOptions(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		optionParts(s)
		for i, tt := range optionPrograms {
			if s.turn(i) {
				s.sub(tt.name, func(s *staging) { s.sameLines(tt.args...) })
			}
		}
		for i, tt := range optionLibraries {
			if !s.turn(i) {
				continue
			}
			s.sub("shared, "+tt.name, func(s *staging) {
				inProcess, staged := s.same(append(tt.args, "root.o", "-shared", "-o", "OUT/lib.so")...)
				if want, got := s.useLibrary(inProcess), s.useLibrary(staged); got != want {
					s.t.Errorf("with the library, the program prints\n%s\nwith the in-process one\n%s", got, want)
				}
			})
		}
	})
}

// turn says whether a case is tried with this LLVM: each is with LLVM 19 and with one of
// the others, for the sake of time.
func (s *staging) turn(i int) bool {
	return s.llvm == 19 || slices.Index([]int{14, 16, 22}, s.llvm) == i%3
}

// TestStagedFromBelow links in a folder below its inputs: LLD joins `../` to the folder
// for index shards like any other name, and so writes them outside it.
func TestStagedFromBelow(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		s.write("a/b/.keep", "")
		before := names(t, s.dir)
		below := *s
		below.dir = s.path("a/b")
		below.sameLines("../../main.o", "../../root.o", "../../libmixed.a")
		below.sameLines("../../main.o", "../../a/../root.o", "-L../..", "-lthin")
		below.sameLines(s.path("main.o"), s.path("root.o"), s.path("a/../libmixed.a"))
		wantNames(s.t, s.dir, before)
		wantNames(s.t, s.path("a"), []string{"b"})
	})
}

// TestStagedWrap wraps a symbol. Of what is wrapped, LTO makes a weak definition, and LLD
// a global one again when it gets that in an object: bindings differ.
func TestStagedWrap(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		optionParts(s)
		for _, wrap := range []string{"wrap.o", "nativewrap.o"} {
			args := append(with(usual, wrap), "-Wl,--wrap=api", "-o", "OUT/program")
			inProcess, staged := s.link(plainLLD, args...), s.link(stagedLLD, args...)
			want, got := symbolNames(s.t, inProcess.file("program")), symbolNames(s.t, staged.file("program"))
			if lost, added := less(want, got), less(got, want); len(lost) > 0 || len(added) > 0 {
				s.t.Errorf("%s: symbols %q are lost, and %q added", wrap, lost, added)
			}
			if want, got := sorted(s.run(inProcess.file("program"))), sorted(s.run(staged.file("program"))); got != want || !strings.Contains(got, "wrapped") {
				s.t.Errorf("%s: the program prints\n%s\nin-process\n%s", wrap, got, want)
			}
		}
	})
}

func symbolNames(t *testing.T, file string) (all []string) {
	t.Helper()
	for _, line := range symbolSets(t, file)["symbols"] {
		name, _, _ := strings.Cut(line, "@")
		all = append(all, name)
	}
	return all
}

// TestStagedRelocatable links with -r, where the relocation model is each module's
// own, then natively. The relocations must be the in-process ones.
func TestStagedRelocatable(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		optionParts(s)
		for _, inputs := range [][]string{usual, {"main.o", "root.o", "libbitcode.a", "native.o"}, {"kernel.o", "nopic.o"}, {"main.o", "root.o", "libfull.a"}} {
			s.sub(strings.Join(inputs, " "), func(s *staging) {
				inProcess, staged := s.same(append(inputs, "-r", "-o", "OUT/whole.o")...)
				want, got := s.relocations(inProcess), s.relocations(staged)
				if lost, added := less(want, got), less(got, want); len(lost) > 0 || len(added) > 0 {
					s.t.Errorf("relocations %q are lost, and %q added", lost, added)
				}
				if inputs[0] != "main.o" {
					return
				}
				if want, got := s.linkWhole(inProcess), s.linkWhole(staged); got != want {
					s.t.Errorf("the program prints\n%s\nin-process\n%s", got, want)
				}
			})
		}
	})
}

var relocation = regexp.MustCompile(`R_X86_64_\S+ +\S+ +(\S.*)`)

func (s *staging) relocations(p product) (all []string) {
	s.t.Helper()
	for _, m := range relocation.FindAllString(llvmtest.Output(s.t, s.dir, s.tool("llvm-readelf"), "-r", "-W", p.file("whole.o")), -1) {
		all = append(all, strings.Join(strings.Fields(m), " "))
	}
	return all
}

func (s *staging) linkWhole(p product) string {
	s.t.Helper()
	program := filepath.Join(p.dir, "program")
	llvmtest.Run(s.t, s.dir, s.tool("clang"), "-fuse-ld=lld", p.file("whole.o"), "-o", program)
	return sorted(s.run(program))
}

// TestStagedSplitUnits links modules of which regular LTO takes a part, for virtual
// tables, in-process during the thin link.
func TestStagedSplitUnits(t *testing.T) {
	const class = "struct A { virtual int f(); };\nstruct B : A { int f() override; };\nextern \"C\" int printf(const char *, ...);\n"
	withEachLLVM(t, func(s *staging) {
		s.write("ab.cc", class+"int A::f() { return 1; }\nint B::f() { return 2; }\n",
			"main.cc", class+"int call(A *a) { return a->f(); }\nint main() { B b; A a; printf(\"%d %d\\n\", call(&a), call(&b)); }\n",
			"unused.cc", class+"struct C : A { int f() override { return 3; } };\nA *make() { return new C; }\n")
		flags := []string{"-O2", "-flto=thin", "-fno-rtti", "-fno-exceptions", "-fwhole-program-vtables", "-fsplit-lto-unit", "-fvisibility=hidden", "-c"}
		llvmtest.Run(s.t, s.dir, s.tool("clang++"), append(flags, "ab.cc", "main.cc", "unused.cc")...)
		s.archive("lib.a", "unused.o", "ab.o")
		wantLines(s.t, s.sameRun("-fwhole-program-vtables", "main.o", "ab.o"), "1 2", "exit status 0")
		wantLines(s.t, s.sameRun("-fwhole-program-vtables", "main.o", "lib.a"), "1 2", "exit status 0")
		wantLines(s.t, s.sameRun("main.o", "lib.a"), "1 2", "exit status 0")
	})
}

// TestStagedFatObjects links objects that have machine code and bitcode. -fuse-ld=dtlto
// leaves it to the user to ask for the bitcode.
func TestStagedFatObjects(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		if s.llvm < 17 {
			return // LLD 17 is the first that knows them
		}
		losing(s)
		fat := []string{"-flto=thin", "-ffat-lto-objects", "-fPIC"}
		for _, name := range []string{"main.o", "root.o", "inlined.o", "never.o", "unused.o"} {
			s.compile(name, fat...)
		}
		s.archive("libfat.a", "unused.o", "native.o", "inlined.o", "never.o")
		got := s.sameLines("main.o", "root.o", "libfat.a", "-Wl,--fat-lto-objects")
		wantLines(s.t, got, "exit status 7", "inlined", "main", "native", "never")
		s.sameLines("main.o", "root.o", "-Wl,--start-lib", "native.o", "inlined.o", "never.o", "unused.o", "-Wl,--end-lib", "-Wl,--fat-lto-objects")
	})
}

// TestStagedSeeds is the worked examples that people gave of what to type for LLVM's
// separate steps, three to five commands after the compiles: one here.
func TestStagedSeeds(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		s.write("a.c", "int bb(); int main() { return bb(); }", "b.c", "int elf0(); int bb() { return elf0(); }",
			"c.c", "int cc() { return 0; }", "elf0.c", "int elf0() { return 0; }", "elf1.c", "")
		for _, name := range []string{"a.o", "b.o", "c.o"} {
			s.compile(name, "-flto=thin")
		}
		s.compile("elf0.o")
		s.compile("elf1.o")
		s.seed("distributed ThinLTO example", 2, "elf0.o", "a.o", "-Wl,--start-lib", "b.o", "c.o", "-Wl,--end-lib", "elf1.o")

		// "lib.o in lib.a", which had to be renamed to "lib.a(lib.o at 94)".
		s.write("main.c", "int lib(void); int main(void) { return lib(); }", "lib.c", "int lib(void) { return 0; }")
		s.compile("main.o", "-flto=thin", "-O3")
		s.compile("lib.o", "-flto=thin", "-O3")
		s.archive("lib.a", "lib.o")
		s.seed("an archive", 2, "-O3", "main.o", "lib.a")

		// The --thinlto-index= text, less its minimised bitcode: a native file first.
		s.write("ga.c", "int g() { return 0; }", "thin/b.c", "int f(); int main() { return f(); }",
			"thin/c.c", "int g(); int f() { return g(); }", "thin/d.c", "")
		s.compile("ga.o")
		for _, name := range []string{"thin/b.o", "thin/c.o", "thin/d.o"} {
			s.compile(name, "-flto=thin")
		}
		s.seed("lazy files in order", 2, "ga.o", "thin/b.o", "-Wl,--start-lib", "thin/c.o", "thin/d.o", "-Wl,--end-lib")
	})
}

// seed wants a link to compile so many modules, those that are used.
func (s *staging) seed(name string, jobs int, args ...string) {
	s.t.Helper()
	s.sub(name, func(s *staging) {
		wantLines(s.t, s.sameLines(args...), "exit status 0")
		if p := s.link(stagedLLD, append(args, "-o", "OUT/program")...); p.jobs != jobs {
			s.t.Errorf("%d jobs, want %d", p.jobs, jobs)
		}
	})
}
