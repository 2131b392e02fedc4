// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/settings"
)

// inspected is what dtlto inspect says of a file, as JSON and to people.
func inspected(t *testing.T, s *settings.Settings, name string) (*inspection, string) {
	t.Helper()
	var text, people bytes.Buffer
	if err := Inspect(context.Background(), s, name, true, &text); err != nil {
		t.Fatal(err)
	}
	if err := Inspect(context.Background(), s, name, false, &people); err != nil {
		t.Fatal(err)
	}
	found := new(inspection)
	if err := json.Unmarshal(text.Bytes(), found, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%v\n%s", err, &text)
	}
	return found, people.String()
}

// wants checks that people are told things.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

// inspectVersions are the LLVMs whose files are looked at: the oldest, and one of each
// version of summaries.
var inspectVersions = []string{"13", "14", "19", "22"}

// thinLink makes three modules, archives of two of them, and what a thin link makes of
// all, in a folder.
func thinLink(t testing.TB, version string) string {
	t.Helper()
	folder := t.TempDir()
	llvmtest.Write(t, folder,
		"a.c", "int g(int); int unused(void) { return 1; } int main(int c, char **v) { return g(c); }\n",
		"b.c", "int h(int); int g(int x) { return h(x) + 1; } __attribute__((visibility(\"hidden\"))) int hidden;\n",
		"c.c", "int h(int x) { return x * 7; }\n")
	for _, name := range []string{"a", "b", "c"} {
		llvmtest.Run(t, folder, "clang-"+version, "-O2", "-fPIC", "-flto=thin", "-c", name+".c", "-o", name+".o")
	}
	llvmtest.Run(t, folder, "llvm-ar-"+version, "cr", "lib.a", "b.o", "c.o")
	llvmtest.Run(t, folder, "llvm-ar-"+version, "crT", "thin.a", "b.o", "c.o")
	llvmtest.Run(t, folder, "ld.lld-"+version, "-e", "main", "a.o", "lib.a", "-o", "program",
		"--thinlto-index-only=list", "--thinlto-emit-imports-files", "--thinlto-prefix-replace=;out/")
	return folder
}

func TestInspectThinLink(t *testing.T) {
	for _, version := range inspectVersions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			folder := thinLink(t, version)
			inspectModule(t, folder, version)
			inspectShard(t, folder)
			inspectArchives(t, folder, version)
			found, text := inspected(t, settings.Default(), filepath.Join(folder, "out/a.o.imports"))
			if found.Kind != "imports" || len(found.Imports) != 2 {
				t.Errorf("imports: %+v", found)
			}
			wants(t, text, "import     lib.a(b.o at ")
		})
	}
}

func inspectModule(t *testing.T, folder, version string) {
	found, text := inspected(t, settings.Default(), filepath.Join(folder, "a.o"))
	b := found.Bitcode
	if found.Kind != "bitcode" || b == nil || !b.ThinLTO || b.Minimized || len(b.Modules) != 1 || !strings.HasPrefix(b.Producer, "LLVM"+version+".") {
		t.Fatalf("a.o: %+v", found)
	}
	if m := b.Modules[0]; m.LTO != "thin" || m.Source != "a.c" || len(m.Hash) != 40 || !strings.Contains(m.Triple, "-") {
		t.Errorf("a.o: %+v", m)
	}
	if *b.Symbols != (symbolFacts{Defined: 2, Undefined: 1}) || *b.PICLevel != 2 {
		t.Errorf("a.o: %+v, PIC level %d", b.Symbols, *b.PICLevel)
	}
	wants(t, text, "LLVM bitcode, ThinLTO", "source     a.c", "2 defined (0 of them hidden), 1 undefined")
	found, _ = inspected(t, settings.Default(), filepath.Join(folder, "b.o"))
	if *found.Bitcode.Symbols != (symbolFacts{Defined: 2, Undefined: 1, Hidden: 1}) {
		t.Errorf("b.o: %+v", found.Bitcode.Symbols)
	}
}

