// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// spelled are options of LLD whose translation is compared with what LLD makes
// of them itself, with the LLVM versions of llvmtest.
var spelled = []struct {
	option string
	// compile are the modules' own options, -fPIC if empty.
	compile string
	// same says that LLVM 22's objects would be those of -pie, on this program:
	// nothing is proved for these but that the translation does no harm.
	same bool
	// lld and last are the first and the last LLD that take the option, clangTo is the
	// last version for which it is translated. 0 is any.
	lld, last, clangTo int
}{
	{option: "-pie", same: true},
	{option: "-shared"},
	{option: "--no-pie"},
	{option: "--no-pie", compile: "-fno-pic"},
	{option: "-pie", compile: "-fPIE", same: true},
	{option: "-r"},
	{option: "-r", compile: "-fno-pic -mcmodel=kernel -mno-red-zone"},
	{option: "-r", compile: "-fPIE"},
	{option: "-r -mllvm -relocation-model=pic", compile: "-fno-pic"},
	{option: "-r -plugin-opt=-relocation-model=static"},
	{option: "-shared -Bsymbolic --lto-O3"},
	{option: "-plugin-opt=mcpu=znver3", same: true}, // functions say their own
	{option: "-plugin-opt=-mattr=+avx2", same: true},
	{option: "-plugin-opt=-relocation-model=static"},
	{option: "--no-pie -plugin-opt -relocation-model=pic", same: true},
	{option: "-plugin-opt=-code-model=medium"},
	{option: "-plugin-opt=-code-model=large"},
	{option: "-mllvm -align-loops=64"},
	{option: "-plugin-opt=-tls-size=12", same: true}, // AArch64's
	{option: "-plugin-opt=-emulated-tls"},
	{option: "-plugin-opt=-enable-tlsdesc", lld: 19},
	{option: "-plugin-opt=-split-machine-functions", same: true}, // needs a profile
	{option: "-plugin-opt=-unique-section-names=0"},
	{option: "-plugin-opt=-separate-named-sections=1", same: true, lld: 19},
	{option: "-plugin-opt=-stack-size-section"},
	{option: "-plugin-opt=-nozero-initialized-in-bss"},
	{option: "-plugin-opt=-use-ctors"},
	{option: "-plugin-opt=-force-dwarf-frame-section"},
	{option: "-plugin-opt=-strict-dwarf", same: true},
	{option: "-plugin-opt=-debugger-tune=sce"},
	{option: "-plugin-opt=-basic-block-sections=all"},
	{option: "--lto-basic-block-sections=all -plugin-opt=-unique-basic-block-section-names"},
	{option: "-plugin-opt=-function-sections=0 -plugin-opt=-data-sections=0 -plugin-opt=-addrsig=0", same: true},
	{option: "-plugin-opt=-function-sections=1 -plugin-opt=-data-sections=1", same: true},
	{option: "-plugin-opt=-large-data-threshold=1", same: true, lld: 19},
	{option: "--lto-basic-block-sections=all"},
	{option: "--lto-basic-block-sections=none", same: true},
	{option: "--lto-basic-block-sections=labels", clangTo: 19},
	{option: "--lto-basic-block-sections=blocks.txt"},
	{option: "--lto-basic-block-sections=all --lto-unique-basic-block-section-names"},
	{option: "--lto-basic-block-address-map", lld: 19},
	{option: "--lto-cs-profile-generate --lto-cs-profile-file=prof_%m.profraw"},
	{option: "--lto-cs-profile-file=cs.profdata", compile: "-fPIC -fprofile-use=ir.profdata"},
	{option: "-plugin-opt=cs-profile-path=ir.profdata", compile: "-fPIC -fprofile-use=ir.profdata", same: true},
	{option: "--lto-cs-profile-file=cs.profdata --no-lto-pgo-warn-mismatch -mllvm -no-pgo-warn-mismatch", lld: 14, compile: "-fPIC -fprofile-use=ir.profdata"},
	{option: "--lto-sample-profile=sample.txt", compile: "-fPIC -fdebug-info-for-profiling -fprofile-sample-use=other.txt"},
	{option: "-plugin-opt=sample-profile=sample.txt --no-lto-pgo-warn-mismatch -mllvm -sample-profile-use-profi",
		compile: "-fPIC -fdebug-info-for-profiling -fprofile-sample-use=other.txt"},
	{option: "-mllvm -force-vector-width=2"},
	{option: "--lto-O3"},
	{option: "-O2 --lto-O2", same: true}, // the linker's own level
	{option: "--lto-O3 --lto-CGO3", lld: 19},
	{option: "--no-lto-legacy-pass-manager -plugin-opt=new-pass-manager", same: true, last: 16},
	{option: "-plugin-opt=opaque-pointers", same: true, lld: 15, last: 16},
	{option: "--lto-whole-program-visibility", same: true},
	{option: "--thinlto-jobs=1 -plugin-opt=thinlto --disable-verify --thinlto-cache-policy=prune_after=1s", same: true},
	{option: "-pie", same: true, compile: "-fPIC -fno-jump-tables -fstack-protector-all -fno-omit-frame-pointer"},
	{option: "-pie", same: true, compile: "-fPIC -fsanitize=address"},
	{option: "-pie", same: true, compile: "-fPIC -march=haswell -fpseudo-probe-for-profiling"},
	{option: "-pie", same: true, compile: "-fPIC -Os -femulated-tls"},
	{option: "-pie", same: true, compile: "-fPIC -Oz -fxray-instrument"},
	{option: "-pie", same: true, compile: "-fPIC -fsplit-lto-unit -fwhole-program-vtables -fvisibility=hidden"},
}

