// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/record"
)

// suffixes tells the linker where the whole of minimized bitcode is.
const suffixes = "-Wl,--thinlto-object-suffix-replace=.min.o;.o"

// minimize compiles for ThinLTO, given as name, C text and so on, each to name.o and what a
// thin link needs of it, name.min.o.
func (s *staging) minimize(files ...string) {
	s.t.Helper()
	for i := 0; i+1 < len(files); i += 2 {
		s.write(files[i]+".c", files[i+1])
		s.compile(files[i]+".o", "-flto=thin", "-fPIC", "-fthin-link-bitcode="+files[i]+".min.o")
	}
}

// minimized is a program with modules in use and not, and a native file.
func minimized(s *staging) (whole, small []string) {
	s.t.Helper()
	s.minimize("thin/main", hidden+`int root(void); int main(void) { puts("main"); return root(); }`,
		"thin/root", hidden+`int native(void); HIDDEN int inlined(void); int root(void) { return inlined() + native(); }`,
		"thin/inlined", hidden+`HIDDEN int inlined(void) { return 3; } CONSTRUCTOR { puts("inlined"); }`,
		"thin/unused", hidden+`int unused(void) { return 3; } CONSTRUCTOR { puts("unused"); }`)
	s.native("native.o", `int native(void) { return 4; }`)
	whole = []string{"native.o", "thin/main.o", "thin/root.o", "-Wl,--start-lib", "thin/inlined.o", "thin/unused.o", "-Wl,--end-lib"}
	for _, word := range whole {
		small = append(small, strings.Replace(word, ".o", ".min.o", 1))
	}
	small[0] = "native.o"
	return whole, small
}

var minimizedLines = []string{"exit status 7", "inlined", "main"}

// TestMinimized links minimized bitcode in one go. LLD alone cannot: it has no way to the
// functions. The program must be that of the whole bitcode, here and on a cluster.
func TestMinimized(t *testing.T) {
	withLLVMs(t, []int{13, 14, 16, 19, 22}, func(s *staging) {
		whole, small := minimized(s)
		inProcess := s.link(plainLLD, with(whole, "-o", "OUT/program")...)
		want := s.link(stagedLLD, with(whole, "-o", "OUT/program")...)
		text := read(s.t, want.file("program"))
		if p, err := s.try(plainLLD, with(small, suffixes, "-o", "OUT/other")...); err == nil && s.run(p.file("other")) == s.run(inProcess.file("program")) {
			s.t.Error("LLD alone links minimized bitcode: what is this test for?")
		}
		inProcess = s.link(plainLLD, with(whole, "-o", "OUT/program")...)
		for _, l := range []linker{stagedLLD, {flag: stagedLLD.flag, folder: "default", env: []string{"DTLTO_SUMMARY=1"}}} {
			got := s.link(l, with(small, suffixes, "-o", "OUT/program")...)
			if !bytes.Equal(read(s.t, got.file("program")), text) || got.jobs != 3 {
				s.t.Errorf("%s: %d jobs, and not the program of the whole bitcode", l.folder, got.jobs)
			}
			s.wantSame(inProcess, got)
			wantLines(s.t, sorted(s.run(got.file("program"))), minimizedLines...)
		}
		// A thin archive's members are files like others.
		llvmtest.Run(s.t, s.dir, s.tool("llvm-ar"), "rcTS", "libmin.a", "thin/unused.min.o", "thin/inlined.min.o")
		got := s.link(stagedLLD, "native.o", "thin/main.min.o", "thin/root.min.o", "libmin.a", suffixes, "-o", "OUT/program")
		s.wantSame(inProcess, got)
		wantLines(s.t, sorted(s.run(got.file("program"))), minimizedLines...)
		s.minimizedRemote(small, text)
	})
}

// minimizedRemote links on a cluster, whose workers get the whole bitcode.
func (s *staging) minimizedRemote(small []string, want []byte) {
	s.t.Helper()
	if s.llvm != 14 && s.llvm != 19 && s.llvm != 22 {
		return
	}
	server := reapitest.Start(s.t, reapitest.Options{Slots: 2})
	tr := tree{llvm: s.llvm, dir: s.dir, inputs: with(small, suffixes)}
	m := newMachine(s.t, tr, "DTLTO_REMOTE_EXECUTOR="+server.Address(), "DTLTO_REMOTE_COMPILER="+llvmtest.Tool(s.t, s.tool("clang")), "DTLTO_REMOTE_LOCAL_DELAY=3600", "DTLTO_MODE=staged")
	m.link(s.tool("clang"), tr.args()...)
	m.wantOnly(record.Executed)
	if !bytes.Equal(read(s.t, filepath.Join(m.dir, "program")), want) {
		s.t.Error("the cluster makes another program of the minimized bitcode")
	}
}

