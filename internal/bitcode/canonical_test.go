// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// ranks names the modules of a shard by rank and returns the names and, by rank,
// the paths.
func ranks(t testing.TB, shard []byte) (func(string) (string, bool), []string) {
	t.Helper()
	paths, err := IndexModules(shard)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	return func(path string) (string, bool) {
		i, ok := slices.BinarySearch(paths, path)
		return fmt.Sprintf("%02d.bc", i), ok
	}, paths
}

func same(path string) (string, bool) { return path, true }

// canonicalOf canonicalises, which must succeed, twice, which must change nothing.
func canonicalOf(t testing.TB, shard []byte, rename func(string) (string, bool), opt Options) []byte {
	t.Helper()
	s, err := Canonicalise(shard, rename, opt)
	if err != nil || s.Form != Canonical {
		t.Fatalf("%v %q, %v", s.Form, s.Reason, err)
	}
	again, err := Canonicalise(s.Data, same, opt)
	if err != nil || again.Form != Canonical || !bytes.Equal(again.Data, s.Data) {
		t.Fatalf("again: %v %q, %v, changed: %v", again.Form, again.Reason, err, !bytes.Equal(again.Data, s.Data))
	}
	return s.Data
}

// TestObjects compiles every module of every program with the linker's own
// shard, with the canonical one and with the renamed one: the objects must be the
// same, byte for byte. Shuffled shards must come out canonical the same.
func TestObjects(t *testing.T) {
	for _, version := range versions(t) {
		seen := map[string]int{}
		t.Run(version, func(t *testing.T) {
			for _, p := range programs {
				if p.runsWith(version) {
					t.Run(p.name, func(t *testing.T) { compareObjects(t, thinLinkAll(t, version, p), seen) })
				}
			}
			checkKinds(t, version, seen)
		})
	}
}

func compareObjects(t *testing.T, l linked, seen map[string]int) {
	for _, module := range l.modules {
		shard := l.shard(t, module)
		kinds(t, shard, seen)
		rename, paths := ranks(t, shard)
		opt := Options{KeepBlockCount: l.partial}
		canonical := canonicalOf(t, shard, rename, opt)
		if before, after := described(t, shard, rename), described(t, canonical, same); !slices.Equal(before, after) {
			t.Errorf("%s: another index:\n%q\n%q", module, before, after)
		}
		checkShuffled(t, shard, canonical, rename, opt)
		renamed, err := renamed(shard, rename)
		if err != nil {
			t.Fatal(err)
		}
		checkDump(t, shard, renamed)
		want := l.backend(t, l.dir, module, shard)
		stage := l.stage(t, paths)
		own := module
		if len(paths) > 0 {
			own, _ = rename(module)
		}
		for form, data := range map[string][]byte{"canonical": canonical, "renamed": renamed} {
			if got := l.backend(t, stage, own, data); !bytes.Equal(got, want) {
				t.Errorf("%s: another object from the %s shard", module, form)
			}
		}
	}
}