// The program: three modules that import from each other, with something in them
// for most of what code generation can be told.
const spellingSource = `
extern __thread int counter; __thread int own = 7;
int zeros[100]; static int table[20] = {3, 1, 4, 1, 5};
int many[1000] = {1};
__attribute__((noinline)) int work(int *p, int n) { int s = 0; for (int i = 0; i < n; i++) s += p[i] * (i & 3); return s; }
static int small(int x) { return x > 3 ? x * x + table[x & 7] : x - zeros[x & 15]; }
__attribute__((constructor)) static void begin(void) { own += 2; zeros[3] = own; }
extern int elsewhere(int), choose(int);
extern float scale(float *, int);
extern int data[];
int entry(int n) { float f[8] = {1}; return work(table, n) + small(n) + small(n * 5) + elsewhere(n) + data[n & 3] + own + many[n & 511]
  + counter + choose(n) + (int)scale(f, 8); }
`

const spellingSecond = `
extern int data[], many[1000]; extern int nowhere(int);
__attribute__((noinline)) float scale(float *f, int n) { float s = 0; for (int i = 0; i < n; i++) { f[i] = f[i] * 2.0f + many[i]; s += f[i]; } return s; }
static int pick(int n) { switch (n) { case 0: return 3; case 1: return 7; case 2: return 1; case 3: return 9; case 4: return 2; } return n * 5; }
int choose(int n) { return pick(n) + data[n & 7] + nowhere(n); }
`

const spellingThird = `
struct Shape { virtual int sides() const; virtual ~Shape(); };
struct Square : Shape { int sides() const override; };
int Shape::sides() const { return 0; }
Shape::~Shape() {}
int Square::sides() const { return 4; }
extern "C" int entry(int);
extern "C" __attribute__((visibility("default"))) int elsewhere(int n) { Square s; Shape *p = n ? &s : new Shape; return p->sides() + (n > 9 ? entry(n - 1) : 0); }
`

