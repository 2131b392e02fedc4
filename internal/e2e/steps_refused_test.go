// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// refusedParts is a program in files with names that make trouble.
func refusedParts(s *staging) {
	s.t.Helper()
	s.write("obj/exe.map", "the old map\n", "file", "", "plain.map", "a.o=b.o\n")
	s.bitcode("thin/main.o", hidden+`int f(void); int main(void) { puts("main"); return f(); }`, "thin/f.o", "int f(void) { return 0; }",
		"other/g.o", "int g(void) { return 0; }", "lib.a.d/m.o", "int m(void) { return 0; }", "calls.o", "int missing(void); int main(void) { return missing(); }")
	s.compileAll([]string{"-flto=full"}, []string{"thin/full.o", "int full(void) { return 0; }"})
	s.native("thin/native.o", "int native(void) { return 0; }", "other/h.o", "")
	s.archive("lib.a", "lib.a.d/m.o")
	for _, name := range []string{"thin/new\nline.o", "thin/is=.o", "thin/ blank.o", "thin/ümlaut.o"} {
		s.copy("other/g.o", name)
	}
	s.copy("other/g.o", "thin/blank.o ")
	s.copy("other/g.o", "thin/h.o")
	for _, folder := range []string{"index", "sub", "thin/sub"} {
		if err := os.MkdirAll(s.path(folder), 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestStepsRefused is about thin links that cannot be, or whose files would be another's.
// Each has an error that names what it is about, and leaves the old map and everything else.
func TestStepsRefused(t *testing.T) {
	const thin, suffix = "-Wl,--thinlto-prefix-replace=thin;obj", "-Wl,--thinlto-object-suffix-replace="
	s := newStaging(t, 19)
	refusedParts(s)
	s.write("script.ver", "{ global: *; };\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(s.path("thin"), link); err != nil {
		t.Fatal(err)
	}
	good := []string{"thin/main.o", "thin/f.o", "thin/native.o"}
	for _, tt := range []struct {
		name  string
		words []string // of the error
		args  []string // beside the map and the good inputs
	}{
		{"no prefix", []string{"--thinlto-index=", "--thinlto-prefix-replace="}, nil},
		{"no prefix in the option", []string{"--thinlto-prefix-replace="}, []string{"-Wl,--thinlto-prefix-replace=thin"}},
		{"four parts", []string{"--thinlto-prefix-replace="}, []string{thin + ";c;d"}},
		{"other prefix", []string{"other/g.o", "thin"}, []string{thin, "other/g.o"}},
		{"other prefix in three parts", []string{"other/g.o", "thin"}, []string{"-Wl,--thinlto-prefix-replace=thin;index;obj", "other/g.o"}},
		{"archive with another prefix", []string{"lib.a", "thin"}, []string{thin, "lib.a", "-Wl,-u,m"}},
		{"other suffix", []string{"thin/main.o", ".min.o"}, []string{thin, suffix + ".min.o;.o"}},
		{"suffix without an end", []string{"--thinlto-object-suffix-replace="}, []string{thin, suffix + ".o"}},
		{"escape", []string{"outside", "other/g.o"}, []string{"-Wl,--thinlto-prefix-replace=;sub/", "../" + folderOf(s) + "/other/g.o"}},
		{"escape in an input", []string{"thin/../other/g.o", "outside"}, []string{thin, "thin/../other/g.o"}},
		{"escape of the index", []string{"thin/sub/../../other/g.o", "outside"}, []string{"-Wl,--thinlto-prefix-replace=thin/;sub/index/;", "thin/sub/../../other/g.o"}},
		{"escape of the object", []string{"thin/sub/../../other/g.o", "outside"}, []string{"-Wl,--thinlto-prefix-replace=thin/;;sub/obj/", "thin/sub/../../other/g.o"}},
		{"two spellings of a file", []string{"thin/f.o"}, []string{thin, "-Wl,--start-lib", "thin/sub/../f.o", "-Wl,--end-lib"}},
		{"a file like a member", []string{"obj/lib.a.d/m.o"}, []string{"-Wl,--thinlto-prefix-replace=;obj/", "lib.a", "-Wl,--start-lib", "lib.a.d/m.o", "-Wl,--end-lib"}},
		{"an object like the map", []string{"obj/f.o"}, []string{thin, "-Wl,--thinlto-index=obj/f.o"}},
		{"an output like an input", []string{"thin/main.o"}, []string{"-Wl,--thinlto-prefix-replace=;"}},
		{"objects in place of modules", []string{"thin/main.o"}, []string{"-Wl,--thinlto-prefix-replace=thin/;obj/;thin/"}},
		{"an object like a native input", []string{"other/h.o"}, []string{"-Wl,--thinlto-prefix-replace=thin/;sub/../other/", "other/h.o", "thin/h.o"}},
		{"a line end", []string{`line.o`}, []string{thin, "thin/new\nline.o"}},
		{"an equals sign", []string{"thin/is=.o"}, []string{thin, "thin/is=.o"}},
		{"a blank behind", []string{"blank.o "}, []string{thin, "thin/blank.o "}},
		{"not ASCII", []string{"mlaut.o", "ASCII"}, []string{thin, "thin/ümlaut.o"}},
		{"a file for a folder", []string{"file"}, []string{"-Wl,--thinlto-prefix-replace=thin;file/x"}},
		{"no map", []string{"--thinlto-index="}, []string{thin, "-Wl,--thinlto-index="}},
		{"a map in no folder", []string{"nowhere/exe.map"}, []string{thin, "-Wl,--thinlto-index=nowhere/exe.map"}},
		{"a map that is a folder", []string{"index"}, []string{thin, "-Wl,--thinlto-index=index"}},
		{"a map like an input", []string{"thin/native.o"}, []string{thin, "-Wl,--thinlto-index=thin/native.o"}},
		{"a map like a version script", []string{"script.ver"}, []string{thin, "-Wl,--version-script=script.ver", "-Wl,--thinlto-index=script.ver"}},
		{"objects over modules by another name", []string{"thin/main.o"}, []string{"-Wl,--thinlto-prefix-replace=;" + s.dir + "/"}},
		{"objects over modules through a link", []string{"link/main.o"}, []string{"-Wl,--thinlto-prefix-replace=thin/;" + link + "/"}},
		{"objects called as options", []string{"thin/main.o", "-omain.o"}, []string{"-Wl,--thinlto-prefix-replace=thin/;-o"}},
		{"an archive of another name", []string{"lib.a", "xlib.a"}, []string{"-Wl,--thinlto-prefix-replace=;obj/x", "lib.a", "-Wl,-u,m", "-Wl,--exclude-libs,lib.a"}},
		{"regular LTO in parts", []string{"--lto-partitions=2"}, []string{thin, "thin/full.o", "-Wl,--lto-partitions=2"}},
		{"reproduction", []string{"--reproduce"}, []string{thin, "-Wl,--reproduce=r.tar"}},
		{"two ways at once", []string{"--thinlto-index-only"}, []string{thin, "-Wl,--thinlto-index-only=params"}},
		{"a map made and used", []string{"--thinlto-index=", "--remap-inputs-file="}, []string{thin, "-Wl,--remap-inputs-file=plain.map"}},
		{"a map made and inputs replaced", []string{"--thinlto-index=", "--remap-inputs="}, []string{thin, "-Wl,--remap-inputs=a.o=b.o"}},
	} {
		s.sub(tt.name, func(s *staging) {
			args := with(good, "-Wl,--thinlto-index=obj/exe.map", "-Wl,--thinlto-emit-imports-files")
			s.wantStepRefused(".", with(args, tt.args...), tt.words...)
		})
	}
	// What was refused was that, and not something about the inputs that were good.
	s.write("obj/exe.map", "the old map\n")
	s.mustTry(mapDTLTO, with(good, "-Wl,--thinlto-index=obj/exe.map", thin)...)
	s.wantTree([]string{"obj/exe.map", "obj/main.o.thinlto.bc", "obj/f.o.thinlto.bc"}, "obj")
	s.backendStep(s.readMap("obj/exe.map"), true)
	p := s.finalStep(mapDTLTO, "obj/exe.map", with(good, "-o", "OUT/program")...)
	wantLines(t, s.run(p.file("program")), "main", "exit status 0")
}

// folderOf is the name of the test's folder.
func folderOf(s *staging) string { return s.dir[strings.LastIndex(s.dir, "/")+1:] }

// TestStepsFromBelow has inputs in folders above, which is no escape where the user says so.
func TestStepsFromBelow(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		s.bitcode("src/main.o", "int f(void); int main(void) { return f(); }", "src/f.o", "int f(void) { return 3; }")
		s.archive("src/lib.a", "src/f.o")
		s.write("link/keep", "")
		below := *s
		below.dir = s.path("link")
		for _, tt := range []struct{ replace, object string }{
			{"../src/;obj/", "obj/main.o"},
			{"../src;../out/new", "../out/new/main.o"},
			{"../src/;../index/;../obj/x", "../obj/xmain.o"},
			{s.path("src") + "/;abs/", "abs/main.o"},
		} {
			inputs := []string{"../src/main.o", "../src/lib.a", "-o", "OUT/program"}
			if strings.HasPrefix(tt.replace, "/") {
				inputs[0], inputs[1] = s.path("src/main.o"), s.path("src/lib.a")
			}
			args := with(notOutput(inputs), "-Wl,--thinlto-index=exe.map,--thinlto-emit-imports-files", "-Wl,--thinlto-prefix-replace="+tt.replace)
			if said, err := below.tryThinStep(args...); err != nil || said != "" {
				s.t.Fatalf("%s: %v: %q", tt.replace, err, said)
			}
			m := below.readMap("exe.map")
			if got := m.entries[inputs[0]]; got != tt.object {
				s.t.Errorf("%s: %s has the place of %s, want %s", tt.replace, got, inputs[0], tt.object)
			}
			below.backendStep(m, true)
			p := below.finalStep(mapDTLTO, m.file, inputs...)
			wantLines(s.t, below.run(p.file("program")), "exit status 3")
		}
	})
}

// TestStepsThinLinkFails wants LLD's message and exit code, once, and the old map. Symbols that
// are missing are news of the final link: LLD does not look for them before.
func TestStepsThinLinkFails(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		refusedParts(s)
		s.bitcode("twice.o", "int f(void) { return 1; }")
		for _, inputs := range [][]string{{"thin/main.o", "thin/f.o", "twice.o"}, {"thin/main.o", "thin/f.o", "nowhere.o"}, {"thin/main.o", "--no-such-option"}} {
			words := with([]string{"--dtlto-lld=" + s.tool("ld.lld"), "-e", "main", "-o", "program"}, inputs...)
			lld := exec.Command(s.tool("ld.lld"), with(words[1:], "--thinlto-index-only")...)
			ours := exec.Command("ld.dtlto", with(words, "--thinlto-index=obj/exe.map", "--thinlto-prefix-replace=;obj/")...)
			lld.Dir, ours.Dir = s.dir, s.dir
			before := len(s.files("."))
			want, wantErr := lld.CombinedOutput()
			got, err := ours.CombinedOutput()
			if wantErr == nil || err == nil || lld.ProcessState.ExitCode() != ours.ProcessState.ExitCode() {
				s.t.Errorf("LLD: %v, dtlto: %v", wantErr, err)
			}
			if string(got) != string(want) {
				s.t.Errorf("the thin link says\n%s\nLLD\n%s", got, want)
			}
			s.wantFile("obj/exe.map", "the old map\n")
			if after := len(s.files(".")); after != before {
				s.t.Errorf("%d files, before %d", after, before)
			}
		}
		inputs := []string{"calls.o", "thin/f.o"}
		m := s.thinStep("obj", inputs...)
		s.backendStep(m, true)
		s.wantFinalRefused(m.file, inputs, "undefined symbol: missing")
	})
}
