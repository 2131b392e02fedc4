// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// A program is some modules and how they are compiled and thin-linked. Together
// the programs have every record that a thin link could be made to write.
type program struct {
	name         string
	since, until string   // LLVM versions, "" for all
	files        []string // name, text, name, text …; one ending in .txt is no module
	compile      []string // options of clang for each module
	link         []string // options of ld.lld behind those of thinLinkAll
	lazy         []string // modules between --start-lib and --end-lib
	further      []string // further options of the backend compile
	apart        bool     // each compiled in its own folder, under its name there
	partial      bool     // with a partial sample profile, made of p.txt
}

func (p program) runsWith(version string) bool {
	return version >= p.since && (p.until == "" || version <= p.until)
}

// versions are the LLVMs to test with: those that every test needs, and others
// that were tried or have the same layouts if they happen to be installed.
func versions(t testing.TB) []string {
	found := slices.Clone(llvmtest.Versions)
	for v := 13; v <= 22; v++ {
		v := strconv.Itoa(v)
		_, clang := exec.LookPath("clang-" + v)
		_, lld := exec.LookPath("ld.lld-" + v)
		_, opt := exec.LookPath("opt-" + v)
		if clang == nil && lld == nil && opt == nil && !slices.Contains(found, v) {
			found = append(found, v)
		}
	}
	slices.Sort(found)
	t.Logf("LLVM versions: %v", found)
	return found
}

// TestTried holds the versions said to be tried against those that the tests run
// with here.
func TestTried(t *testing.T) {
	if !slices.IsSorted(Tried[:]) {
		t.Errorf("not in order: %d", Tried)
	}
	for _, v := range versions(t) {
		if major, err := strconv.Atoi(v); err != nil || !slices.Contains(Tried[:], major) {
			t.Errorf("LLVM %s is tried here, and not said to be", v)
		}
	}
}

// A linked program has been thin-linked.
type linked struct {
	program
	version string
	dir     string
	modules []string // paths in dir, as the linker was told
}

// thinLinkAll compiles a program and makes its shards, DIR/out/MODULE.thinlto.bc.
func thinLinkAll(t testing.TB, version string, p program) linked {
	t.Helper()
	l := linked{p, version, t.TempDir(), nil}
	llvmtest.Write(t, l.dir, p.files...)
	if p.partial {
		llvmtest.Run(t, l.dir, "llvm-profdata-"+version, "merge", "--sample", "--extbinary", "--gen-partial-profile", "p.txt", "-o", "p.prof")
	}
	var args, lazy []string
	for i := 0; i < len(p.files); i += 2 {
		source := p.files[i]
		if strings.HasSuffix(source, ".txt") {
			continue
		}
		module := l.compileModule(t, source)
		l.modules = append(l.modules, module)
		if slices.Contains(p.lazy, source) {
			lazy = append(lazy, module)
		} else {
			args = append(args, module)
		}
	}
	args = append(args, "--start-lib")
	args = append(append(args, lazy...), "--end-lib")
	args = append(args, "--thinlto-index-only=modules", "--thinlto-prefix-replace=;out/", "--lto-obj-path=regular.o",
		"-z", "undefs", "--unresolved-symbols=ignore-all", "-o", "program")
	llvmtest.Run(t, l.dir, "ld.lld-"+version, append(args, p.link...)...)
	return l
}

func (l linked) compileModule(t testing.TB, source string) string {
	t.Helper()
	module := "b/" + source + ".o"
	llvmtest.Write(t, l.dir, module, "")
	object, dir := filepath.Join(l.dir, module), l.dir
	if l.apart {
		dir, source = filepath.Join(l.dir, filepath.Dir(source)), filepath.Base(source)
	}
	if strings.HasSuffix(source, ".ll") {
		args := append([]string{"-module-summary", source, "-o", object}, l.compile...)
		if l.version < "17" {
			args = append(args, "-opaque-pointers")
		}
		llvmtest.Run(t, dir, "opt-"+l.version, args...)
		return module
	}
	args := []string{"-c", "-O2", "-flto=thin", "-fPIC", source, "-o", object}
	llvmtest.Run(t, dir, "clang-"+l.version, append(args, l.compile...)...)
	return module
}

// shard returns the shard that the linker made for a module.
func (l linked) shard(t testing.TB, module string) []byte {
	t.Helper()
	return read(t, filepath.Join(l.dir, "out", module+".thinlto.bc"))
}

