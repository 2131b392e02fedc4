// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// TestStepsShareNothing has two links with one folder for their indexes: what b.o keeps is
// what the second link needs of it.
func TestStepsShareNothing(t *testing.T) {
	s := newStaging(t, 19)
	s.bitcode("b.o", "int b(void) { return 1; } int b2(void) { return 2; }", "lib.o", "int b(void); int lib(void) { return b(); }",
		"main.o", "int b(void); int main(void) { return b() - 1; }")
	library, program := []string{"-shared", "lib.o", "b.o"}, []string{"main.o", "b.o"}
	options := thinOptions("obj")
	s.write("obj/keep", "")
	first := with(options, "-Wl,--thinlto-index=obj/lib.map")
	s.mustTry(mapDTLTO, with(library, first...)...)
	s.mustTry(mapDTLTO, with(program, options...)...)
	for _, m := range []string{"obj/lib.map", "obj/exe.map"} {
		s.backendStep(s.readMap(m), true)
	}
	s.wantFinalRefused("obj/lib.map", library, "obj/b.o.thinlto.bc", "lib.map")
	p := s.finalStep(mapDTLTO, "obj/exe.map", with(program, "-o", "OUT/program")...)
	wantLines(t, s.run(p.file("program")), "exit status 0")
	// By itself the first link is as good.
	s.mustTry(mapDTLTO, with(library, first...)...)
	s.backendStep(s.readMap("obj/lib.map"), true)
	s.finalStep(mapDTLTO, "obj/lib.map", with(library, "-o", "OUT/program")...)
}

// TestStepsOldObjects has an object that was made before the last thin link, and a library
// that is nowhere, which the thin link would have refused.
func TestStepsOldObjects(t *testing.T) {
	s := newStaging(t, 19)
	s.bitcode("main.o", "int f(void); int main(void) { return f(); }", "f.o", "int f(void) { return 1; }")
	inputs := []string{"main.o", "f.o", "-o", "OUT/program"}
	m := s.thinStep("obj", "main.o", "f.o")
	s.backendStep(m, true)
	if p := s.finalStep(mapDTLTO, m.file, inputs...); strings.Contains(p.said, "older") {
		t.Errorf("says %q", p.said)
	}
	s.bitcode("f.o", "int f(void) { return 2; }")
	s.thinStep("obj", "main.o", "f.o")
	p, err := s.try(mapDTLTO, with(inputs, "-Wl,--remap-inputs-file="+m.file)...)
	if err != nil || !strings.Contains(p.said, "is older than its index") {
		t.Errorf("%v: %q", err, p.said)
	}
	s.wantFinalRefused(m.file, []string{"main.o", "f.o", "-lnowhere"}, "-lnowhere")
}

// TestStepsFinalOutput has outputs that the link reads: they must not be written over.
func TestStepsFinalOutput(t *testing.T) {
	s := newStaging(t, 19)
	s.bitcode("main.o", "int main(void) { return 0; }")
	// Not through clang, which removes the output of a link that fails.
	link := []string{"--dtlto-lld=" + s.tool("ld.lld"), "-shared", "main.o"}
	s.write("obj/keep", "")
	llvmtest.Run(t, s.dir, "ld.dtlto", with(link, "--thinlto-index=obj/exe.map", "--thinlto-prefix-replace=;obj/")...)
	s.backendStep(s.readMap("obj/exe.map"), true)
	link = with(link, "--remap-inputs-file=obj/exe.map", "-o")
	for _, file := range []string{"main.o", "obj/main.o", "obj/exe.map", "obj/main.o.thinlto.bc"} {
		before := read(t, s.path(file))
		out, err := llvmtest.TryRun(t, s.dir, "ld.dtlto", with(link, file)...)
		if err == nil {
			t.Errorf("-o %s succeeds", file)
		}
		wantErrorLine(t, out, file, "output")
		if string(read(t, s.path(file))) != string(before) {
			t.Errorf("%s is another file now", file)
		}
	}
	llvmtest.Run(t, s.dir, "ld.dtlto", with(link, "program")...)
}

// TestStepsForeignMaps leaves to LLD what is LLD's: maps that no thin link wrote.
func TestStepsForeignMaps(t *testing.T) {
	s := newStaging(t, 19)
	s.native("main.o", "int other(void); int main(void) { return other(); }", "a.o", "int other(void) { return 1; }", "b.o", "int other(void) { return 2; }")
	s.write("plain.map", "#dtlto is a fine thing\n#dtlto {hello}\na.o=b.o\n")
	for _, args := range [][]string{
		{"main.o", "a.o", "-Wl,--remap-inputs-file=plain.map"},
		{"main.o", "a.o", "-Wl,--remap-inputs-file=/dev/stdin"},
		{"--version", "-Wl,--remap-inputs-file=none"},
		{"--version", "-Wl,--thinlto-index=none"},
	} {
		for _, linker := range []string{mapLLD.flag, mapDTLTO.flag} {
			_ = os.Remove(s.path("program"))
			words := with([]string{"-c", s.tool("clang") + ` "$@" < plain.map`, "sh", linker, "-o", "program"}, args...)
			if out, err := llvmtest.TryRun(t, s.dir, "sh", words...); err != nil {
				t.Errorf("%s: %v\n%s", args, err, out)
			}
			if args[0] == "main.o" {
				wantLines(t, s.run(s.path("program")), "exit status 2")
			}
		}
	}
}
