// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestStepsBadMap is about final links whose map is damaged, is of another link, or speaks of
// what is not there. None may make a program that is not the thin link's.
func TestStepsBadMap(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		s.bitcode("extra.o", hidden+`CONSTRUCTOR { puts("extra"); } int extra;`)
		s.native("extranative.o", hidden+`CONSTRUCTOR { puts("extra native"); } int extra_native;`)
		s.native("plain.o", "int plain;")
		inputs := []string{"main.o", "root.o", "libmixed.a", "plain.o"}
		m := s.thinStep("obj", inputs...)
		s.backendStep(m, false)
		text := string(read(s.t, s.path("obj/exe.map")))
		s.stepMaps(inputs, text)
		s.otherInputs(inputs)
		s.missingObjects(inputs)
	})
}

// wantFinalRefused wants a final link to fail with these words in an error's line, and to
// leave the output as it was.
func (s *staging) wantFinalRefused(file string, args []string, words ...string) {
	s.t.Helper()
	l := mapDTLTO
	p, err := s.try(l, with(args, "-Wl,--remap-inputs-file="+file, "-o", "OUT/program")...)
	if err == nil {
		s.t.Errorf("the final link succeeds and says %q; the program prints %q", p.said, s.run(p.file("program")))
		return
	}
	wantErrorLine(s.t, p.said, words...)
	if strings.Contains(p.said, ".dtlto-") {
		s.t.Errorf("the final link speaks of the stage: %q", p.said)
	}
	wantNames(s.t, p.dir, nil)
	wantNoStageFolder(s.t, s.dir)
}

// stepMaps damages a good map.
func (s *staging) stepMaps(inputs []string, text string) {
	s.t.Helper()
	load := `#dtlto {"load":{"file":"obj/main.o"}}` + "\n"
	for i, tt := range []struct{ name, old, new, says string }{
		{"newer", `{"version":1`, `{"version":2`, "newer"},
		{"no version", `{"version":1`, `{"number":1`, "version"},
		{"no JSON", `#dtlto {"job"`, `#dtlto {"job`, ""},
		{"cut off", text[len(text)/2:], "", ""},
		{"no equals sign", "main.o=", "main.o", "from-glob=to-file"},
		{"nothing behind it", "main.o=obj/main.o", "main.o=", "from-glob=to-file"},
		{"two", "main.o=obj/main.o", "main.o=obj/main.o=x", "from-glob=to-file"},
		{"bitcode for an object", `{"load":{"file":"obj/main.o"`, `{"load":{"file":"main.o"`, "main.o"},
		{"an unknown file loaded", `{"load":{"file":"obj/main.o"`, `{"load":{"file":"obj/none.o"`, "obj/none.o"},
		{"loaded twice", load, load + load, "main.o"},
		{"not loaded", load, "", "obj/main.o"},
		{"no place", "main.o=obj/main.o\n", "", "obj/main.o"},
		{"no object in its place", "main.o=obj/main.o\n", "main.o=/dev/null\n", "obj/main.o"},
		{"another in its place", "main.o=obj/main.o\n", "main.o=obj/root.o\n", "obj/"},
		{"added what is not there", load, load + `#dtlto {"add":"nowhere.o"}` + "\n", "nowhere.o"},
		{"without an end", `#dtlto {"end"`, "# ", "not whole"},
		{"binary", text, "\x00\x01\x02\xff\xfe", ""},
	} {
		if !s.turn(i) {
			continue
		}
		s.sub(tt.name, func(s *staging) {
			bad := strings.Replace(text, tt.old, tt.new, 1)
			if bad == text {
				s.t.Fatalf("the map does not have %q:\n%s", tt.old, text)
			}
			if tt.name != "without an end" {
				bad = ended(bad)
			}
			s.write("bad.map", bad)
			words := []string{"bad.map"}
			if tt.says != "" {
				words = append(words, tt.says)
			}
			if strings.Contains(tt.says, ".o") {
				words = words[1:] // what is wrong is the file
			}
			s.wantFinalRefused("bad.map", inputs, words...)
		})
	}
	s.sub("not there", func(s *staging) { s.wantFinalRefused("none.map", inputs, "none.map") })
	s.sub("folder", func(s *staging) { s.wantFinalRefused("obj", inputs, "obj") })
}