const (
	devirtHeader = `
struct Base { virtual int one(int); virtual int two(); virtual int three(int); virtual ~Base(); };
struct Left : Base { int one(int) override; int two() override; int three(int) override; };
struct Right : Base { int one(int) override; int two() override; };
struct Pure { virtual int get(int) = 0; virtual bool flag() = 0; };
struct Only : Pure { int get(int) override; bool flag() override; };
struct Wide { virtual int bits(); }; struct WideA : Wide { int bits() override; }; struct WideB : Wide { int bits() override; };
Base *make(int); Pure *pure(); Wide *wide(int); int call(Base *, int); int callPure(Pure *, int); int callWide(Wide *);
`
	devirtA = `#include "devirt.txt"
int Base::one(int x) { return x; } int Base::two() { return 7; } int Base::three(int x) { return x * 3; } Base::~Base() {}
int Left::one(int x) { return x + 1; } int Left::two() { return 8; } int Left::three(int x) { return x * 4; }
int Right::one(int x) { return x + 2; } int Right::two() { return 9; }
int WideA::bits() { return 5; } int WideB::bits() { return 5; } int Wide::bits() { return 5; }
Base *make(int x) { if (x == 0) return new Base; if (x == 1) return new Left; return new Right; }
Wide *wide(int x) { if (x == 0) return new Wide; if (x == 1) return new WideA; return new WideB; }
`
	devirtB = `#include "devirt.txt"
int Only::get(int x) { return x * 11; } bool Only::flag() { return true; }
Pure *pure() { static Only only; return &only; }
int call(Base *b, int x) { return b->one(x) + b->two() + b->three(3); }
int callPure(Pure *p, int x) { return p->get(x) + p->flag() + p->get(4); }
int callWide(Wide *w) { return w->bits(); }
`
	devirtMain = `#include "devirt.txt"
int main(int c, char **) {
  Base *b = make(c); Pure *p = pure(); Wide *w = wide(c);
  int r = call(b, c) + callPure(p, c) + callWide(w) + b->one(c) + b->two() + p->get(c) + p->flag() + w->bits();
  delete b; return r;
}
extern "C" void _start() { main(1, nullptr); }
`
)

var devirtFiles = []string{"devirt.txt", devirtHeader, "a.cpp", devirtA, "b.cpp", devirtB, "main.cpp", devirtMain}

const (
	plainA = `
static int state = 3; static const int table[] = {1, 2, 3, 5}; int counter; int written;
static __attribute__((noinline)) int helper(int x) { return table[x & 3] + state++; }
int a(int x) { written = x; return helper(x) + helper(x + 1) + counter; }
__attribute__((weak)) int weakling(void) { return 1; }
int target(int x) { return x * 5; } int renamed(int) __attribute__((alias("target")));
extern int other __attribute__((alias("counter")));
static int chosen(void) { return 4; } static int (*resolve(void))(void) { return chosen; } int ifunc(void) __attribute__((ifunc("resolve")));
__attribute__((constructor)) static void begin(void) { counter = 2; }
`
	plainB = `
static int state = 4; static __attribute__((noinline)) int helper(int x) { return state += x; }
static const char *const names[] = {"one", "two"};
int a(int); int renamed(int); extern int other; __attribute__((weak)) int weakling(void) { return 2; }
int b(int x) { return helper(x) + a(x) + renamed(x) + other + names[x & 1][0] + weakling(); }
`
	plainMain = `
int a(int); int b(int); int weakling(void); int ifunc(void); int renamed(int); int unknown(int);
static int state = 5; static __attribute__((noinline)) int helper(int x) { return state -= x; }
int main(int c, char **v) { return a(c) + b(c) + weakling() + ifunc() + helper(c) + renamed(c) + unknown(c); }
void _start(void) { main(1, 0); }
`
)

var plainFiles = []string{"a.c", plainA, "b.c", plainB, "main.c", plainMain}

const sampleProfile = `main:200000:1000
 1: 1000 a:900
 1.1: 900 b:20
a:90000:1000
 1: 1000 helper:1000
b:10:20
 1: 20 helper:20
`

const memoryProfile = `
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128"
define i32 @main() {
  %c = call ptr @foo(), !callsite !0
  %d = call ptr @foo(), !callsite !1
  %e = call ptr @other(i64 8)
  %f = call ptr @unknown(i64 8), !callsite !16
  ret i32 0
}
define void @_start() {
  %c = call i32 @main()
  ret void
}
declare ptr @_Znam(i64)
declare ptr @other(i64)
declare ptr @unknown(i64)
define internal ptr @bar() {
  %c = call ptr @_Znam(i64 10) #0, !memprof !2, !callsite !7
  %d = call ptr @_Znam(i64 20) #0, !memprof !10, !callsite !15
  ret ptr %c
}
define internal ptr @baz() {
  %c = call ptr @bar(), !callsite !8
  ret ptr %c
}
define internal ptr @foo() noinline {
  %c = call ptr @baz(), !callsite !9
  ret ptr %c
}
attributes #0 = { builtin }
!0 = !{i64 8632435727821051414}
!1 = !{i64 -3421689549917153178}
!2 = !{!3, !5}
!3 = !{!4, !"notcold"}
!4 = !{i64 9086428284934609951, i64 -5964873800580613432, i64 2732490490862098848, i64 8632435727821051414}
!5 = !{!6, !"cold"}
!6 = !{i64 9086428284934609951, i64 -5964873800580613432, i64 2732490490862098848, i64 -3421689549917153178}
!7 = !{i64 9086428284934609951}
!8 = !{i64 -5964873800580613432}
!9 = !{i64 2732490490862098848}
!10 = !{!11, !13}
!11 = !{!12, !"cold"}
!12 = !{i64 123456789, i64 -5964873800580613432, i64 2732490490862098848, i64 8632435727821051414}
!13 = !{!14, !"notcold"}
!14 = !{i64 123456789, i64 -5964873800580613432, i64 2732490490862098848, i64 -3421689549917153178}
!15 = !{i64 123456789}
!16 = !{i64 55555555555}
`