// TestMinimizedSteps is the same in steps, with the objects of the whole bitcode.
func TestMinimizedSteps(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		whole, small := minimized(s)
		m := s.sameSteps(minimizedLines, with(whole, "-o", "OUT/program")...)
		said, err := s.tryThinStep(with(small, "-Wl,--thinlto-index=min/exe.map", suffixes, "-Wl,--thinlto-prefix-replace=;min/")...)
		if err == nil || !strings.Contains(said, "min/exe.map") {
			s.t.Errorf("a map in a folder that is not there: %v, %q", err, said)
		}
		s.write("min/keep", "")
		s.mustTry(mapDTLTO, with(small, "-Wl,--thinlto-index=min/exe.map", suffixes, "-Wl,--thinlto-prefix-replace=;min/")...)
		n := s.readMap("min/exe.map")
		s.backendStep(n, true)
		if len(n.jobs) != len(m.jobs) || len(n.jobs) != 4 {
			s.t.Fatalf("%d jobs, with the whole bitcode %d", len(n.jobs), len(m.jobs))
		}
		for i, job := range m.jobs {
			small := n.jobs[i]
			if small.Module != job.Module || !slices.Equal(small.Imports, job.Imports) || small.Unused != job.Unused {
				s.t.Errorf("%+v, with the whole bitcode %+v", small, job)
			}
			if !job.Unused {
				s.wantFile(small.Object, string(read(s.t, s.path(job.Object))))
			}
		}
		for name := range s.files("min") {
			if strings.HasSuffix(name, ".imports") {
				s.t.Errorf("%s is made and was not asked for", name)
			}
		}
		want := s.mustTry(linker{flag: plainLLD.flag, folder: "whole"}, with(whole, "-o", "OUT/program")...)
		got := s.finalStep(mapDTLTO, n.file, with(small, "-o", "OUT/program")...)
		s.wantSame(want, got)
		wantLines(s.t, sorted(s.run(got.file("program"))), minimizedLines...)
	})
}

// TestMinimizedRefused is about minimized bitcode whose whole is not what it should be.
func TestMinimizedRefused(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		_, small := minimized(s)
		s.minimize("thin/other", "int other;")
		s.bitcode("thin/odd.o", "int odd;")
		llvmtest.Run(s.t, s.dir, s.tool("llvm-ar"), "qcS", "libmin.a", "thin/other.min.o")
		for _, tt := range []struct {
			name   string
			damage func()
			more   string
			words  []string
		}{
			{"missing", func() { _ = os.Remove(s.path("thin/root.o")) }, "native.o", []string{"thin/root.o", "no such file"}},
			{"minimized itself", func() { s.copy("thin/root.min.o", "thin/root.o") }, "native.o", []string{"thin/root.o", "not the whole"}},
			{"native", func() { s.copy("native.o", "thin/root.o") }, "native.o", []string{"thin/root.o", "not the whole"}},
			{"no object at all", func() { s.write("thin/root.o", "text") }, "native.o", []string{"thin/root.o"}},
			{"empty", func() { s.write("thin/root.o", "") }, "native.o", []string{"thin/root.o"}},
			{"another compile's", func() { s.copy("thin/other.o", "thin/root.o") }, "native.o", []string{"thin/root.min.o", "thin/root.o"}},
			{"another suffix", func() {}, "thin/odd.o", []string{"thin/odd.o", ".min.o"}},
			{"a member", func() {}, "libmin.a", []string{"libmin.a(other.min.o)", "minimized"}},
		} {
			s.sub(tt.name, func(s *staging) {
				whole := read(s.t, s.path("thin/root.o"))
				tt.damage()
				inputs := small
				if tt.more != small[0] {
					inputs = with(small, tt.more, "-Wl,-u,other")
				}
				// In one go, and as the first of the steps.
				p, err := s.try(stagedLLD, with(inputs, suffixes, "-o", "OUT/program")...)
				if err == nil {
					s.t.Errorf("the link succeeds and says %q", p.said)
				}
				wantErrorLine(s.t, p.said, tt.words...)
				wantNames(s.t, p.dir, nil)
				out := s.fresh()
				s.wantStepRefused(out, with(thinOptions(out), with(inputs, suffixes)...), tt.words...)
				s.write("thin/root.o", string(whole))
			})
		}
		s.sub("no suffix given", func(s *staging) {
			p, err := s.try(stagedLLD, with(small, "-o", "OUT/program")...)
			if err == nil {
				s.t.Errorf("the link succeeds and says %q", p.said)
			}
			if want := "thin/main.min.o has minimized bitcode"; !strings.Contains(p.said, want) {
				s.t.Errorf("the link says %q, want %q", p.said, want)
			}
		})
	})
}

// copy copies a file.
func (s *staging) copy(from, to string) {
	s.t.Helper()
	s.write(to, string(read(s.t, s.path(from))))
}

// wantStepRefused wants a thin link to fail with an error that has the words in one line,
// and to make and change nothing below a folder.
func (s *staging) wantStepRefused(folder string, args []string, words ...string) {
	s.t.Helper()
	before := s.files(folder)
	said, err := s.tryThinStep(args...)
	if err == nil {
		s.t.Errorf("the thin link succeeds and says %q", said)
	}
	wantErrorLine(s.t, said, words...)
	if strings.Contains(said, ".dtlto-") {
		s.t.Errorf("the thin link speaks of the stage: %q", said)
	}
	after := s.files(folder)
	for name, text := range after {
		if old, ok := before[name]; !ok || old != text {
			s.t.Errorf("%s/%s is written though the thin link fails", folder, name)
		}
	}
	if len(after) < len(before) {
		s.t.Errorf("of %d files in %s %d are left", len(before), folder, len(after))
	}
}