// ended gives a map the last line that belongs to it.
func ended(text string) string {
	lines := 1
	for line := range strings.Lines(text) {
		record, ok := strings.CutPrefix(line, `#dtlto {"`)
		if !ok && line[0] != '#' || strings.HasPrefix(record, "job") || strings.HasPrefix(record, "load") || strings.HasPrefix(record, "add") {
			lines++
		}
	}
	before, _, _ := strings.Cut(text, `#dtlto {"end"`)
	return before + fmt.Sprintf("#dtlto {\"end\":%d}\n", lines)
}

// otherInputs has a good map, and a command line that is not the thin link's.
func (s *staging) otherInputs(inputs []string) {
	s.t.Helper()
	for i, tt := range []struct {
		name   string
		inputs []string
		word   string
	}{
		{"extra module", with(inputs, "extra.o"), "extra.o"},
		{"extra native object", with(inputs, "extranative.o"), "extranative.o"},
		{"extra archive of bitcode", with(inputs, "libbitcode.a"), "libbitcode.a"},
		{"missing module", slices.Delete(slices.Clone(inputs), 1, 2), "root.o"},
		{"missing archive", slices.Delete(slices.Clone(inputs), 2, 3), "libmixed.a"},
		{"missing native object", inputs[:3:3], "plain.o"},
		{"shared", with(inputs, "-shared"), "symbols"},
		{"not PIE", with(inputs, "-no-pie"), "pie"},
		{"exported", with(inputs, "-Wl,--export-dynamic"), "export-dynamic"},
		{"undefined", with(inputs, "-Wl,--undefined=unused"), "undefined"},
	} {
		if s.turn(i) {
			s.sub(tt.name, func(s *staging) { s.wantFinalRefused("obj/exe.map", tt.inputs, tt.word) })
		}
	}
	// The same inputs in another order or role are linked as the thin link had them.
	good := read(s.t, s.finalStep(mapDTLTO, "obj/exe.map", with(inputs, "-o", "OUT/program")...).file("program"))
	for _, other := range [][]string{
		{"root.o", "main.o", "libmixed.a", "plain.o"},
		{"plain.o", "libmixed.a", "root.o", "main.o"},
		{"main.o", "-Wl,--start-lib", "root.o", "-Wl,--end-lib", "libmixed.a", "plain.o"},
		{"main.o", "root.o", "-Wl,--whole-archive", "libmixed.a", "-Wl,--no-whole-archive", "plain.o"},
	} {
		p, err := s.try(mapDTLTO, with(other, "-Wl,--remap-inputs-file=obj/exe.map", "-o", "OUT/program")...)
		if err == nil && !bytes.Equal(read(s.t, p.file("program")), good) {
			s.t.Errorf("%q: the program is not the thin link's", other)
		} else if err != nil {
			wantErrorLine(s.t, p.said, "obj/exe.map")
		}
	}
}