var memoryFiles = []string{
	"main.ll", memoryProfile,
	"other.c", "char *_Znam(unsigned long); static char *keep; char *other(unsigned long n) { return keep = _Znam(n); }\n",
}

// disambiguate has clang act on the clones in a memory profile's summary.
var disambiguate = []string{"-mllvm", "-enable-memprof-context-disambiguation"}

var vtables = []string{"-fvisibility=hidden", "-fwhole-program-vtables"}

// programs are what the tests link.
var programs = []program{
	{name: "plain", files: plainFiles},
	{
		name: "lazy and empty", lazy: []string{"unused.c", "used.c"},
		files: []string{
			"main.c", "int used(int); int main(void) { return used(1); } void _start(void) { main(); }\n",
			"unused.c", "int unused(int x) { return x; }\n", "used.c", "int used(int x) { return x + 1; }\n", "empty.c", "",
		},
	},
	{name: "same name twice", apart: true, files: []string{
		"x/s.c", "static const int table[] = {1, 2, 3, 9}; int x(int a) { return table[a & 3] + table[a >> 1 & 3]; }\n",
		"y/s.c", "static const int table[] = {5, 2, 3, 7}; int x(int); int y(int a) { return table[a & 3] - x(table[a >> 1 & 3]); }\n",
		"main.c", "int x(int); int y(int); int main(int c, char **v) { return x(c) + y(c); } void _start(void) { main(1, 0); }\n",
	}},
	{name: "debug and asan", files: plainFiles, compile: []string{"-g", "-fsanitize=address"}, link: []string{"-shared"}},
	{name: "devirtualised by index", files: devirtFiles, compile: append([]string{"-fno-split-lto-unit", "-fno-rtti"}, vtables...)},
	{name: "devirtualised with split units", files: devirtFiles, compile: append([]string{"-fsplit-lto-unit", "-fno-rtti"}, vtables...)},
	{
		name: "cfi", files: append(slices.Clone(devirtFiles), "i.c", cfiC), link: []string{"-u", "indirect"},
		compile: []string{"-fvisibility=hidden", "-fsanitize=cfi", "-fno-sanitize-ignorelist"},
	},
	{
		name: "cfi and vtables", files: append(slices.Clone(devirtFiles), "i.c", cfiC), link: []string{"-u", "indirect"},
		compile: append([]string{"-fsanitize=cfi", "-fno-sanitize-ignorelist"}, vtables...),
	},
	{
		name: "sample profile", files: append(slices.Clone(plainFiles), "p.txt", sampleProfile),
		compile: []string{"-gline-tables-only", "-fprofile-sample-use=p.txt"},
	},
	{
		name: "partial sample profile", files: append(slices.Clone(plainFiles), "p.txt", sampleProfile), partial: true,
		compile: []string{"-gline-tables-only", "-fprofile-sample-use=p.prof"},
	},
	{
		name: "memory tagging", since: "14", files: taggedFiles, link: []string{"-m", "aarch64linux"},
		compile: []string{"--target=aarch64-linux-android30", "-march=armv8a+memtag", "-fsanitize=memtag"},
	},
	{name: "memory profile", since: "16", until: "16", files: memoryFiles},
	{
		name: "memory profile with clones", since: "19", files: memoryFiles,
		link: append([]string{"-mllvm", "-supports-hot-cold-new"}, disambiguate...), further: disambiguate,
	},
	{
		name: "memory profile with sizes", since: "19", until: "19", compile: []string{"-memprof-report-hinted-sizes"},
		files: []string{"main.ll", strings.NewReplacer(`"notcold"}`, `"notcold", i64 100}`, `"cold"}`, `"cold", i64 200}`).Replace(memoryProfile)},
		link:  append([]string{"-mllvm", "-supports-hot-cold-new", "-mllvm", "-memprof-report-hinted-sizes"}, disambiguate...), further: disambiguate,
	},
	{
		name: "memory profile with contexts", since: "21", files: memoryFiles,
		link: append([]string{"-mllvm", "-supports-hot-cold-new", "-mllvm", "-combined-index-memprof-context"}, disambiguate...), further: disambiguate,
	},
}

const cfiC = `
typedef int (*fn)(int); static int p(int x) { return x; } int q(int x) { return x + 1; } extern int outside(int);
fn pick(int x) { return x == 0 ? p : x == 1 ? q : outside; }
int indirect(int x) { return pick(x)(x); }
`

var taggedFiles = []string{
	"a.c", "void fill(int *, int); int use(int n) { int x[4]; fill(x, n); return x[n & 3]; }\n",
	"b.c", "void deep(int *, int); void fill(int *p, int n) { p[0] = n; deep(p + 1, n); }\n",
	"main.c", "int use(int); void deep(int *p, int n) { p[0] = n; p[2] = n; } void _start(void) { int x; deep(&x, use(3)); }\n",
}
