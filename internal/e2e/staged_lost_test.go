// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// hidden is what C code needs for calls to be inlined in a shared library too.
const hidden = "#define HIDDEN __attribute__((visibility(\"hidden\")))\n#define CONSTRUCTOR __attribute__((constructor)) static void start(void)\nint puts(const char *);\n"

// losing is a program from which a final link loses things if it looks for what it
// needs by itself: after LTO nothing refers to inlined.o, never.o or native.o any
// more, of which each has a constructor and an export. The thin link took them all.
// unused.o is not taken by any link.
func losing(s *staging) {
	s.t.Helper()
	s.shared("losing", makeLosing)
}

func makeLosing(s *staging) {
	s.bitcode(
		"main.o", hidden+`int api(void); int main(void) { puts("main"); return api(); }`,
		"root.o", hidden+`HIDDEN int never(void); int native(void); HIDDEN int inlined(void);
			int api(void) { if (never()) native(); return inlined(); }`,
		"inlined.o", hidden+`HIDDEN int inlined(void) { return 7; } int export_of_inlined(void) { return 1; }
			CONSTRUCTOR { puts("inlined"); }`,
		"never.o", hidden+`HIDDEN int never(void) { return 0; } int export_of_never(void) { return 2; }
			CONSTRUCTOR { puts("never"); }`,
		"unused.o", hidden+`int unused(void) { return 3; } CONSTRUCTOR { puts("unused"); }`,
	)
	s.native(
		"native.o", hidden+`int native(void) { return 4; } int export_of_native(void) { return 5; } CONSTRUCTOR { puts("native"); }`,
		"unusednative.o", hidden+`int unused_native(void) { return 6; } CONSTRUCTOR { puts("unused native"); }`,
		"use.o", hidden+`int api(void); int main(void) { puts("main"); return api(); }`,
	)
	s.archive("libbitcode.a", "unused.o", "never.o", "inlined.o")
	s.archive("libnative.a", "unusednative.o", "native.o")
	s.archive("libmixed.a", "unused.o", "native.o", "inlined.o", "unusednative.o", "never.o")
	llvmtest.Run(s.t, s.dir, s.tool("llvm-ar"), "qcS", "libnoindex.a", "unused.o", "native.o", "inlined.o", "unusednative.o", "never.o")
	llvmtest.Run(s.t, s.dir, s.tool("llvm-ar"), "rcT", "libthin.a", "unused.o", "native.o", "inlined.o", "unusednative.o", "never.o")
}

// losingInputs are the ways to give those modules to a link.
var losingInputs = []struct {
	name string
	args []string
}{
	{"archives", []string{"libbitcode.a", "libnative.a"}},
	{"one archive", []string{"libmixed.a"}},
	{"thin archive", []string{"libthin.a"}},
	{"archive without an index", []string{"libnoindex.a"}}, // GNU ar makes it of bitcode
	{"library search", []string{"-L.", "-lmixed"}},
	{"start-lib", []string{"-Wl,--start-lib", "unused.o", "native.o", "inlined.o", "-Wl,--end-lib", "-Wl,--start-lib", "never.o", "unusednative.o", "-Wl,--end-lib"}},
	{"archive before", []string{"-Wl,--start-group", "libnative.a", "libbitcode.a", "-Wl,--end-group"}},
}

// TestStagedLost links what the naive way of linking natively afterwards gets wrong:
// there, constructors do not run and exports are gone, without a word.
func TestStagedLost(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		for i, tt := range losingInputs {
			s.sub(tt.name, func(s *staging) {
				// Native constructors come first in-process, and stand in their place otherwise.
				got := s.sameLines(append([]string{"main.o", "root.o"}, tt.args...)...)
				wantLines(s.t, got, "exit status 7", "inlined", "main", "native", "never")
				if s.turn(i) {
					s.sameLines(append([]string{"-static", "main.o", "root.o"}, tt.args...)...)
				}
				s.sameLibrary(append([]string{"root.o"}, tt.args...)...)
			})
		}
		// The other way round: native code that needs bitcode, before and behind it.
		s.sub("native main", func(s *staging) {
			s.sameLines("use.o", "root.o", "libmixed.a")
			s.sameLines("root.o", "libmixed.a", "use.o")
			s.archive("libroot.a", "root.o")
			s.sameLines("libroot.a", "use.o", "libmixed.a")
		})
	})
}

