// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
)

// edges is a thin link whose backends somebody runs by hand.
type edges struct {
	t     *testing.T
	llvm  string
	dir   string
	cache string
	env   []string
}

// modules of a program: b and c are imported from, lazy is not used, and x is C++.
var edgeSources = []string{
	"a.c", "int b(int), x(int); int main(int n, char **v) { return b(n) + x(n); }",
	"b.c", "int c(int); static int n; int b(int x) { n += x; return c(x) + n; }",
	"c.c", "int c(int x) { return x * 3; }",
	"lazy.c", "int lazy(int x) { return x; }",
	"x.cc", `struct A { virtual int f(int) = 0; };
		template <int N> struct B : A { int f(int x) override { return x > N ? throw N : x * N; } };
		extern "C" int c(int);
		static B<7> seven; static int at_start = c(4); A *it = &seven;
		extern "C" int x(int n) { try { return it->f(n) + at_start; } catch (int i) { return c(i); } }`,
}

var edgeModules = []string{"a", "b", "c", "lazy", "x"}

// newEdges compiles the modules, with flags, and does the thin link by LLD.
func newEdges(t *testing.T, llvm string, flags ...string) *edges {
	t.Helper()
	e := &edges{t: t, llvm: llvm, dir: t.TempDir(), cache: filepath.Join(t.TempDir(), "cache")}
	shareToolchain(t, e.cache)
	llvmtest.Write(t, e.dir, edgeSources...)
	llvmtest.Write(t, e.dir, "thin/x", "", "obj/x", "")
	for i := 0; i < len(edgeSources); i += 2 {
		source := edgeSources[i]
		name, _, _ := strings.Cut(source, ".")
		llvmtest.Run(t, e.dir, "clang-"+llvm, append(flags, "-O2", "-flto=thin", "-c", source, "-o", "thin/"+name+".o")...)
	}
	e.thinLink()
	return e
}

func (e *edges) thinLink() {
	e.t.Helper()
	llvmtest.Run(e.t, e.dir, "ld.lld-"+e.llvm, "--thinlto-index-only", "--thinlto-emit-imports-files", "--thinlto-prefix-replace=thin/;obj/",
		"-e", "main", "-o", "program", "--unresolved-symbols=ignore-all",
		"thin/a.o", "thin/b.o", "thin/c.o", "thin/x.o", "--start-lib", "thin/lazy.o", "--end-lib")
}

// words are Clang's for a module.
func (e *edges) words(module string, more ...string) []string {
	words := []string{"clang-" + e.llvm, "-c", "-O2", "-fthinlto-index=obj/" + module + ".o.thinlto.bc"}
	return append(append(words, more...), "thin/"+module+".o", "-o", "obj/"+module+".o")
}