// Each translation must give the objects that LLD gives in-process under the
// option: byte for byte, for every LLVM, with the words of StagedBackend alone.
func TestSpellings(t *testing.T) {
	profiles := spellingProfiles(t)
	for _, version := range llvmtest.Versions {
		t.Run(version, func(t *testing.T) {
			folders := compileSpellings(t, version, profiles)
			references := map[string][][]byte{}
			for compile, folder := range folders {
				references[compile] = newSpelledLink(folder, version, "reference", "-pie").inProcess(t)
			}
			for i, tc := range spelled {
				t.Run(tc.compile+" "+tc.option, func(t *testing.T) {
					t.Parallel()
					s := newSpelledLink(folders[tc.compile], version, strconv.Itoa(i), tc.option)
					if s.major < tc.lld || tc.last != 0 && s.major > tc.last {
						s.wantRefused(t)
						return
					}
					backend, err := s.command.StagedBackend(s.major, knownToClang)
					if tc.clangTo != 0 && s.major > tc.clangTo {
						if reason := (*Untranslatable)(nil); !errors.As(err, &reason) {
							t.Errorf("error %v, expected that it has no translation", err)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					want := s.inProcess(t)
					if same := slices.EqualFunc(want, references[tc.compile], bytes.Equal); s.major == 22 && same != tc.same {
						t.Errorf("the objects equal those of -pie: %v, expected %v", same, tc.same)
					}
					s.compare(t, want, backend)
				})
			}
		})
	}
}

func knownToClang(name string) (bool, error) {
	return slices.Contains([]string{"force-vector-width", "sample-profile-use-profi", "no-pgo-warn-mismatch"}, name), nil
}

// compileSpellings compiles the program's modules with each set of options that a
// test wants, into folders by those options.
func compileSpellings(t *testing.T, version, profiles string) map[string]string {
	t.Helper()
	folders := map[string]string{}
	for _, tc := range spelled {
		if folders[tc.compile] != "" {
			continue
		}
		folder := t.TempDir()
		folders[tc.compile] = folder
		writeProgram(t, folder)
		flags := strings.Fields(tc.compile)
		if len(flags) == 0 {
			flags = []string{"-fPIC"}
		}
		if strings.Contains(tc.compile, "-fprofile-use") {
			llvmtest.Run(t, folder, "llvm-profdata-"+version, "merge", "-o", "ir.profdata", profiles+"/ir.txt")
			llvmtest.Run(t, folder, "llvm-profdata-"+version, "merge", "-o", "cs.profdata", profiles+"/ir.txt", profiles+"/cs.txt")
		}
		for _, source := range []string{"m.c", "second.c", "third.cpp"} {
			args := append([]string{"-c", "-O2", "-g", "-fno-rtti", "-Wno-everything", "-flto=thin", source}, flags...)
			llvmtest.Run(t, folder, "clang-"+version, args...)
		}
	}
	return folders
}

// spellingSample is a sample profile; all functions stand on one line.
const spellingSample = `work:90000:100
 0: 9000
entry:4000:500
 0: 500
choose:3000:10
 0: 10
`

// spellingOther is another.
const spellingOther = `work:90:100
 0: 9
entry:400:1
 0: 1
choose:300000:1000
 0: 10000
`

// spellingProfiles runs the program to have the profile ir.txt, and with that
// compiled in, once more for the context-sensitive cs.txt. One LLVM does it for all:
// not every one's profile runtime is installed.
func spellingProfiles(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	writeProgram(t, folder)
	llvmtest.Write(t, folder, "run.c", `
#include <stdlib.h>
void *_Znwm(unsigned long n) { return malloc(n); } void _ZdlPvm(void *p, unsigned long n) { free(p); } void _ZdlPv(void *p) { free(p); }
extern int entry(int); __thread int counter; int data[16]; int nowhere(int n) { return n; }
int main(void) { int s = 0; for (int i = 0; i < 100; i++) s += entry(i); return s == 3; }
`)
	program := []string{"-O2", "-fuse-ld=lld", "-flto=thin", "m.c", "second.c", "third.cpp", "run.c", "-fno-rtti", "-o", "program"}
	for _, run := range []struct{ flags, profile string }{
		{"-fprofile-generate", "ir"},
		{"-fprofile-use=ir.profdata -fcs-profile-generate", "cs"},
	} {
		llvmtest.Run(t, folder, "clang-22", append(program, strings.Fields(run.flags)...)...)
		llvmtest.Run(t, folder, "env", "LLVM_PROFILE_FILE="+run.profile+".raw", "./program")
		llvmtest.Run(t, folder, "llvm-profdata-22", "merge", "-o", run.profile+".profdata", run.profile+".raw")
		llvmtest.Run(t, folder, "llvm-profdata-22", "merge", "-text", "-o", run.profile+".txt", run.profile+".raw")
	}
	return folder
}

func writeProgram(t *testing.T, folder string) {
	t.Helper()
	llvmtest.Write(t, folder, "m.c", spellingSource, "second.c", spellingSecond, "third.cpp", spellingThird,
		"blocks.txt", "!work\n!!1 2\n!entry\n", "sample.txt", spellingSample, "other.txt", spellingOther)
}

// spelledLink is a link of the program with an option.
type spelledLink struct {
	folder, version, name string
	major                 int
	command               *Command
}

func newSpelledLink(folder, version, name, option string) *spelledLink {
	c := command(option)
	if !c.Has("shared", "pie", "no-pie", "relocatable") {
		c = command("-pie " + option)
	}
	major, _ := strconv.Atoi(version)
	return &spelledLink{folder, version, name, major, c}
}

// link is the command line of a link, with more words.
func (s *spelledLink) link(more ...string) []string {
	return slices.Concat([]string{"m.o", "second.o", "third.o", "-o", s.name + ".out", "-e", "entry", "--unresolved-symbols=ignore-all",
		"--noinhibit-exec", "-z", "notext"}, s.command.Words, more)
}

func (s *spelledLink) wantRefused(t *testing.T) {
	t.Helper()
	if out, err := llvmtest.TryRun(t, s.folder, "ld.lld-"+s.version, s.link()...); err == nil {
		t.Errorf("LLD %s takes the option: %s", s.version, out)
	}
}

// inProcess are the native objects that LLD makes of the modules.
func (s *spelledLink) inProcess(t *testing.T) [][]byte {
	t.Helper()
	path := filepath.Join(s.folder, s.name+".task")
	llvmtest.Run(t, s.folder, "ld.lld-"+s.version, s.link("--lto-obj-path="+path)...)
	var objects [][]byte
	for task := 1; ; task++ {
		object, err := os.ReadFile(path + strconv.Itoa(task))
		if err != nil {
			return objects
		}
		if len(object) > 0 { // an empty one: a partition of the regular part
			objects = append(objects, object)
		}
	}
}

// compare does the thin link and the backends by hand.
func (s *spelledLink) compare(t *testing.T, want [][]byte, b *Backend) {
	t.Helper()
	llvmtest.Run(t, s.folder, "ld.lld-"+s.version, s.link("--thinlto-index-only="+s.name+".rsp",
		"--thinlto-prefix-replace=;"+s.name+".d/")...)
	modules := strings.Fields(string(read(t, filepath.Join(s.folder, s.name+".rsp"))))
	for i, module := range modules {
		module = strings.TrimPrefix(module, s.name+".d/")
		words := b.Words("x86_64-pc-linux-gnu")
		if b.OwnRelocation {
			words = append(words, s.ownRelocation(t, module))
		}
		object := s.name + "." + module
		llvmtest.Run(t, s.folder, "clang-"+s.version, append(words, "-x", "ir", module,
			"-fthinlto-index="+s.name+".d/"+module+".thinlto.bc", "-o", object)...)
		if i >= len(want) || !s.isInProcess(t, want, i, read(t, filepath.Join(s.folder, object))) {
			t.Errorf("clang-%s %s: %s is not that of in-process LTO", s.version, strings.Join(words, " "), module)
		}
	}
	if len(modules) != len(want) {
		t.Errorf("%d modules by hand, %d in-process", len(modules), len(want))
	}
}

// isInProcess says whether in-process LTO makes an object. LLVM 16 writes inlined pseudo
// probes in an order that changes from run to run: then it is asked again.
func (s *spelledLink) isInProcess(t *testing.T, want [][]byte, i int, object []byte) bool {
	t.Helper()
	for range 12 {
		if i < len(want) && bytes.Equal(want[i], object) {
			return true
		}
		want = s.inProcess(t)
	}
	return false
}

// ownRelocation is the option for a module's PIC level.
func (s *spelledLink) ownRelocation(t *testing.T, module string) string {
	t.Helper()
	text := llvmtest.Run(t, s.folder, "llvm-dis-"+s.version, module, "-o", "-")
	if strings.Contains(text, `!"PIC Level", i32`) {
		return "-fpic"
	}
	return "-fno-pic"
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every codegen and MC flag that LLD registers and clang does not must be in
// the table: as -mllvm it would stop clang.
func TestCodegenOptionsAreComplete(t *testing.T) {
	names := func(program string, args ...string) map[string]bool {
		set := map[string]bool{}
		for line := range strings.SplitSeq(llvmtest.Run(t, t.TempDir(), program, args...), "\n") {
			if body, ok := strings.CutPrefix(line, "  -"); ok {
				name, _, _ := strings.Cut(strings.TrimLeft(body, "-"), " ")
				name, _, _ = strings.Cut(name, "=")
				set[name] = true
			}
		}
		return set
	}
	for _, version := range llvmtest.Versions {
		lld := names("ld.lld-"+version, "-mllvm", "--help-list-hidden")
		clang := names("clang-"+version, "-cc1", "-mllvm", "--help-list-hidden")
		if len(lld) < 1000 || len(clang) < 1000 {
			t.Fatalf("LLVM %s: read %d options of LLD's and %d of clang's", version, len(lld), len(clang))
		}
		only := 0
		for name := range lld {
			if clang[name] {
				continue
			}
			only++
			if _, ok := codegenOptions[name]; !ok && !lldOnly[name] {
				t.Errorf("LLVM %s: LLD has -%s, clang has not, and the table has not", version, name)
			}
		}
		if only < 30 && version != "14" { // clang 14 registers them too, and reads none
			t.Errorf("LLVM %s: only %d options are LLD's alone", version, only)
		}
	}
}

// lldOnly are options of LLD's that are no codegen flags; clang refuses them,
// and so they make a link in-process.
var lldOnly = map[string]bool{"load": true}
