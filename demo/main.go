// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command demo shows dtlto at work on real programs: zstd's library in C and RE2
// with Abseil in C++, as bitcode archives, each linked in-process by LLD 22 and
// through dtlto with as many threads. It compares the objects and what the
// programs print, and fails if anything is not as it should be.
//
// On a bare Debian 12 it installs LLVM first. `make demo` runs it.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/e2e/objcmp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cache, err := corpus.DefaultCache()
	if err != nil {
		return err
	}
	root := filepath.Dir(filepath.Dir(cache))
	if err := prepare(ctx, root); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "dtlto-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	var rows []row
	for _, p := range corpus.All() {
		r, err := demonstrate(ctx, p, cache, filepath.Join(work, p.Name))
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		rows = append(rows, r)
	}
	return show(rows)
}

// prepare installs what is missing and puts our programs on PATH.
func prepare(ctx context.Context, root string) error {
	install := exec.CommandContext(ctx, filepath.Join(root, "scripts", "install-toolchain.sh"), "demo")
	install.Stdout, install.Stderr = os.Stdout, os.Stderr
	if err := install.Run(); err != nil {
		return fmt.Errorf("scripts/install-toolchain.sh: %w", err)
	}
	bin := filepath.Join(root, "bin")
	if _, err := os.Stat(filepath.Join(bin, "ld.dtlto")); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	return os.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// A row is one program's line of the table.
type row struct {
	name             string
	modules          int
	inProcess, dtlto corpus.Cost
	again            corpus.Cost // through dtlto, with every result in the cache
	identical        int         // objects that are in-process LTO's to the byte
	equivalent       int         // objects that differ as LLVM's own distributed backends do
	wrong            []string
}

func demonstrate(ctx context.Context, p corpus.Program, cache, work string) (row, error) {
	r := row{name: p.Name}
	fmt.Fprintf(os.Stderr, "demo: %s: compiling the library, or finding it compiled\n", p.Name)
	objects, err := p.Build(ctx, cache, 22, corpus.ThinLTO()...)
	if err != nil {
		return r, err
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return r, err
	}
	fmt.Fprintf(os.Stderr, "demo: %s: linking it both ways, %d times in turn\n", p.Name, rounds)
	plain, ours := filepath.Join(work, "in-process"), filepath.Join(work, "dtlto")
	flags := []string{"-O2", "-flto=thin", fmt.Sprintf("-Wl,--threads=%d", runtime.NumCPU())}
	for range rounds {
		cost, _, err := objects.Link(ctx, objects.FromArchive(), plain,
			slices.Concat(flags, []string{"-fuse-ld=lld", "-Wl,--lto-obj-path=" + filepath.Join(work, "task")})...)
		if err != nil {
			return r, err
		}
		r.inProcess = better(r.inProcess, cost)
		if err := removeObjects(work); err != nil { // they are named after the linker's process
			return r, err
		}
		cost, said, err := objects.Link(ctx, objects.FromArchive(), ours,
			slices.Concat(flags, []string{"-fuse-ld=dtlto", "-Wl,--dtlto-summary,--dtlto-no-cache,--save-temps=prelink"})...)
		if err != nil {
			return r, err
		}
		r.dtlto = better(r.dtlto, cost)
		if !strings.HasPrefix(said, "dtlto: ") {
			r.wrong = append(r.wrong, "the link was not distributed: "+said)
		}
	}
	if err := r.compareObjects(work); err != nil {
		return r, err
	}
	if err := r.linkAgain(ctx, objects, work, flags); err != nil {
		return r, err
	}
	return r, r.comparePrograms(ctx, plain, ours)
}

// linkAgain links with an empty cache, and then with one that has everything: that
// link must compile nothing and make the same program.
func (r *row) linkAgain(ctx context.Context, objects corpus.Objects, work string, flags []string) error {
	again, ours := filepath.Join(work, "again"), filepath.Join(work, "dtlto")
	flags = slices.Concat(flags, []string{"-fuse-ld=dtlto", "-Wl,--dtlto-summary,--dtlto-cache-dir=" + filepath.Join(work, "cache")})
	for _, want := range []string{fmt.Sprintf(" 0 cached, %d compiled", r.modules), fmt.Sprintf(" %d cached, 0 compiled", r.modules)} {
		cost, said, err := objects.Link(ctx, objects.FromArchive(), again, flags...)
		if err != nil {
			return err
		}
		if !strings.Contains(said, want) {
			r.wrong = append(r.wrong, fmt.Sprintf("the cache should have made it %q: %s", want, said))
		}
		r.again = cost
	}
	same, err := sameFile(again, ours)
	if err == nil && !same {
		r.wrong = append(r.wrong, "the program from the cache is another one")
	}
	return err
}

func sameFile(a, b string) (bool, error) {
	first, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	second, err := os.ReadFile(b)
	return bytes.Equal(first, second), err
}

// rounds is how often each link is made; the best time counts, since other
// work on the machine only ever adds.
const rounds = 3

func better(a, b corpus.Cost) corpus.Cost {
	if a.Wall == 0 || b.Wall < a.Wall {
		return b
	}
	return a
}

func removeObjects(work string) error {
	found, err := filepath.Glob(filepath.Join(work, "*.native.o"))
	for _, object := range found {
		err = errors.Join(err, os.Remove(object))
	}
	return err
}

// LLD's names for the objects of distributed backends: stem, task, process id.
var nativeObject = regexp.MustCompile(`\.(\d+)\.\d+\.native\.o$`)

func (r *row) compareObjects(work string) error {
	found, err := filepath.Glob(filepath.Join(work, "*.native.o"))
	if err != nil {
		return err
	}
	for _, object := range found {
		m := nativeObject.FindStringSubmatch(object)
		if m == nil {
			return fmt.Errorf("%s: not a name that LLD gives", object)
		}
		result, err := objcmp.Compare(filepath.Join(work, "task"+m[1]), object)
		if err != nil {
			return err
		}
		r.count(filepath.Base(object), result)
	}
	if r.modules == 0 {
		r.wrong = append(r.wrong, "no objects")
	}
	return nil
}

func (r *row) count(object string, result objcmp.Result) {
	r.modules++
	switch result.Verdict {
	case objcmp.Identical:
		r.identical++
	case objcmp.Equivalent:
		r.equivalent++
	case objcmp.Different:
		r.wrong = append(r.wrong, object+": "+result.Reason)
	}
}

func (r *row) comparePrograms(ctx context.Context, plain, ours string) error {
	want, err := exec.CommandContext(ctx, plain).Output()
	if err != nil {
		return fmt.Errorf("%s: %w", plain, err)
	}
	got, err := exec.CommandContext(ctx, ours).Output()
	if err != nil {
		return fmt.Errorf("%s: %w", ours, err)
	}
	if !bytes.Equal(want, got) || len(want) == 0 {
		r.wrong = append(r.wrong, "the programs print different things")
	}
	return nil
}

// show prints the table, and returns what is wrong with any row.
func show(rows []row) error {
	var wrong []error
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "program\tmodules\tin-process\tdtlto\tratio\tagain\tobjects\toutput")
	for _, r := range rows {
		objects, output := fmt.Sprintf("%d identical", r.identical), "same"
		if r.equivalent > 0 {
			objects += fmt.Sprintf(", %d equivalent", r.equivalent)
		}
		if len(r.wrong) > 0 {
			output = "WRONG"
		}
		fmt.Fprintf(table, "%s\t%d\t%.2f s\t%.2f s\t%.2f\t%.2f s\t%s\t%s\n", r.name, r.modules, r.inProcess.Wall.Seconds(),
			r.dtlto.Wall.Seconds(), r.dtlto.Wall.Seconds()/r.inProcess.Wall.Seconds(), r.again.Wall.Seconds(), objects, output)
		for _, w := range r.wrong {
			wrong = append(wrong, fmt.Errorf("%s: %s", r.name, w))
		}
	}
	wrong = append(wrong, table.Flush())
	fmt.Printf("\nBest of %d links each, %d processors, no cache; a ratio below 1 means that dtlto was faster. LLD's own ThinLTO is\n"+
		"parallel too: a distributed backend pays for starting a compiler, and gains from processors elsewhere.\n"+
		"Again: through dtlto with every result in its cache, the same program.\n"+
		"Equivalent objects differ from in-process ones only as LLVM's own distributed backends do\n"+
		"(docs/decisions/0005-which-objects-count-as-the-same.md).\n", rounds, runtime.NumCPU())
	return errors.Join(wrong...)
}
