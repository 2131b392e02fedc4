// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/object"
)

// A tree is a program's objects laid out for a link.
type tree struct {
	llvm   int
	root   string   // the folder that it is in, with the links to files elsewhere
	dir    string   // the linker's working folder
	inputs []string // for the Clang driver, all of them used
	driver string
}

// scatter lays a program out in all the ways in which a linker can be told of a
// module: by relative, `../` and absolute path, and in archives in several folders,
// which have one name, one of them thin and one with members of one name. Modules
// that call each other come to lie far from each other. The files in ahead become the
// first members of each archive.
func scatter(t *testing.T, llvm int, o corpus.Objects, ahead ...string) tree {
	t.Helper()
	root := t.TempDir()
	tr := tree{llvm: llvm, root: root, dir: filepath.Join(root, "work", "link"), driver: o.Driver}
	tr.loose(t, o.Main, "main.o")
	const places = 8
	share := func(place int) (objects []string) {
		for i := place; i < len(o.Loose); i += places {
			objects = append(objects, o.Loose[i])
		}
		return objects
	}
	for place, folder := range []string{".", "../near", filepath.Join(root, "away")} {
		for _, file := range share(place) {
			tr.loose(t, file, filepath.Join(folder, filepath.Base(file)))
		}
	}
	for i, folder := range []string{".", "../near", filepath.Join(root, "away", "z")} {
		tr.archive(t, "rcD", filepath.Join(folder, "lib.a"), slices.Concat(ahead, share(3+i)))
	}
	tr.archive(t, "rcDT", "../thin/lib.a", slices.Concat(ahead, share(6)))
	tr.archive(t, "qcD", "../../same/lib.a", slices.Concat(ahead, tr.sameName(t, share(7))))
	return tr
}

// in is where a path that the linker knows is.
func (tr *tree) in(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(tr.dir, path)
}

func (tr *tree) loose(t *testing.T, file, path string) {
	t.Helper()
	symlink(t, file, tr.in(path))
	tr.inputs = append(tr.inputs, path)
}

// sameName gives objects one name, in folders of their own.
func (tr *tree) sameName(t *testing.T, files []string) (renamed []string) {
	t.Helper()
	for i, file := range files {
		renamed = append(renamed, filepath.Join(tr.dir, "same", strconv.Itoa(i), "m.o"))
		symlink(t, file, renamed[i])
	}
	return renamed
}

// archive makes an archive and, beside it, a file for each member under the name
// that LLD has for it, which is what its shards call it.
func (tr *tree) archive(t *testing.T, how, path string, files []string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(tr.in(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	llvmtest.Run(t, tr.dir, fmt.Sprintf("llvm-ar-%d", tr.llvm), append([]string{how, path}, files...)...)
	f, err := os.Open(tr.in(path))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range object.Members(f, info.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s(%s at %d)", tr.in(path), filepath.Base(m.Name), m.HeaderOffset)
		if m.Thin {
			symlink(t, object.ThinPath(tr.in(path), m), name)
			continue
		}
		content := make([]byte, m.Size)
		if _, err := io.ReadFull(io.NewSectionReader(f, m.Offset, m.Size), content); err != nil {
			t.Fatal(err)
		}
		writeFile(t, name, string(content))
	}
	tr.inputs = append(tr.inputs, "-Wl,--whole-archive", path, "-Wl,--no-whole-archive")
}

func symlink(t *testing.T, to, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// A thinLink is a link that ended when LLD had written its shards.
type thinLink struct {
	tree
	out     string   // what stands in front of a module's id in its shard's name
	modules []string // ids of the modules that the link uses, in LLD's order
	backend []string // what the compiler is to be told
	extra   []string // files named in backend
	marks   marks
}

// marks are by what a link is known to be the one that was meant.
type marks struct {
	object string // is in one of the objects
	shard  string // is in one of the shards
	alone  bool   // no module imports from another
}

// thinLink makes the shards with the driver's flags. The backends get those
// options that LLD would give them, level and further.
func (tr tree) thinLink(t *testing.T, level string, flags, further []string) thinLink {
	t.Helper()
	out := t.TempDir()
	// As deep as the deepest leading `../` of an input, which LLD simply joins to it.
	l := thinLink{tree: tr, out: filepath.Join(out, "shards", "1", "2", "3") + "/"}
	used := filepath.Join(out, "used")
	args := slices.Concat([]string{level, "-flto=thin", "-fuse-ld=lld"}, flags, tr.inputs, []string{
		"-Wl,--thinlto-index-only=" + used, "-Wl,--thinlto-emit-imports-files", "-Wl,--thinlto-prefix-replace=;" + l.out,
		"-Wl,--lto-obj-path=" + filepath.Join(out, "regular.o"), "-o", filepath.Join(out, "program"),
	})
	cmd := exec.Command(tr.driver, args...)
	cmd.Dir = tr.dir
	if text, err := cmd.CombinedOutput(); err != nil || len(text) > 0 {
		t.Fatalf("thin link: %v\n%s", err, text)
	}
	for line := range strings.Lines(string(read(t, used))) {
		module, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), l.out)
		if !ok {
			t.Fatalf("LLD lists %s, not below %s", line, l.out)
		}
		l.modules = append(l.modules, module)
	}
	l.backend = slices.Concat([]string{"-c", "--target=" + l.triple(t), level, "-faddrsig", "-ffunction-sections", "-fdata-sections",
		"-fpic", "-Wno-unused-command-line-argument"}, further)
	if tr.llvm >= 16 { // older ones have no such file
		l.backend = append(l.backend, "--no-default-config")
	}
	return l
}

// triple is the target of the first module.
func (l *thinLink) triple(t *testing.T) string {
	t.Helper()
	if len(l.modules) == 0 {
		t.Fatal("a thin link of no modules")
	}
	f, err := os.Open(l.in(l.modules[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	triple, err := bitcode.TripleAt(f, info.Size())
	if err != nil || triple == "" {
		t.Fatalf("%s: target %q, %v", f.Name(), triple, err)
	}
	return triple
}