// stage makes a folder in which the modules have their ranks for names.
func (l linked) stage(t *testing.T, paths []string) string {
	t.Helper()
	dir := t.TempDir()
	for i, path := range paths {
		if err := os.Symlink(filepath.Join(l.dir, path), filepath.Join(dir, fmt.Sprintf("%02d.bc", i))); err != nil {
			t.Fatal(err)
		}
	}
	if len(paths) == 0 { // a module that the link does not use names none
		if err := os.Symlink(filepath.Join(l.dir, "b"), filepath.Join(dir, "b")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// backend compiles a module and returns the object. clang must have nothing to
// say: it says so when it can not read an index, and exits 0.
func (l linked) backend(t *testing.T, dir, module string, shard []byte) []byte {
	t.Helper()
	index, object := filepath.Join(dir, "index"), filepath.Join(dir, "object.o")
	if err := os.WriteFile(index, shard, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-c", "-O2", "-fPIC", "-Wno-override-module", "-Wno-unused-command-line-argument", "-x", "ir", module, "-fthinlto-index=" + index, "-o", object}
	if slices.Contains(l.compile, "--target=aarch64-linux-android30") {
		args = append(args, l.compile...)
	}
	args = append(args, l.further...)
	if l.partial {
		args = append(args, "-fprofile-sample-use="+filepath.Join(l.dir, "p.prof"))
	}
	if out := llvmtest.Run(t, dir, "clang-"+l.version, args...); out != "" {
		t.Fatalf("%s: %s", module, out)
	}
	got := read(t, object)
	if len(got) == 0 {
		t.Fatalf("%s: empty object", module)
	}
	return got
}

// checkDump holds what llvm-bcanalyzer shows of a renamed shard against what it
// shows of the shard: only names and lengths may differ.
func checkDump(t *testing.T, shard, renamed []byte) {
	t.Helper()
	var want, got []string
	for b, lines := range map[*[]byte]*[]string{&shard: &want, &renamed: &got} {
		path := filepath.Join(t.TempDir(), "shard")
		if err := os.WriteFile(path, *b, 0o600); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(llvmtest.Output(t, "", "llvm-bcanalyzer-22", "--dump", path)) {
			if d := dumpedLine(line); d != "" && !strings.Contains(line, "<ENTRY") {
				*lines = append(*lines, d)
			}
		}
	}
	if !slices.Equal(want, got) || len(want) < 5 {
		t.Errorf("renamed shard differs:\n%q\n%q", want, got)
	}
}

// TestNames covers what rename may get wrong.
func TestNames(t *testing.T) {
	l := thinLinkAll(t, "22", programs[0])
	shard := l.shard(t, "b/main.c.o")
	paths, err := IndexModules(shard)
	if err != nil || !slices.Contains(paths, "b/main.c.o") || len(paths) < 2 {
		t.Fatalf("%q, %v", paths, err)
	}
	for name, rename := range map[string]func(string) (string, bool){
		"no name":    func(string) (string, bool) { return "x", false },
		"empty name": func(string) (string, bool) { return "", true },
		"one name":   func(string) (string, bool) { return "x", true },
	} {
		_, err := Canonicalise(shard, rename, Options{})
		_, plainErr := renamed(shard, rename)
		var malformed *Error
		if err == nil || plainErr == nil || errors.As(err, &malformed) {
			t.Errorf("%s: %v, %v", name, err, plainErr)
		}
	}
}

// TestUnrelatedModule adds a module in front of a link that nobody refers to. The
// shards of the others must stay canonically what they were, though LLVM 13 to 18
// count the blocks of the whole link in them and number modules link-wide.
func TestUnrelatedModule(t *testing.T) {
	for _, version := range versions(t) {
		p := programs[0]
		before := thinLinkAll(t, version, p)
		p.files = append([]string{"0.c", "int unrelated(int x) { return x < 3 ? 3 : x * 2; }\n"}, p.files...)
		after := thinLinkAll(t, version, p)
		changed := 0
		for _, module := range before.modules {
			old, now := before.shard(t, module), after.shard(t, module)
			if !bytes.Equal(old, now) {
				changed++
			}
			rename, _ := ranks(t, old)
			if !bytes.Equal(canonicalOf(t, old, rename, Options{}), canonicalOf(t, now, rename, Options{})) {
				t.Errorf("LLVM %s: %s changed", version, module)
			}
			keep := Options{KeepBlockCount: true}
			kept := bytes.Equal(canonicalOf(t, old, rename, keep), canonicalOf(t, now, rename, keep))
			if kept != (version >= "19") {
				t.Errorf("LLVM %s: %s with its block count stayed the same: %v", version, module, kept)
			}
		}
		if version < "17" && changed != len(before.modules) {
			t.Errorf("LLVM %s: only %d of %d raw shards changed: the test shows nothing", version, changed, len(before.modules))
		}
	}
}