// sub runs a part of a test, in the same folder.
func (s *staging) sub(name string, test func(s *staging)) {
	s.t.Helper()
	s.t.Run(name, func(t *testing.T) {
		t.Helper()
		part := *s
		part.t = t
		test(&part)
	})
}

// sameLines is sameRun for programs that are not all bitcode: constructors may run in
// another order than in-process, in that of a link without LTO.
func (s *staging) sameLines(args ...string) string {
	s.t.Helper()
	inProcess, staged := s.same(append(args, "-o", "OUT/program")...)
	want, got := sorted(s.run(inProcess.file("program"))), sorted(s.run(staged.file("program")))
	if got != want {
		s.t.Errorf("the program prints\n%s\nin-process\n%s", got, want)
	}
	return want
}

func sorted(text string) string {
	lines := slices.Collect(strings.Lines(text))
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// wantLines is about the tests themselves, which would be worth nothing if in-process
// LTO did not print this.
func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	if got != strings.Join(want, "\n")+"\n" {
		t.Errorf("in-process prints\n%s\nwant %q", got, want)
	}
}

// sameLibrary links a shared library both ways, and natively a program that uses it.
func (s *staging) sameLibrary(args ...string) {
	s.t.Helper()
	inProcess, staged := s.same(append(args, "-shared", "-o", "OUT/lib.so")...)
	exports := strings.Join(symbolSets(s.t, inProcess.file("lib.so"))["dynamic symbols"], "\n")
	for _, name := range []string{"api", "export_of_inlined", "export_of_never", "export_of_native"} {
		if !strings.Contains(exports, name+"@") {
			s.t.Errorf("in-process exports no %s", name)
		}
	}
	want, got := s.useLibrary(inProcess), s.useLibrary(staged)
	if got != want {
		s.t.Errorf("with the library, the program prints\n%s\nwith the in-process one\n%s", got, want)
	}
	wantLines(s.t, want, "exit status 7", "inlined", "main", "native", "never")
}

func (s *staging) useLibrary(p product) string {
	s.t.Helper()
	llvmtest.Run(s.t, p.dir, s.tool("clang"), "-fuse-ld=lld", "../use.o", p.file("lib.so"), "-o", "use")
	return sorted(s.run(p.file("use")))
}

// TestStagedConstructorOrder has the members of an archive in another order than the
// one in which the link takes them, which is that of constructors.
func TestStagedConstructorOrder(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		s.bitcode(
			"main.o", hidden+`int b(void); CONSTRUCTOR { puts("main"); } int main(void) { return b(); }`,
			"b.o", hidden+`int a(void); CONSTRUCTOR { puts("b"); } int b(void) { return a(); }`,
			"a.o", hidden+`CONSTRUCTOR { puts("a"); } int a(void) { return 0; }`,
			"c.o", hidden+`CONSTRUCTOR { puts("c"); } int c(void) { return 0; }`,
		)
		s.archive("lib.a", "a.o", "b.o")
		s.archive("liba.a", "a.o")
		s.archive("libb.a", "b.o")
		for _, inputs := range [][]string{
			{"lib.a", "main.o"}, {"main.o", "lib.a"}, {"liba.a", "main.o", "libb.a"}, {"liba.a", "libb.a", "main.o"},
			{"-Wl,--start-lib", "a.o", "b.o", "-Wl,--end-lib", "main.o"},
		} {
			wantLines(s.t, s.sameRun(inputs...), "main", "b", "a", "exit status 0")
		}
		wantLines(s.t, s.sameRun("c.o", "lib.a", "main.o"), "c", "main", "b", "a", "exit status 0")
		wantLines(s.t, s.sameRun("-static", "lib.a", "c.o", "main.o"), "c", "main", "b", "a", "exit status 0")
	})
}

