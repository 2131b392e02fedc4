// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/llvmtest"
)

// TestBuildSystemsZstd builds zstd by a makefile and a Ninja file in which each backend is
// an edge, edits it, and wants exactly those backends that have other inputs, which is told by
// digests of all of them; and nothing at all where nothing was edited.
func TestBuildSystemsZstd(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: compiles a real library several times")
	}
	for _, llvm := range longVersions(19, 14, 16, 22) {
		t.Run(strconv.Itoa(llvm), func(t *testing.T) {
			t.Parallel()
			byMake := newEdgeBuild(t, llvm, "make", "make -j2 LLVM=%d", "make: 'program' is up to date.")
			byMake.editAll()
			byNinja := newEdgeBuild(t, llvm, "ninja", "./generate.sh %d && ninja -v -j2", "ninja: no work to do.")
			byNinja.home = byMake.home // what make has compiled is known
			byNinja.editAll()
			prints := output(t, byMake.path("program"))
			if got := output(t, byNinja.path("program")); !bytes.Equal(got, prints) {
				t.Errorf("built by Ninja, the program prints\n%s\nby make\n%s", got, prints)
			}
			if os.Getenv(testLong) != "" {
				byMake.wantInProcess(prints)
			}
		})
	}
}

// longVersions are the one LLVM and, under DTLTO_TEST_LONG, others.
func longVersions(llvm int, long ...int) []int {
	if os.Getenv(testLong) == "" {
		return []int{llvm}
	}
	return append([]int{llvm}, long...)
}

func copyZstd(t *testing.T, dir string, llvm int) {
	t.Helper()
	o := built(t, corpus.Zstd(), llvm, corpus.ThinLTO()...)
	source := filepath.Join(filepath.Dir(filepath.Dir(o.Dir)), "src")
	files := []string{filepath.Join(o.Dir, "main.c")}
	for _, pattern := range []string{"*.c", "*.h"} {
		more, err := filepath.Glob(filepath.Join(source, pattern))
		if err != nil || len(more) < 20 {
			t.Fatalf("%s: %d files, %v", source, len(more), err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		llvmtest.Write(t, dir, filepath.Base(file), string(read(t, file)))
	}
}

// An edgeBuild is a folder with a build in it whose backends are edges.
type edgeBuild struct {
	*pageRun
	command string
	idle    string            // what the tool says if there is nothing to do
	inputs  map[string]string // from object to the digest of all that its backend read
}

func newEdgeBuild(t *testing.T, llvm int, tool, command, idle string) *edgeBuild {
	t.Helper()
	b := &edgeBuild{pageRun: newPageRun(t, llvm, filepath.Join("zstd", tool)), command: fmt.Sprintf(command, llvm), idle: idle}
	copyZstd(t, b.dir, llvm)
	return b
}

// editAll builds, and again after each edit.
func (b *edgeBuild) editAll() {
	b.t.Helper()
	if all := b.build("everything"); all < 40 {
		b.t.Errorf("only %d backends", all)
	}
	b.wantIdle()
	for _, e := range edits {
		if e.long && os.Getenv(testLong) == "" {
			continue
		}
		b.edit(e)
		n := b.build(e.name)
		b.t.Logf("%s: %s: %d of %d backends", b.command, e.name, n, len(b.inputs))
		if e.name == "a comment" && n != 0 || e.name == "a function that others may inline" && (n < 2 || n > 20) {
			b.t.Errorf("%s: %d backends", e.name, n)
		}
		b.wantIdle()
	}
}

var backendEdge = regexp.MustCompile(`(?m)dtlto backend -- .* -fthinlto-index=(\S+)\.thinlto\.bc .*$`)

// build builds, and wants the backends run that have other inputs than before. It returns
// how many.
func (b *edgeBuild) build(what string) int {
	b.t.Helper()
	before := b.inputs
	b.said = b.sh(b.command)
	b.inputs = b.digests()
	var ran, want []string
	for _, m := range backendEdge.FindAllStringSubmatch(b.said, -1) {
		ran = append(ran, m[1])
	}
	for object, digest := range b.inputs {
		if before[object] != digest {
			want = append(want, object)
		}
	}
	slices.Sort(ran)
	slices.Sort(want)
	if !slices.Equal(ran, want) {
		b.t.Errorf("%s: backends run: %q\nthose with other inputs: %q\n%s", what, ran, want, b.said)
	}
	return len(ran)
}

// wantIdle wants nothing to be done, and that to be said.
func (b *edgeBuild) wantIdle() {
	b.t.Helper()
	if said := b.sh(b.command); strings.TrimSpace(said) != b.idle {
		b.t.Errorf("nothing was edited, and the build says\n%s", said)
	}
}

// digests is for each index the digest of the index, of its module, and of the names and
// contents of the modules that are imported from, as LLD lists them.
func (b *edgeBuild) digests() map[string]string {
	b.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(b.path("obj"), func(path string, _ fs.DirEntry, err error) error {
		object, ok := strings.CutSuffix(path, ".thinlto.bc")
		if err != nil || !ok {
			return err
		}
		name, err := filepath.Rel(b.dir, object)
		module := name + ".bc" // a member's
		if _, err := os.Stat(b.path(module)); err != nil {
			module = "bc" + strings.TrimPrefix(name, "obj")
		}
		h := sha256.New()
		imports := string(read(b.t, object+".imports"))
		for _, file := range append([]string{module, name + ".thinlto.bc"}, strings.Fields(imports)...) {
			fmt.Fprintf(h, "%s %s\n", file, digest(b.t, b.path(file)))
		}
		all[name] = fmt.Sprintf("%x", h.Sum(nil))
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *edgeBuild) edit(e edit) {
	b.t.Helper()
	path := b.path(e.file)
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	edited := string(text) + e.new
	if e.old != "" {
		edited = strings.Replace(string(text), e.old, e.new, 1)
	}
	if edited == string(text) {
		b.t.Fatalf("%s does not have %q", e.file, e.old)
	}
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// wantInProcess links the same bitcode in the linker and wants a program that prints the same.
func (b *edgeBuild) wantInProcess(prints []byte) {
	b.t.Helper()
	inputs, err := filepath.Glob(b.path("bc/*.o"))
	if err != nil {
		b.t.Fatal(err)
	}
	args := append([]string{"-O2", "-flto=thin", "-fuse-ld=lld", "-o", b.path("in-process")}, inputs...)
	if out, err := exec.Command(fmt.Sprintf("clang-%d", b.llvm), args...).CombinedOutput(); err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
	if want := output(b.t, b.path("in-process")); !bytes.Equal(prints, want) {
		b.t.Errorf("the program prints\n%s\nin-process\n%s", prints, want)
	}
}
