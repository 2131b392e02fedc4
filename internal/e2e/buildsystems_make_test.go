// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"strings"
	"testing"
)

// TestBuildSystemsMakeRules holds what the page says of the ways to tell make that a thin link
// writes indexes: how many of three backends run after an edit that changes the index of two
// modules besides the edited one, and what the next make does.
func TestBuildSystemsMakeRules(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: runs make many times")
	}
	const rule = "$(objects:=.thinlto.bc) obj/libtwice.a.d/twice.o.bc: program.map ;\n"
	makefile := makefileOf(t, "Backends as edges/With make, nothing included", rule)
	const upToDate = "make: 'program' is up to date.\n"
	indexes := strings.TrimSuffix(rule, ": program.map ;\n")
	for _, tt := range []struct {
		name, rule string
		ran        int    // backends after the edit
		next       string // what the next make says, if nothing of ours is run
	}{
		{"empty recipe", rule, 3, upToDate},
		{"recipe that does nothing", strings.Replace(rule, ";", "; @:", 1), 3, ""},
		{"no recipe", indexes + ": program.map\n", 0, "dtlto backend"},
		{"order only", indexes + ": | program.map\n", 0, "dtlto backend"},
		{"grouped", "program.map " + indexes + " &: bc/main.o bc/sum.o bc/libtwice.a\n" +
			"\t$(link) -Wl,--thinlto-index=program.map,--thinlto-prefix-replace='bc/;obj/'\n", 3, upToDate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newPageRun(t, 19, "project")
			text := strings.Replace(makefile, rule, tt.rule, 1)
			if tt.name == "grouped" {
				before, after, _ := strings.Cut(text, "program.map: bc/main.o")
				_, after, _ = strings.Cut(after, "\n\n")
				text = before + after
			}
			r.try([]pageBlock{{lang: "make", file: "Makefile", text: text}})
			r.sh("make -j4")
			said := r.sh("sed -i 's/n \\* 2/n * 3/' twice.c; make -j4")
			if ran := len(backendEdge.FindAllString(said, -1)); ran != tt.ran {
				t.Errorf("%d backends, want %d:\n%s", ran, tt.ran, said)
			}
			program := string(output(t, r.path("program")))
			if isNew := program == "started\nsum 63\n"; isNew != (tt.ran == 3) {
				t.Errorf("the program prints %q", program)
			}
			if said := r.sh("make -j4"); said != tt.next && (tt.ran == 3 || !strings.Contains(said, tt.next)) {
				t.Errorf("the next make says\n%s", said)
			}
			wantLines(t, string(output(t, r.path("program"))), "started", "sum 63")
			if quiet := strings.Contains(r.sh("make -q && echo quiet || true"), "quiet"); quiet != (tt.name == "grouped" || tt.ran == 0) {
				t.Errorf("make -q succeeds: %v", quiet)
			}
			// Two of three indexes stay as they are.
			r.sh("echo 'int other(int n) { return n; }' >>main.c; make -j4")
			if again := strings.Contains(r.sh("make -j4"), "--thinlto-index="); again != (tt.name == "grouped") {
				t.Errorf("with nothing edited, there is a thin link: %v", again)
			}
		})
	}
}

// makefileOf is the Makefile of a section of the page, which must have a line.
func makefileOf(t *testing.T, section, line string) string {
	t.Helper()
	for _, s := range readPage(t, pageFile) {
		for _, b := range s.blocks {
			if s.name == section && b.file == "Makefile" && strings.Contains(b.text, line) {
				return b.text
			}
		}
	}
	t.Fatalf("%s: %s: no makefile with %q", pageFile, section, line)
	return ""
}