// run runs words in the folder, and gives the exit code.
func (e *edges) run(words ...string) (said string, code int) {
	e.t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = e.dir
	cmd.Env = append(os.Environ(), append([]string{"DTLTO_CACHE_DIR=" + e.cache, "TMPDIR=" + e.t.TempDir()}, e.env...)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		e.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (e *edges) backend(words ...string) (said string, code int) {
	e.t.Helper()
	return e.run(append([]string{"dtlto", "backend", "--summary", "--"}, words...)...)
}

// object is what a command leaves at obj/MODULE.o, and what it says; it must exit with 0.
func (e *edges) object(module string, run func(...string) (string, int), words ...string) (object []byte, said string) {
	e.t.Helper()
	file := filepath.Join(e.dir, "obj", module+".o")
	_ = os.Remove(file)
	said, code := run(words...)
	if code != 0 {
		e.t.Fatalf("%q exits with %d\n%s", words, code, said)
	}
	object, err := os.ReadFile(file)
	if err != nil {
		e.t.Fatal(err)
	}
	return object, said
}

// wantSame wants the object that Clang makes, and how it was come by in what is said.
func (e *edges) wantSame(module, how string, words ...string) {
	e.t.Helper()
	want, _ := e.object(module, e.run, words...)
	got, said := e.object(module, e.backend, words...)
	if !bytes.Equal(got, want) || len(got) == 0 {
		e.t.Errorf("%q: another object than Clang's, of %d bytes, not %d", words, len(got), len(want))
	}
	if !strings.Contains(said, how) {
		e.t.Errorf("%q: no %q in %q", words, how, said)
	}
}

// TestBackendByHand compiles as Clang does, finds it again, and does so in another place.
func TestBackendByHand(t *testing.T) {
	for _, llvm := range everyLLVM {
		t.Run(strconv.Itoa(llvm), func(t *testing.T) {
			t.Parallel()
			for _, flags := range [][]string{{"-g"}, {"-fPIC", "-fno-exceptions", "-fcxx-exceptions", "-fexceptions", "-ffunction-sections"}} {
				e := newEdges(t, strconv.Itoa(llvm), flags...)
				for _, module := range edgeModules {
					e.wantSame(module, " 1 compiled", e.words(module)...)
					e.wantSame(module, " 1 cached", e.words(module)...)
					e.wantSame(module, " 1 compiled", e.words(module, "-g", "-fno-pic", "-ffunction-sections", "-Wall", "-std=c++17", "-Werror=format")...)
				}
				moved := *e
				moved.dir = filepath.Join(t.TempDir(), "elsewhere")
				llvmtest.Run(t, ".", "cp", "-r", e.dir, moved.dir)
				for _, module := range edgeModules {
					moved.wantSame(module, " 1 cached", moved.words(module)...)
				}
			}
		})
	}
}

// TestBackendFlags has what stands in everybody's flags, and what is another spelling of
// the same compile.
func TestBackendFlags(t *testing.T) {
	e := newEdges(t, "19")
	e.wantSame("b", " 1 compiled", e.words("b")...)
	llvmtest.Write(t, e.dir, "rest.rsp", "-c -fthinlto-index=obj/b.o.thinlto.bc 'thin/b.o'\n-o obj/b.o", "p.prof", "b:1:1\n 1: 1\n")
	for _, tc := range []struct{ how, words string }{
		{" 1 cached", "clang-19 -O2 @rest.rsp"},
		{" 1 cached", "clang++-19 -c -O2 -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -oobj/b.o"},
		{" 1 cached", "/usr/bin/clang-19 -c -O2 -fthinlto-index=obj/b.o.thinlto.bc thin/b.o --output=obj/b.o"},
		{" 1 cached", "clang-19 -c -O2 -DA=1 -D B -UC -Iinc -I inc -isystem inc -include x.h -MD -MF b.d -MP -pipe -fno-lto -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
		{" 1 compiled", "clang-19 -c -O2 -target x86_64-unknown-linux-musl -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
		{" 1 compiled", "clang-19 -c -O2 -fprofile-sample-use=p.prof -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
		{" 1 compiled", "clang-19 -c -O3 -march=x86-64-v3 -fno-plt -fcf-protection -fstack-protector-strong -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
		{" 1 compiled", "clang-19 -c -O2 -mllvm -inline-threshold=0 -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
	} {
		e.wantSame("b", tc.how, strings.Fields(tc.words)...)
	}
	e.env = []string{"DTLTO_LAUNCHER=env LAUNCHED=1"}
	e.wantSame("b", " 1 compiled", e.words("b")...)
	if _, err := os.Stat(filepath.Join(e.dir, "b.d")); err == nil {
		t.Error("Clang wrote a list of dependencies, which dtlto leaves out")
	}
}

// TestBackendMessages: what Clang says, it says again when it is not run.
func TestBackendMessages(t *testing.T) {
	e := newEdges(t, "19")
	words := e.words("b", "--target=x86_64-unknown-linux-musl")
	_, clang := e.object("b", e.run, words...)
	for _, how := range []string{" 1 compiled", " 1 cached"} {
		if _, said := e.object("b", e.backend, words...); !strings.Contains(clang, "overriding the module target triple") ||
			!strings.HasPrefix(said, clang) || !strings.Contains(said, how) {
			t.Errorf("Clang says %q, dtlto %q", clang, said)
		}
	}
}

// TestBackendAsGiven has commands that only Clang can do: it makes all that it makes
// otherwise, and a line says why.
func TestBackendAsGiven(t *testing.T) {
	e := newEdges(t, "19")
	llvmtest.Write(t, e.dir, "empty", "", "p/default.profdata", "no profile")
	for _, tc := range []struct{ why, makes, words string }{
		{"-march=native depends on the machine", "", "-march=native"},
		{"-save-temps", "b.s", "-save-temps"},
		{"-gsplit-dwarf", "obj/b.dwo", "-g -gsplit-dwarf"},
		{"-ftime-trace", "obj/b.json", "-ftime-trace"},
		{"-S", "", "-S"},
		{"-emit-llvm", "", "-emit-llvm"},
		{"2 inputs", "", "-no-such-option-in-dtlto-and-clang-19 value -Wno-error"},
		{"more than one index", "", "-fthinlto-index=obj/b.o.thinlto.bc"},
		{"(-x), not ir", "", "-x c"},
		{"@nothing", "", "@nothing"},
		{"-Xclang -load", "", "-Xclang -load -Xclang p.so"},
	} {
		words := e.words("b", strings.Fields(tc.words)...)
		made := filepath.Join(e.dir, tc.makes)
		_ = os.Remove(filepath.Join(e.dir, "obj/b.o"))
		clang, code := e.run(words...)
		want, _ := os.ReadFile(filepath.Join(e.dir, "obj/b.o"))
		if tc.makes != "" {
			if err := os.Remove(made); err != nil {
				t.Error(err)
			}
		}
		_ = os.Remove(filepath.Join(e.dir, "obj/b.o"))
		said, got := e.backend(words...)
		object, _ := os.ReadFile(filepath.Join(e.dir, "obj/b.o"))
		if !bytes.Equal(want, object) || min(code, 1) != got {
			t.Errorf("%s: exits with %d and leaves %d bytes, Clang with %d and %d", tc.words, got, len(object), code, len(want))
		}
		if !strings.HasPrefix(said, "dtlto: warning: obj/b.o: not cached: ") || !strings.Contains(said, tc.why) || !strings.Contains(said, clang) {
			t.Errorf("%s: dtlto says %q, Clang %q", tc.words, said, clang)
		}
		if _, err := os.Stat(made); err != nil {
			t.Error(err)
		}
	}
	e.wantSame("b", "empty is empty: thin/b.o is compiled without ThinLTO", "clang-19", "-c", "-O2", "-fthinlto-index=empty", "thin/b.o", "-o", "obj/b.o")
	e.env = []string{"CCC_OVERRIDE_OPTIONS=#+-g"}
	e.wantSame("b", "CCC_OVERRIDE_OPTIONS is set", e.words("b")...)
	e.env = nil
	llvmtest.Write(t, e.dir, "wrapper/clang-19", "#!/bin/sh\nexec /usr/bin/clang-19 \"$@\"\n")
	if err := os.Chmod(filepath.Join(e.dir, "wrapper/clang-19"), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	e.wantSame("b", "not an ELF program", append([]string{"wrapper/clang-19"}, e.words("b")[1:]...)...)
}

// TestBackendToDevice must not put a file in the place of what is none.
func TestBackendToDevice(t *testing.T) {
	e := newEdges(t, "19")
	if err := exec.Command("mkfifo", filepath.Join(e.dir, "pipe")).Run(); err != nil {
		t.Fatal(err)
	}
	read := exec.Command("cat", "pipe")
	read.Dir = e.dir
	var out bytes.Buffer
	read.Stdout = &out
	if err := read.Start(); err != nil {
		t.Fatal(err)
	}
	said, code := e.backend("clang-19", "-c", "-O2", "-fthinlto-index=obj/b.o.thinlto.bc", "thin/b.o", "-o", "pipe")
	if err := read.Wait(); err != nil || code != 0 || !strings.Contains(said, "pipe is no regular file") || !strings.HasPrefix(out.String(), "\x7fELF") {
		t.Errorf("%v, %d: %q", err, code, said)
	}
}

// TestBackendErrors has what is no backend compile, and what Clang would make a wrong
// object of.
func TestBackendErrors(t *testing.T) {
	e := newEdges(t, "19")
	llvmtest.Write(t, e.dir, "bad.bc", "no index", "broken/c.o", "no bitcode")
	for _, tc := range []struct {
		code        int
		want, words string
	}{
		{2, "there is no command", ""},
		{2, "gcc: is no clang", "gcc -c a.c"},
		{2, "ccache: is no clang", "ccache clang-19 -c a.c"},
		{2, "it needs -c", "clang-19 -O2 -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
		{2, "it needs -c", "clang-19 -c -O2 thin/b.o -o obj/b.o"},
		{2, "it needs -c", "clang-19 -c -fthinlto-index=obj/b.o.thinlto.bc thin/b.o"},
		{2, "it needs -c", "clang-19 -c -fthinlto-index=obj/b.o.thinlto.bc -o obj/b.o"},
		{2, "-flto=thin: with it", "clang-19 -c -flto=thin -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
		{2, "one file is two", "clang-19 -c -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o thin/b.o"},
		{2, "thin/c.o: is the output", "clang-19 -c -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o thin/c.o"},
		{2, "obj/b.o.thinlto.bc: is an index of thin/b.o, not of thin/c.o", "clang-19 -c -fthinlto-index=obj/b.o.thinlto.bc thin/c.o -o obj/c.o"},
		{2, "obj/c.o.thinlto.bc: is an index of thin/c.o, not of thin/b.o", "clang-19 -c -fthinlto-index=obj/c.o.thinlto.bc thin/b.o -o obj/b.o"},
		{2, "obj/b.o.thinlto.bc: names 2 modules, but not ./thin/b.o", "clang-19 -c -fthinlto-index=obj/b.o.thinlto.bc ./thin/b.o -o obj/b.o"},
		{1, "obj/b.o: backend compile failed: thin/none.o: no such file", "clang-19 -c -fthinlto-index=obj/b.o.thinlto.bc thin/none.o -o obj/b.o"},
		{1, "none.bc: the index cannot be read: no such file", "clang-19 -c -fthinlto-index=none.bc thin/b.o -o obj/b.o"},
		{1, "bad.bc: not an index", "clang-19 -c -fthinlto-index=bad.bc thin/b.o -o obj/b.o"},
		{1, "none/b.o: cannot be written: no such file", "clang-19 -c -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o none/b.o"},
		{1, "Unknown command line argument", "clang-19 -c -mllvm -none=1 -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
		{1, "'-O9q'", "clang-19 -c -O9q -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
		{3, "clang-3: cannot be run", "clang-3 -c -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o"},
	} {
		said, code := e.backend(strings.Fields(tc.words)...)
		if code != tc.code || !strings.Contains(said, tc.want) || strings.Contains(said, "save-temps") || strings.Count(said, "dtlto: error: ") != 1 {
			t.Errorf("%s: exits with %d, want %d and %q\n%s", tc.words, code, tc.code, tc.want, said)
		}
	}
	for _, broken := range []func(name string) error{os.Remove, func(name string) error { return os.WriteFile(name, nil, 0o600) }} {
		if err := broken(filepath.Join(e.dir, "thin/c.o")); err != nil {
			t.Fatal(err)
		}
		said, code := e.backend(e.words("b")...)
		if code != 1 || !strings.Contains(said, "dtlto: error: ") {
			t.Errorf("without a module to import from: %d, %s", code, said)
		}
	}
	all, err := filepath.Glob(filepath.Join(e.dir, "obj", "*.o"))
	if left, _ := filepath.Glob(filepath.Join(e.dir, "*", ".dtlto*")); err != nil || len(all)+len(left) > 0 {
		t.Errorf("there are %q %q", all, left)
	}
}

// TestBackendInterrupted ends one that Clang never ends, and leaves nothing.
func TestBackendInterrupted(t *testing.T) {
	e := newEdges(t, "19")
	e.cache = filepath.Join(e.dir, "cache")
	llvmtest.Write(t, e.dir, "clang", strings.Replace(hangs, "\n", "\n[ $1 = --version ] && exec clang-19 --version\n", 1), "cache/x", "")
	if err := os.Chmod(filepath.Join(e.dir, "clang"), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	before, objects := names(t, e.dir), names(t, filepath.Join(e.dir, "obj"))
	for _, option := range []string{"-O2", "-march=native"} {
		words := e.words("b", option)
		words[0] = "./clang"
		cmd := exec.Command("dtlto", append([]string{"backend", "--cache-dir=cache", "--"}, words...)...)
		pids := startHanging(t, e.dir, cmd, 1)
		send(t, cmd.Process.Pid, syscall.SIGINT)
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("exit code %d, want 130", code)
		}
		wantGone(t, pids)
		wantNames(t, e.dir, append(before, "pids"))
		if option == "-O2" { // else the object is Clang's own affair
			wantNames(t, filepath.Join(e.dir, "obj"), objects)
		}
		if err := os.Remove(filepath.Join(e.dir, "pids")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBackendRemote compiles on a cluster, which another machine then takes it from.
func TestBackendRemote(t *testing.T) {
	e := newEdges(t, "19", "-g")
	server := reapitest.Start(t, reapitest.Options{Slots: 2})
	compiler := "DTLTO_REMOTE_COMPILER=" + llvmtest.Tool(t, "clang-19")
	e.env = []string{"DTLTO_REMOTE_EXECUTOR=" + server.Address(), compiler, "DTLTO_REMOTE_LOCAL_DELAY=3600"}
	for _, module := range edgeModules {
		e.wantSame(module, "on the cluster 0 cached and 1 compiled", e.words(module)...)
	}
	other := *e
	other.cache = filepath.Join(t.TempDir(), "cache")
	other.env = []string{"DTLTO_REMOTE_CACHE=" + server.Address(), compiler}
	for _, module := range edgeModules {
		other.wantSame(module, "on the cluster 1 cached and 0 compiled", e.words(module)...)
	}
	if n := server.Stats().Executions; n != len(edgeModules)+1 { // and the compiler's version, once
		t.Errorf("%d executions for %d modules", n, len(edgeModules))
	}
}

// TestBackendMake has make run many at once in one folder, and again what has changed.
func TestBackendMake(t *testing.T) {
	e := newEdges(t, "19")
	const n = 20
	var mk, main strings.Builder
	mk.WriteString("all:")
	for i := range n {
		fmt.Fprintf(&mk, " obj/m%d.o", i)
	}
	mk.WriteString("\nobj/%.o: thin/%.o obj/%.o.thinlto.bc\n\t@dtlto backend --summary -- clang-19 -c -O2 -fthinlto-index=obj/$*.o.thinlto.bc $< -o $@\n")
	inputs := []string{"--thinlto-index-only", "--thinlto-prefix-replace=thin/;obj/", "-e", "main", "thin/main.o"}
	for i := range n {
		fmt.Fprintf(&main, "int f%d(int); int m%d(int x) { return f%d(x); }\n", i, i, i)
		inputs = append(inputs, fmt.Sprintf("thin/m%d.o", i))
		llvmtest.Write(t, e.dir, fmt.Sprintf("m%d.c", i), fmt.Sprintf("int f%d(int x) { return x + %d; }", i, i))
		llvmtest.Run(t, e.dir, "clang-19", "-O2", "-flto=thin", "-c", fmt.Sprintf("m%d.c", i), "-o", fmt.Sprintf("thin/m%d.o", i))
	}
	llvmtest.Write(t, e.dir, "Makefile", mk.String(), "main.c", main.String()+"int main(void) { return 0; }")
	llvmtest.Run(t, e.dir, "clang-19", "-O2", "-flto=thin", "-c", "main.c", "-o", "thin/main.o")
	llvmtest.Run(t, e.dir, "ld.lld-19", inputs...)
	for _, step := range []struct {
		before           string
		compiled, cached int
	}{
		{"true", n, 0}, {"true", 0, 0}, {"rm -f obj/m*.o", 0, n}, {"sleep 1; touch thin/m1.o", 0, 1}, {"true", 0, 0},
	} {
		llvmtest.Run(t, e.dir, "sh", "-c", step.before)
		said, code := e.run("make", "-j4")
		if compiled, cached := strings.Count(said, " 1 compiled"), strings.Count(said, " 1 cached"); code != 0 || compiled != step.compiled || cached != step.cached {
			t.Errorf("%s: %d, compiled %d and found %d, want %d and %d\n%s", step.before, code, compiled, cached, step.compiled, step.cached, said)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(e.dir, "obj", ".dtlto*")); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}
