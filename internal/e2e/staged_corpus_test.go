// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/e2e/objcmp"
	"github.com/dtlto/dtlto/internal/llvmtest"
)

// TestStagedCorpus links real programs with LLVMs that have no distributed ThinLTO of
// their own. Each must have the symbols of the in-process program and do the same, and
// each object must be in-process LTO's, or differ as one that is compiled by hand does.
//
// Each program is linked with each LLVM, alternately from its archive and from objects.
// With DTLTO_TEST_LONG set it is linked both ways with all, and SQLite too, one module whose
// backend takes half a minute each time: that is some minutes more.
func TestStagedCorpus(t *testing.T) {
	long := os.Getenv(testLong) != ""
	programs := []corpus.Program{corpus.Zstd(), corpus.LevelDB(), corpus.RE2()}
	if long {
		programs = append(programs, corpus.SQLite())
	}
	for i, p := range programs {
		for j, llvm := range []int{14, 16, 19} { // 22: TestCorpus, and TestStagedAsNative
			for k, form := range []string{"archive", "objects"} {
				if (i+j+k)%2 == 1 && !long {
					continue
				}
				t.Run(fmt.Sprint(p.Name, " ", llvm, " ", form), func(t *testing.T) {
					stagedCorpus(t, llvm, built(t, p, llvm, corpus.ThinLTO()...), form == "archive")
				})
			}
		}
	}
}

func stagedCorpus(t *testing.T, llvm int, o corpus.Objects, archive bool) {
	tr := layOut(t, llvm, o, archive)
	s := &staging{t: t, llvm: llvm, dir: tr.dir, driver: o.Driver}
	task := filepath.Join(t.TempDir(), "task")
	inProcess := s.link(plainLLD, append(tr.inputs, "-o", "OUT/program", "-Wl,--lto-obj-path="+task)...)
	want := output(t, inProcess.file("program"))
	same := func(p product) {
		t.Helper()
		s.wantSame(inProcess, p)
		if got := output(t, p.file("program")); !bytes.Equal(got, want) {
			t.Errorf("in-process prints:\n%s\nstaged:\n%s", want, got)
		}
	}
	distributed, k := s.linkKeeping(append(tr.inputs, "-o", "OUT/program")...)
	same(distributed)
	k.check(s, "program", "kept/program")
	t.Run("objects", func(t *testing.T) {
		compareStagedObjects(t, tr.thinLink(t, "-O2", nil, nil), byTask(t, task+"*", regexp.MustCompile(`task(\d+)$`)), k)
	})
	if archive && llvm != 14 { // once by dtlto itself: the way to the linker is the same for both
		same(s.link(stagedLLD, append(tr.inputs, "-o", "OUT/program")...))
	}
}

// layOut puts a program into a folder, and in it a file for each member of the
// archive, so that it can be linked by hand.
func layOut(t *testing.T, llvm int, o corpus.Objects, archive bool) tree {
	t.Helper()
	root := t.TempDir()
	tr := tree{llvm: llvm, root: root, dir: filepath.Join(root, "link"), driver: o.Driver}
	tr.loose(t, o.Main, "main.o")
	if archive {
		tr.archive(t, "rcD", "lib.a", o.Loose)
		tr.inputs = []string{"main.o", "lib.a"}
		return tr
	}
	for _, file := range o.Loose {
		tr.loose(t, file, filepath.Base(file))
	}
	return tr
}

// compareStagedObjects compares each object with in-process LTO's of the same module.
// One that is not identical must not be so either if somebody compiles the module by
// hand, and be equivalent.
func compareStagedObjects(t *testing.T, byHand thinLink, inProcess map[string]string, k kept) {
	delete(inProcess, "") // regular LTO's, which LLD writes if there is nothing in it too
	if len(k.Jobs.Jobs) == 0 || len(k.Jobs.Jobs) != len(byHand.modules) || len(k.Jobs.Jobs) != len(inProcess) {
		t.Fatalf("%d jobs, by hand %d, in-process %d objects", len(k.Jobs.Jobs), len(byHand.modules), len(inProcess))
	}
	tasks := map[string]int{}
	for i, module := range byHand.modules {
		tasks[digest(t, byHand.in(module))] = i + 1
	}
	differ := 0
	for job := range k.Jobs.Jobs {
		task, ok := tasks[k.Modules[job]]
		if !ok {
			t.Errorf("the link has no module with the contents of %s", k.Jobs.Jobs[job].Inputs[0])
			continue
		}
		want := inProcess[strconv.Itoa(task)]
		if compareObject(t, want, k.object(job)) == objcmp.Identical {
			continue
		}
		differ++
		if compareObject(t, want, byHand.byHand(t, byHand.modules[task-1])) == objcmp.Identical {
			t.Errorf("%s: not identical to the in-process object, and the one by hand is", byHand.modules[task-1])
		}
	}
	t.Logf("%d modules, %d not identical to in-process", len(k.Jobs.Jobs), differ)
}

func digest(t *testing.T, file string) string {
	t.Helper()
	return fmt.Sprintf("%x", sha256.Sum256(read(t, file)))
}

func compareObject(t *testing.T, inProcess, other string) objcmp.Verdict {
	t.Helper()
	result, err := objcmp.Compare(inProcess, other)
	if err != nil {
		t.Fatal(err)
	}
	if result.Verdict == objcmp.Different {
		t.Errorf("%s: %s", filepath.Base(other), result.Reason)
	}
	return result.Verdict
}

// byHand makes the object of a module as somebody would who has read Clang's manual.
func (l *thinLink) byHand(t *testing.T, module string) string {
	t.Helper()
	object := filepath.Join(t.TempDir(), "by hand.o")
	llvmtest.Run(t, l.dir, fmt.Sprintf("clang-%d", l.llvm), "-c", "--target=x86_64-pc-linux-gnu", "-O2", "-faddrsig",
		"-ffunction-sections", "-fdata-sections", "-fpic", "-Wno-unused-command-line-argument",
		"-x", "ir", module, "-fthinlto-index="+l.out+module+".thinlto.bc", "-o", object)
	return object
}
