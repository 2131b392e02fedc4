// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/e2e/objcmp"
)

// TestStepsObjects makes objects from index files that LLD put where they are by itself and
// from those of a thin link with a map: they must be the same.
func TestStepsObjects(t *testing.T) {
	withLLVMs(t, everyLLVM, func(s *staging) {
		losing(s)
		inputs := with([]string{"main.o", "root.o"}, losingInputs[5].args...)
		m := s.thinStep("obj", inputs...)
		s.mustTry(plainLLD, with(inputs, "-Wl,--thinlto-index-only=params", "-Wl,--thinlto-emit-imports-files", "-Wl,--thinlto-prefix-replace=;own/", "-o", "OUT/program")...)
		if len(m.jobs) != 5 {
			s.t.Fatalf("%d jobs: %v", len(m.jobs), m.jobs)
		}
		for _, job := range m.jobs {
			own := "own" + strings.TrimPrefix(job.Object, "obj")
			s.backendByHand(job.Module, job.Index, job.Object)
			s.backendByHand(job.Module, own+".thinlto.bc", own)
			s.wantFile(job.Object, string(read(s.t, s.path(own))))
			s.wantFile(strings.TrimSuffix(job.Index, ".thinlto.bc")+".imports", string(read(s.t, s.path(own+".imports"))))
		}
	})
}

// TestStepsCorpus links a real program in steps. It must have the in-process program's
// symbols and print the same, and its objects must be in-process LTO's, or differ as those
// do that are made by hand from LLD's own index files.
func TestStepsCorpus(t *testing.T) {
	for _, tc := range []struct {
		program corpus.Program
		llvm    int
		archive bool
		long    bool
	}{
		{corpus.Zstd(), 14, false, true},
		{corpus.Zstd(), 14, true, true},
		{corpus.Zstd(), 16, true, true},
		{corpus.Zstd(), 19, false, true},
		{corpus.Zstd(), 19, true, false},
		{corpus.Zstd(), 22, false, true},
		{corpus.Zstd(), 22, true, true},
		{corpus.RE2(), 14, true, true},
		{corpus.RE2(), 19, true, true},
		{corpus.RE2(), 22, false, true},
	} {
		t.Run(fmt.Sprint(tc.program.Name, " ", tc.llvm, " archive ", tc.archive), func(t *testing.T) {
			if tc.long && os.Getenv(testLong) == "" {
				t.Skip("the same as others here, with another LLVM (" + testLong + ")")
			}
			o := built(t, tc.program, tc.llvm, corpus.ThinLTO()...)
			tr := layOut(t, tc.llvm, o, tc.archive)
			(&staging{t: t, llvm: tc.llvm, dir: tr.dir, driver: o.Driver}).corpusSteps(tr)
		})
	}
}

func (s *staging) corpusSteps(tr tree) {
	s.t.Helper()
	task := filepath.Join(s.t.TempDir(), "task")
	var inProcess product
	var once sync.WaitGroup // one processor each
	once.Go(func() {
		inProcess = s.link(plainLLD, with(tr.inputs, "-o", "OUT/program", "-Wl,--lto-obj-path="+task)...)
	})
	m := s.thinStep("obj", tr.inputs...)
	s.backendsAtOnce(m)
	once.Wait()
	got := s.finalStep(mapDTLTO, m.file, with(tr.inputs, "-o", "OUT/program")...)
	s.wantSame(inProcess, got)
	if want, got := output(s.t, inProcess.file("program")), output(s.t, got.file("program")); !bytes.Equal(got, want) {
		s.t.Errorf("in-process prints:\n%s\nin steps:\n%s", want, got)
	}
	s.compareStepObjects(m, tr.thinLink(s.t, "-O2", nil, nil), byTask(s.t, task+"*", regexp.MustCompile(`task(\d+)$`)))
}

// backendsAtOnce is backendStep for many modules.
func (s *staging) backendsAtOnce(m *stepMap) {
	s.t.Helper()
	var group errgroup.Group
	group.SetLimit(2)
	for _, job := range m.jobs {
		group.Go(func() error { s.backendByHand(job.Module, job.Index, job.Object); return nil })
	}
	_ = group.Wait()
}

// compareStepObjects is compareStagedObjects for the objects of a map. Modules are known by
// their contents: those of archives have other names in-process.
func (s *staging) compareStepObjects(m *stepMap, own thinLink, inProcess map[string]string) {
	s.t.Helper()
	delete(inProcess, "")
	jobs := map[string]stepJob{}
	for _, job := range m.jobs {
		jobs[digest(s.t, s.path(job.Module))] = job
	}
	if len(jobs) < 30 || len(own.modules) != len(inProcess) || len(jobs) < len(inProcess) {
		s.t.Fatalf("%d jobs, LLD's own index %d, in-process %d objects", len(jobs), len(own.modules), len(inProcess))
	}
	differ := 0
	for i, module := range own.modules {
		object := jobs[digest(s.t, own.in(module))].Object
		want := inProcess[strconv.Itoa(i+1)]
		if compareObject(s.t, want, s.path(object)) == objcmp.Identical {
			continue
		}
		differ++
		if compareObject(s.t, want, own.byHand(s.t, module)) == objcmp.Identical {
			s.t.Errorf("%s: not identical to the in-process object, and with LLD's own index it is", object)
		}
	}
	s.t.Logf("%d modules, %d not identical to in-process", len(jobs), differ)
}