// missingObjects takes away what the map names.
func (s *staging) missingObjects(inputs []string) {
	s.t.Helper()
	good := s.finalStep(mapDTLTO, "obj/exe.map", with(inputs, "-o", "OUT/program")...)
	wantLines(s.t, sorted(s.run(good.file("program"))), losingLines...)
	for _, tt := range []struct {
		file         string
		words, empty []string
	}{
		{"obj/main.o", []string{"obj/main.o: ", "not there", "in the place of main.o", "backend compile"}, []string{"obj/main.o"}},
		{"obj/libmixed.a.d/inlined.o", []string{"obj/libmixed.a.d/inlined.o: ", "not there", "backend compile"}, []string{"inlined.o"}},
		{"obj/libmixed.a", []string{"obj/libmixed.a"}, []string{"obj/libmixed.a"}},
		{"obj/libmixed.a.d/native.o", []string{"native.o"}, []string{"native.o"}},
		{"obj/libmixed.a.d/unusednative.o", []string{"unusednative.o"}, nil}, // LLD alone has a warning at most
	} {
		text := read(s.t, s.path(tt.file))
		s.sub(tt.file+" removed", func(s *staging) {
			if err := os.Remove(s.path(tt.file)); err != nil {
				s.t.Fatal(err)
			}
			s.wantFinalRefused("obj/exe.map", inputs, tt.words...)
		})
		s.sub(tt.file+" empty", func(s *staging) {
			s.write(tt.file, "")
			if tt.empty != nil {
				s.wantFinalRefused("obj/exe.map", inputs, tt.empty...)
			}
		})
		s.write(tt.file, string(text))
	}
	// Bitcode need not be there any more.
	for _, file := range []string{"main.o", "root.o", "libmixed.a"} {
		if err := os.Remove(s.path(file)); err != nil {
			s.t.Fatal(err)
		}
	}
	words := with([]string{"-Wl,--remap-inputs-file=obj/exe.map"}, "-Xlinker", "main.o", "-Xlinker", "root.o", "-Xlinker", "libmixed.a", "plain.o", "-o", "OUT/program")
	p := s.mustTry(mapDTLTO, words...)
	s.wantSame(good, p)
	wantLines(s.t, sorted(s.run(p.file("program"))), losingLines...)
}

// TestStepsPlainMap is a map that somebody else wrote. LLD 13 to 16 cannot read it: dtlto can.
func TestStepsPlainMap(t *testing.T) {
	withLLVMs(t, everyLLVM, func(s *staging) {
		s.native("main.o", hidden+`int f(void); int main(void) { return f(); }`, "one.o", "int f(void) { return 1; }", "two.o", "int f(void) { return 2; }",
			"three.o", "int f(void) { return 3; }")
		s.bitcode("bitcode.o", "int f(void) { return 4; }")
		s.archive("libf.a", "one.o")
		s.archive("libtwo.a", "two.o")
		s.write("map", "# a comment\n\n  one.o=two.o  \n./libf.a=libtwo.a\n", "globs", "o*e.o=three.o\nt?o.o=/dev/null\n", "drop", "one.o=/dev/null\ntwo.o=/dev/null\n")
		for _, tt := range []struct {
			name, want string
			args       []string
		}{
			{"none", "exit status 1", []string{"main.o", "one.o"}},
			{"file", "exit status 2", []string{"main.o", "one.o", "-Wl,--remap-inputs-file=map"}},
			{"library search", "exit status 2", []string{"main.o", "-L.", "-lf", "-Wl,--remap-inputs-file=map"}},
			{"option", "exit status 3", []string{"main.o", "one.o", "-Wl,--remap-inputs=one.o=three.o"}},
			{"glob", "exit status 3", []string{"main.o", "one.o", "two.o", "-Wl,--remap-inputs-file=globs"}},
			{"dropped", "exit status 3", []string{"main.o", "one.o", "two.o", "three.o", "-Wl,--remap-inputs-file=drop"}},
			{"separate words", "exit status 3", []string{"main.o", "one.o", "-Wl,--remap-inputs,one.o=three.o"}},
			{"bitcode in its place", "exit status 4", []string{"main.o", "one.o", "-Wl,--remap-inputs=one.o=bitcode.o"}},
		} {
			s.sub(tt.name, func(s *staging) {
				p, err := s.try(linker{flag: mapDTLTO.flag, folder: "ours"}, with(tt.args, "-o", "OUT/program")...)
				if err != nil {
					s.t.Fatal(err)
				}
				wantLines(s.t, s.run(p.file("program")), tt.want)
				if s.remaps() {
					wantSameSymbols(s.t, s.mustTry(plainLLD, with(tt.args, "-o", "OUT/program")...).file("program"), p.file("program"))
				}
			})
		}
	})
}