// tinyLibc is a C library: object, C text and so on. Its memcpy is needed by what a
// backend makes of main.c, and by nothing that the thin link sees. The constructors
// tell which members were taken.
var tinyLibc = []string{
	"start.o", `typedef void (*function)(void);
		extern function __init_array_start[], __init_array_end[];
		int main(void); void leave(int);
		__attribute__((force_align_arg_pointer)) void _start(void) {
			for (function *f = __init_array_start; f != __init_array_end; f++) (*f)();
			leave(main());
		}`,
	"leave.o", `void leave(int code) { __asm__ volatile("syscall" : : "a"(60), "D"(code) : "rcx", "r11", "memory"); __builtin_unreachable(); }`,
	"print.o", `void print(const char *s) {
			long n = 0, wrote;
			while (s[n]) n++;
			__asm__ volatile("syscall" : "=a"(wrote) : "0"(1L), "D"(1L), "S"(s), "d"(n) : "rcx", "r11", "memory");
		}`,
	"memcpy.o", `void print(const char *); __attribute__((constructor)) static void start(void) { print("memcpy\n"); }
		void *memcpy(void *to, const void *from, unsigned long n) { for (char *t = to; n; n--) *t++ = *(const char *)from++; return to; }`,
	"memset.o", `void print(const char *); __attribute__((constructor)) static void start(void) { print("memset\n"); }
		void *memset(void *to, int c, unsigned long n) { for (char *t = to; n; n--) *t++ = c; return to; }`,
	"never.o", `void print(const char *); __attribute__((constructor)) static void start(void) { print("never\n"); }
		int never(void) { return 0; }`,
	"dropped.o", `void print(const char *); __attribute__((constructor)) static void start(void) { print("dropped\n"); }
		void dropped(void) { print("not called\n"); }`,
	"unused.o", `void print(const char *); __attribute__((constructor)) static void start(void) { print("unused\n"); }`,
}

const tinyMain = `void print(const char *); int never(void); void dropped(void);
	struct large { char c[5000]; } a = {{3}}, b;
	int main(void) {
		if (never()) dropped();
		__asm__ volatile("" : : "r"(&a) : "memory");
		b = a;
		__asm__ volatile("" : : "r"(&b) : "memory");
		print("main\n");
		return b.c[0];
	}`

// TestStagedLibc links static programs with a C library of bitcode and with a native
// one. LLD takes from the first everything that a backend might call, from the
// second what backends did call, and from both what LTO then did not need.
func TestStagedLibc(t *testing.T) {
	freestanding := []string{"-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-fno-pic"}
	withEachLLVM(t, func(s *staging) {
		s.compileAll(append([]string{"-flto=thin"}, freestanding...), []string{"main.o", tinyMain})
		var bitcode, native []string
		for i := 0; i < len(tinyLibc); i += 2 {
			name, text := tinyLibc[i], tinyLibc[i+1]
			s.compileAll(append([]string{"-flto=thin"}, freestanding...), []string{name, text})
			s.compileAll(freestanding, []string{"native" + name, text})
			bitcode, native = append(bitcode, name), append(native, "native"+name)
		}
		s.archive("libbitcode.a", bitcode...)
		s.archive("libnative.a", native...)
		for _, tt := range []struct {
			library string
			want    []string
			exact   bool
		}{
			{"libbitcode.a", []string{"dropped", "exit status 3", "main", "memcpy", "memset", "never"}, true},
			{"libnative.a", []string{"dropped", "exit status 3", "main", "memcpy", "never"}, false},
		} {
			s.sub(tt.library, func(s *staging) {
				args := []string{"-static", "-nostdlib", "main.o", tt.library}
				wantLines(s.t, s.sameLines(args...), tt.want...)
				if tt.exact {
					s.sameRun(args...)
				}
			})
		}
	})
}
