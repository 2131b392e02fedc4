// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/corpus"
)

// TestStagedAsNative links with LLVM 22, which can both: it must make the same objects
// and the same symbols whichever way it goes, and where all archives lie in the link's
// folder also the same actions. For other archives LLD 22 forgets the folder.
func TestStagedAsNative(t *testing.T) {
	s := newStaging(t, 22)
	losing(s)
	for _, tt := range losingInputs {
		s.sub(tt.name, func(s *staging) { s.wantAsNative(append([]string{"main.o", "root.o"}, tt.args...)...) })
		s.sub(tt.name+" shared", func(s *staging) { s.wantAsNative(append([]string{"-shared", "root.o"}, tt.args...)...) })
	}
	for _, p := range []corpus.Program{corpus.Zstd(), corpus.RE2()} {
		t.Run(p.Name, func(t *testing.T) {
			o := built(t, p, 22, corpus.ThinLTO()...)
			tr := layOut(t, 22, o, true)
			s := &staging{t: t, llvm: 22, dir: tr.dir, driver: o.Driver}
			s.wantAsNative(tr.inputs...)
		})
	}
}

// wantAsNative links in native mode, which compiles, and then in staged mode, which must
// find everything in the cache: objects are the same if the actions are.
func (s *staging) wantAsNative(args ...string) {
	s.t.Helper()
	cache := s.t.TempDir()
	args = append(args, "-o", "OUT/program", "-Wl,--dtlto-print-action,--dtlto-cache-dir="+cache)
	native := s.link(nativeLLD, args...)
	staged := s.link(stagedLLD, args...)
	want, got := actions(native.said), actions(staged.said)
	if len(want) == 0 || len(want) != native.jobs {
		s.t.Fatalf("native mode prints %d actions of %d jobs", len(want), native.jobs)
	}
	// LLD 22 calls a member of a thin archive by its own file's name, which has another
	// rank than its place in the archive has in-process and in staged mode.
	thin := slices.Contains(args, "libthin.a")
	if lost, added := less(want, got), less(got, want); !thin && (len(lost) > 0 || len(added) > 0) {
		s.t.Errorf("of %d actions native mode has\n%s\nand staged mode\n%s", len(want), strings.Join(lost, "\n"), strings.Join(added, "\n"))
	}
	wantSameSymbols(s.t, native.file("program"), staged.file("program"))
	if all := bytes.Count(read(s.t, native.file("program")), []byte(".dtlto-")) + bytes.Count(read(s.t, staged.file("program")), []byte(".dtlto-")); all > 0 {
		s.t.Error("the name of the stage is in a program")
	}
}

var actionStart = regexp.MustCompile(`(?m)^module `)

// actions are the printed actions without the names that LLD has for modules, in no
// order.
func actions(said string) (all []string) {
	starts := actionStart.FindAllStringIndex(said, -1)
	for i, start := range starts {
		end := len(said)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		_, text, _ := strings.Cut(said[start[0]:end], "\n")
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}
