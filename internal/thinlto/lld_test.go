// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// keeper is a distributor that keeps the job file and compiles nothing.
const keeper = `#!/bin/sh
for last; do :; done
cp -- "$last" kept.json
exit 1
`

// lldJobFile compiles sources to ThinLTO bitcode (object path to C text), links them with
// LLD 22 and returns the job file that it wrote.
func lldJobFile(t *testing.T, output string, sources map[string]string) []byte {
	t.Helper()
	clang, lld := llvmtest.Tool(t, "clang-22"), llvmtest.Tool(t, "ld.lld-22")
	dir := t.TempDir()
	distributor := put(t, dir, "keeper.sh", keeper, 0o700)
	args := []string{"-shared", "-o", output, "--thinlto-distributor=" + distributor, "--thinlto-remote-compiler=" + clang}
	for _, object := range slices.Sorted(maps.Keys(sources)) {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(object)), 0o700); err != nil {
			t.Fatal(err)
		}
		cc := exec.Command(clang, "-O2", "-flto=thin", "-c", "-x", "c", "-", "-o", object)
		cc.Dir, cc.Stdin = dir, strings.NewReader(sources[object])
		if out, err := cc.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cc, err, out)
		}
		args = append(args, object)
	}
	link := exec.Command(lld, args...)
	link.Dir = dir
	out, err := link.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("distributor execution failed")) {
		t.Fatalf("%v: %v\n%s", link, err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "kept.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestLLDJobFile(t *testing.T) {
	const (
		spaces   = `a dir/with "double" and 'single' quotes.o`
		accents  = "é/€😀\u2028.o"
		controls = "c\\\t\n\r\b\f\v\x01\x1f\x7f<&>%.o"
	)
	text := lldJobFile(t, "the é \"output\".so", map[string]string{
		spaces:   "int f(int); int g(int); int top(int x) { return f(x) + g(x); }",
		accents:  "int g(int); int f(int x) { return g(x) * 3; }",
		controls: "int g(int x) { return x + 1; }",
	})
	f, err := Read("kept.json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := compact(t, f); !bytes.Equal(got, text) {
		t.Errorf("written otherwise than LLD does:\ngot %s\nLLD %s", got, text)
	}
	if f.Output != "the é \"output\".so" || filepath.Base(f.Args[0]) != "clang-22" {
		t.Errorf("output %q, compiler %q", f.Output, f.Args[0])
	}
	imports := map[string][]string{}
	for i := range f.Jobs {
		j := &f.Jobs[i]
		imports[j.Module()] = slices.Sorted(slices.Values(j.Imports()))
		argv := slices.Concat(f.Args, j.Args)
		for _, want := range []string{j.Module(), "-fthinlto-index=" + j.Index(), j.Object()} {
			if !slices.Contains(argv, want) {
				t.Errorf("%q lacks %q", argv, want)
			}
		}
	}
	for module, want := range map[string][]string{spaces: {controls, accents}, accents: {controls}, controls: nil} {
		if got, ok := imports[module]; !ok || !slices.Equal(got, want) {
			t.Errorf("%q imports %q, want %q", module, got, want)
		}
	}
}

// A path that is not UTF-8 does not survive LLD: Read sees replacement characters.
func TestLLDReplacesWhatIsNotUTF8(t *testing.T) {
	text := lldJobFile(t, "p", map[string]string{"b\xff.o": "int f(void) { return 1; }"})
	f, err := Read("kept.json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Jobs[0].Module(); got != "b\ufffd.o" {
		t.Errorf("module %q", got)
	}
}

// The mock puts objects where LLD wants them, relative to the folder it runs in.
func TestMockPutsObjectsWhereLLDWants(t *testing.T) {
	text := lldJobFile(t, "p", map[string]string{"a.o": "int g(void); int f(void) { return g(); }", "b.o": "int g(void) { return 1; }"})
	f, err := Read("kept.json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := Mock(f, []string{put(t, ".", "x", "X", 0o600), put(t, ".", "y", "Y", 0o600)}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"X", "Y"} {
		if got, err := os.ReadFile(f.Jobs[i].Object()); err != nil || string(got) != want {
			t.Errorf("object %d: %q, %v", i, got, err)
		}
	}
}
