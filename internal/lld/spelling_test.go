// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// spelled are options of LLD whose translation is compared with what LLD
// makes of them itself. without says that the objects would be the same
// without the option too, on this program: nothing is proved for those but
// that the translation does no harm.
var spelled = []struct {
	option  string
	without bool
}{
	{option: "--no-pie"},
	{option: "-plugin-opt=mcpu=x86-64", without: true},
	{option: "-plugin-opt=mcpu=znver3", without: true}, // functions say their own
	{option: "-plugin-opt=-mattr=+avx2", without: true},
	{option: "-plugin-opt=-relocation-model=static"},
	{option: "-plugin-opt=-relocation-model=pic", without: true},
	{option: "-plugin-opt=-code-model=medium"},
	{option: "-plugin-opt=-code-model=large"},
	{option: "-mllvm -align-loops=64"},
	{option: "-plugin-opt=-tls-size=12", without: true}, // AArch64's
	{option: "-plugin-opt=-emulated-tls"},
	{option: "-plugin-opt=-enable-tlsdesc"},
	{option: "-plugin-opt=-split-machine-functions", without: true}, // needs a profile
	{option: "-plugin-opt=-unique-section-names=0"},
	{option: "-plugin-opt=-separate-named-sections=1", without: true},
	{option: "-plugin-opt=-stack-size-section"},
	{option: "-plugin-opt=-nozero-initialized-in-bss"},
	{option: "-plugin-opt=-use-ctors"},
	{option: "-plugin-opt=-force-dwarf-frame-section"},
	{option: "-plugin-opt=-strict-dwarf", without: true},
	{option: "-plugin-opt=-debugger-tune=sce"},
	{option: "-plugin-opt=-debugger-tune=lldb"},
	{option: "-plugin-opt=-basic-block-sections=all"},
	{option: "-plugin-opt=-unique-basic-block-section-names", without: true},
	{option: "--lto-basic-block-sections=all -plugin-opt=-unique-basic-block-section-names"},
	{option: "-plugin-opt=-function-sections=0", without: true},
	{option: "-plugin-opt=-data-sections=0", without: true},
	{option: "-plugin-opt=-addrsig=0", without: true},
	{option: "-plugin-opt=-large-data-threshold=1", without: true},
	{option: "--lto-basic-block-sections=all"},
	{option: "--lto-basic-block-sections=all --lto-unique-basic-block-section-names"},
	{option: "--lto-basic-block-address-map"},
	{option: "--lto-cs-profile-generate --lto-cs-profile-file=prof_%m.profraw"},
	{option: "-mllvm -force-vector-width=2"},
	{option: "--lto-O3"},
	{option: "--disable-verify", without: true},
}

const spellingSource = `
extern __thread int counter; __thread int own = 7;
int zeros[100]; static int table[20] = {3, 1, 4, 1, 5};
int many[1000] = {1};
__attribute__((noinline)) int work(int *p, int n) { int s = 0; for (int i = 0; i < n; i++) s += p[i] * (i & 3); return s; }
static int small(int x) { return x > 3 ? x * x + table[x & 7] : x - zeros[x & 15]; }
__attribute__((constructor)) static void begin(void) { own += 2; zeros[3] = own; }
extern int elsewhere(int);
extern int data[];
int entry(int n) { return work(table, n) + small(n) + small(n * 5) + elsewhere(n) + data[n & 3] + own + many[n & 511] + counter; }
`

// Each spelling must give the objects that LLD gives in-process under the
// option: byte for byte.
func TestCodegenSpellings(t *testing.T) {
	folder := t.TempDir()
	llvmtest.Write(t, folder, "m.c", spellingSource)
	llvmtest.Run(t, folder, "clang-22", "-c", "-O2", "-g", "-fPIC", "-flto=thin", "m.c")
	reference := inProcessObject(t, folder, "reference", nil)
	for _, tc := range spelled {
		t.Run(tc.option, func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(tc.option)
			want := inProcessObject(t, folder, filepath.Base(t.Name()), words)
			if same := bytes.Equal(want, reference); same != tc.without {
				t.Errorf("the object with the option equals that without: %v, expected %v", same, tc.without)
			}
			c := command("-pie " + tc.option)
			b, err := c.ReadBackend(func(name string) (bool, error) { return name == "force-vector-width", nil })
			if err != nil {
				t.Fatal(err)
			}
			got := byHandObject(t, folder, filepath.Base(t.Name()), c, b)
			if !bytes.Equal(got, want) {
				t.Errorf("clang %s gives another object than LLD with %s", strings.Join(b.Args, " "), tc.option)
			}
		})
	}
}

// inProcessObject links m.o into a program and gives the native object that
// LLD made of it.
func inProcessObject(t *testing.T, folder, name string, options []string) []byte {
	t.Helper()
	path := filepath.Join(folder, name+".in-process.o")
	llvmtest.Run(t, folder, "ld.lld-22", append([]string{"-pie", "m.o", "-o", name + ".out", "--unresolved-symbols=ignore-all",
		"--noinhibit-exec", "-z", "notext", "--lto-obj-path=" + path, "-e", "entry"}, options...)...)
	return read(t, path+"1")
}

// byHandObject compiles m.o as LLD 22 would have it compiled, with more
// options.
func byHandObject(t *testing.T, folder, name string, c *Command, b *Backend) []byte {
	t.Helper()
	own := filepath.Join(folder, name+".d") // the index is named after the prefix
	level := "2"
	if v, ok := c.Last("lto-O"); ok {
		level = v
	}
	llvmtest.Run(t, folder, "ld.lld-22", "-pie", "m.o", "--thinlto-index-only", "--thinlto-prefix-replace=;"+own+"/", "-e", "entry",
		"--unresolved-symbols=ignore-all")
	args := []string{"-c", "--target=x86_64-pc-linux-gnu", "-O" + level, "-faddrsig", "-ffunction-sections", "-fdata-sections"}
	if model := strings.Join(b.Args, " "); c.PIC() && !strings.Contains(model, "-fno-pic") {
		args = append(args, "-fpic")
	}
	args = append(args, "-Wno-unused-command-line-argument")
	args = append(args, b.Args...)
	path := filepath.Join(folder, name+".by-hand.o")
	args = append(args, "-x", "ir", "m.o", "-fthinlto-index="+own+"/m.o.thinlto.bc", "-o", path)
	llvmtest.Run(t, folder, "clang-22", args...)
	return read(t, path)
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
