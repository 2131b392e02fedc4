// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/e2e/objcmp"
)

// modules is a program with something in it for most of what code generation can
// be told: loops to vectorise, globals, calls, floating point, a switch, a table.
var modules = map[string]string{
	"main.c": `
int work(int, float *);
extern int counter;
int data[64];
int main(int argc, char **argv) {
  float f[16] = {1, 2, 3};
  for (int i = 0; i < 64; i++) data[i] = i * argc;
  int n = work(argc, f) + counter + data[argc];
  return n == 0 ? (int)f[argc & 3] : 0;
}
`,
	"work.c": `
extern int data[64];
int counter = 1;
static int choose(int n) {
  switch (n) { case 0: return 3; case 1: return 7; case 2: return 1; case 3: return 9; case 4: return 2; }
  return n * 5;
}
float scale(float *f, int n);
__attribute__((noinline)) int work(int n, float *f) {
  int s = 0;
  for (int i = 0; i < 64; i++) s += data[i] * n;
  counter += choose(n);
  return s + (int)scale(f, 16);
}
`,
	"scale.c": `
extern int counter;
__attribute__((noinline)) float scale(float *f, int n) {
  float s = 0;
  for (int i = 0; i < n; i++) { f[i] = f[i] * 2.0f + (float)counter; s += f[i]; }
  return s;
}
`,
}

// TestOptions links with options that change what backends do. Whichever way
// dtlto does the link, the code must be in-process LTO's: an option that LLD's own
// DTLTO accepts and drops is either passed on or keeps the link in-process.
func TestOptions(t *testing.T) {
	tests := []struct {
		name      string
		compile   []string
		link      []string
		inProcess bool // may be linked in-process: there is no Clang spelling
	}{
		{name: "O0", link: []string{"-O0"}, inProcess: true},
		{name: "O1", link: []string{"-O1"}, inProcess: true},
		{name: "O3", link: []string{"-O3"}},
		{name: "Os", compile: []string{"-Os"}, link: []string{"-Os"}},
		{name: "lto-O", link: []string{"-Wl,--lto-O3"}},
		{name: "lto-CGO", link: []string{"-Wl,--lto-CGO0"}, inProcess: true},
		{name: "plugin-opt O", link: []string{"-Wl,-plugin-opt=O1"}, inProcess: true},
		{name: "cpu", compile: []string{"-march=haswell"}, link: []string{"-march=haswell"}},
		{name: "cpu at the link only", link: []string{"-march=haswell"}},
		{name: "mcpu", link: []string{"-Wl,-mllvm,-mcpu=skylake"}},
		{name: "mattr", link: []string{"-Wl,-plugin-opt=-mattr=+avx2"}},
		{name: "no-pie", compile: []string{"-fno-pic"}, link: []string{"-no-pie"}},
		{name: "no-pie of PIE code", link: []string{"-no-pie"}},
		{name: "static", compile: []string{"-fno-pic"}, link: []string{"-static"}},
		{name: "static-pie", link: []string{"-static-pie"}},
		{name: "shared", compile: []string{"-fPIC"}, link: []string{"-shared"}},
		{name: "medium code model", compile: []string{"-mcmodel=medium"}, link: []string{"-mcmodel=medium"}},
		{name: "mllvm", link: []string{"-Wl,-mllvm,-inline-threshold=0"}},
		{name: "mllvm switch", link: []string{"-Wl,-mllvm,-enable-no-nans-fp-math"}, inProcess: true},
		{name: "mllvm two words", link: []string{"-Wl,-mllvm", "-Wl,-unroll-count=4"}},
		{name: "plugin-opt LLVM option", link: []string{"-Wl,-plugin-opt=-unroll-count=4"}},
		{name: "no sections", link: []string{"-fno-function-sections", "-fno-data-sections"}},
		{name: "sections off in LLVM's words", link: []string{"-Wl,-plugin-opt=-function-sections=0"}},
		{name: "unique section names", link: []string{"-Wl,-mllvm,-unique-section-names=0"}},
		{name: "frame pointer", compile: []string{"-fno-omit-frame-pointer"}, link: []string{"-Wl,-mllvm,-frame-pointer=all"}, inProcess: true},
		{name: "relocation model", link: []string{"-Wl,-mllvm,-relocation-model=pic"}},
		{name: "debug", compile: []string{"-g"}, link: []string{"-g"}},
		{name: "debug for lldb", compile: []string{"-glldb"}, link: []string{"-glldb"}},
		{name: "emulated TLS", compile: []string{"-femulated-tls"}, link: []string{"-femulated-tls"}},
		{name: "split machine functions", link: []string{"-fsplit-machine-functions"}},
		{name: "basic block sections", link: []string{"-fbasic-block-sections=all"}},
		{name: "whole-program visibility", link: []string{"-Wl,--lto-whole-program-visibility"}},
		{name: "no addrsig", link: []string{"-fno-addrsig"}},
		{name: "jump tables", compile: []string{"-fno-jump-tables"}, link: []string{"-fno-jump-tables"}},
		{name: "vectoriser off", link: []string{"-Wl,-mllvm,-vectorize-loops=false"}},
		{name: "passes", link: []string{"-Wl,--lto-newpm-passes=globaldce"}, inProcess: true},
		{name: "stack protector", compile: []string{"-fstack-protector-all"}, link: []string{"-fstack-protector-all"}},
		{name: "split DWARF", compile: []string{"-g", "-gsplit-dwarf"}, link: []string{"-g", "-gsplit-dwarf"}, inProcess: true},
		{name: "address sanitizer", compile: []string{"-fsanitize=address"}, link: []string{"-fsanitize=address"}},
		{name: "control flow integrity", compile: []string{"-fsanitize=cfi", "-fvisibility=hidden"},
			link: []string{"-fsanitize=cfi", "-fvisibility=hidden"}},
		{name: "thinlto-jobs", link: []string{"-Wl,--thinlto-jobs=1"}},
		{name: "time trace", link: []string{"-Wl,--time-trace=trace.json"}},
		{name: "remarks", link: []string{"-Wl,-plugin-opt=opt-remarks-filename=remarks"}, inProcess: true},
		{name: "xray", compile: []string{"-fxray-instrument"}, link: []string{"-fxray-instrument"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			compileModules(t, dir, tt.compile)
			compareWithInProcess(t, dir, tt.link, tt.inProcess)
		})
	}
}

