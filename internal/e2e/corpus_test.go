// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/e2e/objcmp"
)

// TestCorpus links real programs three ways: in-process, with plain LLVM and a
// by-hand distributor that writes its command lines out by itself, and through
// dtlto. The last two must be the same program; each object of theirs must be
// in-process LTO's, or differ from it only as LLVM's distributed backends differ,
// and dtlto's in no more cases than the by-hand ones.
func TestCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: fetches and compiles real libraries")
	}
	cache, err := corpus.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range corpus.All() {
		t.Run(p.Name, func(t *testing.T) {
			objects, err := p.Build(t.Context(), cache, 22, corpus.ThinLTO()...)
			if err != nil {
				t.Fatal(err)
			}
			t.Run("archive", func(t *testing.T) { compareLinks(t, objects.Driver, objects.FromArchive()) })
			t.Run("objects", func(t *testing.T) { compareLinks(t, objects.Driver, objects.FromObjects()) })
		})
	}
}

func compareLinks(t *testing.T, driver string, inputs []string) {
	inProcess := linkInProcess(t, driver, inputs)
	byHand := linkByHand(t, driver, inputs)
	ours := linkThroughDTLTO(t, driver, inputs)

	if !bytes.Equal(read(t, ours.program), read(t, byHand.program)) {
		t.Error("dtlto's program is not the one with the by-hand distributor")
	}
	want, got := output(t, inProcess.program), output(t, ours.program)
	if !bytes.Equal(got, want) {
		t.Errorf("in-process prints:\n%s\nthrough dtlto:\n%s", want, got)
	}
	differ := compareObjects(t, inProcess, ours)
	differByHand := compareObjects(t, inProcess, byHand)
	if differ > differByHand {
		t.Errorf("%d objects are not identical to in-process ones, %d by hand", differ, differByHand)
	}
	t.Logf("%d modules, %d not identical to in-process, %d by hand", len(ours.objects), differ, differByHand)
}

// compareObjects returns how many are not identical. Those that are not even
// equivalent are errors.
func compareObjects(t *testing.T, inProcess, distributed link) (differ int) {
	t.Helper()
	if len(distributed.objects) == 0 || len(distributed.objects) != len(inProcess.objects) {
		t.Errorf("%d objects, in-process %d", len(distributed.objects), len(inProcess.objects))
	}
	for task, object := range distributed.objects {
		other, ok := inProcess.objects[task]
		if !ok {
			t.Errorf("%s: in-process has no task %s", object, task)
			continue
		}
		result, err := objcmp.Compare(other, object)
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict == objcmp.Different {
			t.Errorf("%s: %s", filepath.Base(object), result.Reason)
		}
		if result.Verdict != objcmp.Identical {
			differ++
		}
	}
	return differ
}

// A link is what one way of linking made.
type link struct {
	program string
	objects map[string]string // the native object of each of LLD's tasks
}

func linkInProcess(t *testing.T, driver string, inputs []string) link {
	t.Helper()
	dir := t.TempDir()
	l := runLink(t, dir, driver, inputs, "-fuse-ld=lld", "-Wl,--lto-obj-path="+filepath.Join(dir, "task"))
	l.objects = byTask(t, filepath.Join(dir, "task*"), regexp.MustCompile(`task(\d+)$`))
	return l
}

// nativeObject is what LLD calls the object of a distributed backend: stem, task,
// process id.
var nativeObject = regexp.MustCompile(`\.(\d+)\.\d+\.native\.o$`)

func linkByHand(t *testing.T, driver string, inputs []string) link {
	t.Helper()
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept")
	if err := os.Mkdir(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	l := runLink(t, dir, driver, inputs, "-fuse-ld=lld", "-Wl,--thinlto-distributor="+filepath.Join(bin, "naive"),
		"-Wl,--thinlto-distributor-arg=-byhand", "-Wl,--thinlto-distributor-arg=-keep="+kept,
		"-Wl,--thinlto-remote-compiler=clang-22")
	l.objects = byTask(t, filepath.Join(kept, "*"), nativeObject)
	return l
}

func linkThroughDTLTO(t *testing.T, driver string, inputs []string) link {
	t.Helper()
	dir := t.TempDir()
	l := runLink(t, dir, driver, inputs, "-fuse-ld=dtlto", "-Wl,--dtlto-summary", "-Wl,--save-temps=prelink")
	l.objects = byTask(t, filepath.Join(dir, "*.native.o"), nativeObject)
	return l
}

// runLink links in a folder of its own. A link that went through dtlto says so.
func runLink(t *testing.T, dir, driver string, inputs []string, flags ...string) link {
	t.Helper()
	l := link{program: filepath.Join(dir, "program")}
	args := append([]string{"-O2", "-flto=thin", "-o", l.program}, flags...)
	out, err := exec.Command(driver, append(args, inputs...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", driver, strings.Join(flags, " "), err, out)
	}
	if slices.Contains(flags, "-fuse-ld=dtlto") != bytes.HasPrefix(out, []byte("dtlto: ")) {
		t.Fatalf("%s: the link says: %q", strings.Join(flags, " "), out)
	}
	return l
}

// byTask finds files and orders them by the task number in their names. LLD
// leaves task 0, regular LTO, without an object when there is nothing in it.
func byTask(t *testing.T, glob string, task *regexp.Regexp) map[string]string {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]string{}
	for _, f := range files {
		if m := task.FindStringSubmatch(f); m != nil {
			objects[m[1]] = f
		}
	}
	return objects
}

func output(t *testing.T, program string) []byte {
	t.Helper()
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	if len(out) == 0 {
		t.Fatalf("%s: prints nothing", program)
	}
	return out
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