func inspectShard(t *testing.T, folder string) {
	path := filepath.Join(folder, "out/a.o.thinlto.bc")
	found, text := inspected(t, settings.Default(), path)
	x := found.Index
	if found.Kind != "index" || x == nil || x.Skip || x.Canonical != "possible" || len(x.Modules) != 3 || x.SummaryVersion < 9 || x.LLVM == "" {
		t.Fatalf("shard: %+v", found)
	}
	names := map[string][]string{}
	for _, m := range x.Modules {
		if m.Own != (m.Path == "a.o") {
			t.Errorf("own: %+v", m)
		}
		for _, s := range m.Symbols {
			names[m.Path[:1]] = append(names[m.Path[:1]], s.Name)
		}
	}
	slices.Sort(names["a"])
	if !slices.Equal(names["a"], []string{"main", "unused"}) || !slices.Equal(slices.Concat(names["l"]), []string{"g", "h"}) {
		t.Errorf("symbols: %v", names)
	}
	wants(t, text, "of         a.o: 2 functions, 0 variables, 1 dead", "b.o at ", "1 function, 0 variables: g")
	inspectCanonical(t, path)
}

// inspectCanonical looks at the canonical form of a shard, and at one that says to skip.
func inspectCanonical(t *testing.T, path string) {
	shard, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := bitcode.Canonicalise(shard, func(path string) (string, bool) { return path, true }, bitcode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	llvmtest.Write(t, folder, "canonical", string(canonical.Data), "skip.thinlto.bc", string(bitcode.SkipIndex()))
	found, text := inspected(t, settings.Default(), filepath.Join(folder, "canonical"))
	if found.Index.Canonical != "already" || found.Index.Blocks != 0 {
		t.Errorf("canonical: %+v", found.Index)
	}
	wants(t, text, "it is in its canonical form")
	found, text = inspected(t, settings.Default(), filepath.Join(folder, "skip.thinlto.bc"))
	if !found.Index.Skip || len(found.Index.Modules) != 0 {
		t.Errorf("skip: %+v", found.Index)
	}
	wants(t, text, "of a module that the link does not use")
}

func inspectArchives(t *testing.T, folder, version string) {
	for _, name := range []string{"lib.a", "thin.a"} {
		found, text := inspected(t, settings.Default(), filepath.Join(folder, name))
		a := found.Archive
		if a == nil || a.Members != 2 || a.Bitcode != 2 || a.ThinLTO != 2 || len(a.List) != 2 || len(a.LLVM) != 1 || a.Thin != (name == "thin.a") {
			t.Fatalf("%s: %+v", name, found)
		}
		wants(t, text, "2: 2 with bitcode (2 ThinLTO)", "bitcode, LLVM "+version+", ThinLTO")
	}
	for _, name := range []string{"lib.a(c.o)", "thin.a(c.o)"} {
		found, _ := inspected(t, settings.Default(), filepath.Join(folder, name))
		if found.Bitcode == nil || found.Bitcode.Modules[0].Source != "c.c" {
			t.Errorf("%s: %+v", name, found)
		}
	}
	if err := os.Remove(filepath.Join(folder, "c.o")); err != nil {
		t.Fatal(err)
	}
	found, text := inspected(t, settings.Default(), filepath.Join(folder, "thin.a"))
	if found.Archive.Missing != 1 || found.Archive.Bitcode != 1 {
		t.Errorf("thin.a: %+v", found.Archive)
	}
	wants(t, text, "missing    1: the files that the archive names cannot be read from here")
}

// What is neither ThinLTO nor an error.
func TestInspectOtherBitcode(t *testing.T) {
	folder := t.TempDir()
	llvmtest.Write(t, folder, "a.c", "int f(void) { return 1; }\n",
		"s.cc", "struct A { virtual int f(); }; int A::f() { return 1; } int g(A *a) { return a->f(); }\n")
	for _, c := range []struct{ name, source, options, want string }{
		{"full.o", "a.c", "-flto=full", "regular LTO (-flto=full)"},
		{"plain.bc", "a.c", "-emit-llvm", "without a summary (-emit-llvm)"},
		{"small.o", "a.c", "-flto=thin -Xclang -fthin-link-bitcode=" + filepath.Join(folder, "min.bc"), "LLVM bitcode, ThinLTO"},
		{"min.bc", "", "", "minimized for thin links"},
		{"split.o", "s.cc", "-flto=thin -fwhole-program-vtables -fsplit-lto-unit -fvisibility=hidden", "ThinLTO with a part for regular LTO"},
		{"unified.o", "a.c", "-flto=thin -funified-lto", "or regular LTO if the linker is told"},
		{"fat.o", "a.c", "-flto=thin -ffat-lto-objects", "bitcode in section .llvm.lto: LLVM bitcode, ThinLTO"},
		{"native.o", "a.c", "", "ELF object: native code"},
		{"windows.obj", "a.c", "--target=x86_64-windows-msvc", "coff file: native code"},
	} {
		if c.source != "" {
			args := append(strings.Fields(c.options), "-O2", "-c", c.source, "-o", c.name)
			llvmtest.Run(t, folder, "clang-22", args...)
		}
		_, text := inspected(t, settings.Default(), filepath.Join(folder, c.name))
		wants(t, text, c.want)
	}
	llvmtest.Run(t, folder, "llvm-ar-22", "cr", "mixed.a", "fat.o", "full.o", "native.o", "a.c")
	found, text := inspected(t, settings.Default(), filepath.Join(folder, "mixed.a"))
	if a := found.Archive; a.Members != 4 || a.Bitcode != 2 || a.ThinLTO != 1 || a.Native != 1 || a.Other != 1 {
		t.Errorf("mixed.a: %+v", a)
	}
	wants(t, text, "fat.o at ", "elf with bitcode (FatLTO), LLVM 22, ThinLTO")
}

// What LLD 22 writes for its distributor.
func TestInspectJobFile(t *testing.T) {
	folder := thinLink(t, "22")
	llvmtest.Write(t, folder, "distributor", "#!/bin/sh\nfor last; do :; done\ncp \"$last\" jobs.json\nexit 1\n")
	if err := os.Chmod(filepath.Join(folder, "distributor"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := llvmtest.TryRun(t, folder, "clang-22", "-fuse-ld=lld", "-flto=thin", "a.o", "lib.a", "-o", "program",
		"-fthinlto-distributor="+filepath.Join(folder, "distributor"))
	if err == nil {
		t.Fatal("the link did not fail")
	}
	found, text := inspected(t, settings.Default(), filepath.Join(folder, "jobs.json"))
	if j := found.Jobs; j == nil || j.Jobs != 3 || j.Output != "program" || !strings.Contains(j.Compiler, "clang") || j.List[0].Module != "a.o" || j.Imports == 0 {
		t.Errorf("%+v", found)
	}
	wants(t, text, "job file", "output     program", "a.o, 2 imports → a.1.")
}

// Files that are missing keep none of the others from being inspected.
func TestInspectAll(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	llvmtest.Write(t, folder, "one", "", "two", "")
	var text, said bytes.Buffer
	err := InspectAll(context.Background(), settings.Default(), []string{"nothing", "one", "neither", "two"}, false, &text)
	if ExitCode(err) != ExitUsage {
		t.Errorf("%v", err)
	}
	wants(t, text.String(), "one: empty file", "two: empty file")
	PrintError(&said, err, false)
	wants(t, said.String(), "dtlto: error: nothing: ", "\ndtlto: error: neither: ")
	if err := InspectAll(context.Background(), settings.Default(), []string{"one", "two"}, true, &text); err != nil {
		t.Error(err)
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	text.Reset()
	if err := InspectAll(stopped, settings.Default(), []string{"one", "two"}, false, &text); ExitCode(err) != ExitInterrupted || text.Len() > 0 {
		t.Errorf("%v %s", err, &text)
	}
}