func compileModules(t *testing.T, dir string, flags []string) {
	t.Helper()
	args := append([]string{"-O2", "-flto=thin"}, flags...)
	for name, text := range modules {
		writeFile(t, filepath.Join(dir, name), text)
	}
	clang(t, dir, append(args, "-c", "main.c", "work.c", "scale.c"))
}

func clang(t *testing.T, dir string, args []string) string {
	t.Helper()
	cmd := exec.Command("clang-22", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("clang-22 %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// compareWithInProcess wants the objects to be in-process LTO's if the link was
// distributed, and the program if it was not, which a line must have said.
func compareWithInProcess(t *testing.T, dir string, flags []string, mayStay bool) {
	t.Helper()
	common := slices.Concat([]string{"-O2", "-flto=thin", "main.o", "work.o", "scale.o"}, flags)
	want := clang(t, dir, append(common, "-fuse-ld=lld", "-Wl,--lto-obj-path=task", "-o", "inprocess"))
	said := clang(t, dir, append(common, "-fuse-ld=dtlto", "-Wl,--dtlto-summary,--save-temps=prelink", "-o", "program"))
	if mayStay && strings.HasPrefix(said, "ld.dtlto: warning: linking in-process: ") {
		t.Log(strings.TrimSpace(said))
		sameProgram(t, dir, common)
		return
	}
	rest, distributed := cutSummary(said)
	if !distributed || rest != want {
		t.Errorf("the link says %q, in-process %q", said, want)
	}
	objects := byTask(t, filepath.Join(dir, "*.native.o"), nativeObject)
	inProcess := byTask(t, filepath.Join(dir, "task*"), regexp.MustCompile(`task(\d+)$`))
	if len(objects) != len(modules) {
		t.Errorf("%d objects, want %d", len(objects), len(modules))
	}
	for task, object := range objects {
		result, err := objcmp.Compare(inProcess[task], object)
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict == objcmp.Different {
			t.Errorf("%s: %s", filepath.Base(object), result.Reason)
		}
	}
}

// sameProgram wants the program in dir to be what LLD makes without dtlto under the
// same name: LLD writes names that it makes of the output's into the program.
func sameProgram(t *testing.T, dir string, flags []string) {
	t.Helper()
	got := read(t, filepath.Join(dir, "program"))
	clang(t, dir, append(flags, "-fuse-ld=lld", "-Wl,--save-temps=prelink", "-o", "program"))
	if !bytes.Equal(read(t, filepath.Join(dir, "program")), got) {
		t.Error("not the in-process program")
	}
}

// cutSummary takes dtlto's line out of what a link said.
func cutSummary(said string) (rest string, found bool) {
	var others strings.Builder
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "dtlto: 3 jobs") {
			found = true
		} else {
			others.WriteString(line)
		}
	}
	return others.String(), found
}
