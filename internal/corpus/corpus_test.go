// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package corpus

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBuild compiles each program, links it with plain LLVM, with and without
// LTO, from objects and from the archive, and wants the same output of all.
func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: fetches and compiles real libraries")
	}
	cache, err := DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range All() {
		t.Run(p.Name, func(t *testing.T) {
			objects, err := p.Build(t.Context(), cache, 22, ThinLTO()...)
			if err != nil {
				t.Fatal(err)
			}
			a := linkAndRun(t, objects, objects.FromArchive())
			b := linkAndRun(t, objects, objects.FromObjects())
			if !bytes.Equal(a, b) || len(a) == 0 {
				t.Errorf("from the archive:\n%s\nfrom objects:\n%s", a, b)
			}
		})
	}
}

func linkAndRun(t *testing.T, o Objects, inputs []string) []byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	// -O0 for the backends: what is asked here is whether it links and runs.
	args := append([]string{"-fuse-ld=lld", "-flto=thin", "-Wl,--lto-O0", "-o", program}, inputs...)
	if out, err := exec.Command(o.Driver, args...).CombinedOutput(); err != nil {
		t.Fatalf("link: %v\n%s", err, out)
	}
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return out
}

// TestBuildOnce wants the second call to touch nothing.
func TestBuildOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: fetches and compiles real libraries")
	}
	cache, err := DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	first, err := Zstd().Build(t.Context(), cache, 22, ThinLTO()...)
	if err != nil {
		t.Fatal(err)
	}
	was := modTime(t, first.Archive)
	again, err := Zstd().Build(t.Context(), cache, 22, ThinLTO()...)
	if err != nil {
		t.Fatal(err)
	}
	if again.Dir != first.Dir || !modTime(t, again.Archive).Equal(was) {
		t.Errorf("built again: %s, then %s", first.Dir, again.Dir)
	}
}

func modTime(t *testing.T, file string) time.Time {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func TestBuildReportsCompileErrors(t *testing.T) {
	p := Program{
		Name:  "broken",
		text:  "int main(void) { return missing; }\n",
		fetch: func(string) error { return nil },
		pick:  func(string) ([]string, error) { return nil, nil },
	}
	_, err := p.Build(t.Context(), t.TempDir(), 22)
	if err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("error is %v, want the compiler's message", err)
	}
}

func TestPinsAreChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("not it"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkIntegrity(file, re2Integrity); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("another file: error is %v", err)
	}
	if _, err := downloadModule(zstdModule, "h1:wrong"); err == nil || !strings.Contains(err.Error(), zstdSum) {
		t.Errorf("another sum: error is %v", err)
	}
}

func TestFailedFetchLeavesNothing(t *testing.T) {
	cache := t.TempDir()
	p := Program{Name: "p", fetch: func(dir string) error {
		return checkIntegrity(filepath.Join(dir, "absent"), "")
	}}
	if _, err := p.Build(t.Context(), cache, 22); err == nil {
		t.Fatal("no error")
	}
	left, err := os.ReadDir(filepath.Join(cache, "p"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if e.Name() != "lock" {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestObjectNames(t *testing.T) {
	for source, want := range map[string]string{
		"huf_decompress.c":                     "huf_decompress.o",
		"huf_decompress_amd64.S":               "huf_decompress_amd64.o",
		"vendor/abseil-cpp/absl/time/clock.cc": "abseil-cpp_absl_time_clock.o",
	} {
		if got := objectName(source); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}
