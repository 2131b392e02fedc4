// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package corpus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// ThinLTO is the usual set of flags: what an optimised ThinLTO build compiles with.
func ThinLTO() []string { return []string{"-O2", "-flto=thin"} }

// Objects is a program compiled but not linked.
type Objects struct {
	Dir     string   // the folder that all of it is in
	Main    string   // our program's object
	Loose   []string // the library's objects, in the order in which they are in Archive
	Archive string   // the library as an archive
	Driver  string   // the Clang driver to link it with
}

// FromArchive is the linker input of a link that takes the library from its archive.
func (o Objects) FromArchive() []string { return []string{o.Main, o.Archive} }

// FromObjects is the linker input of a link that takes each object by itself.
func (o Objects) FromObjects() []string { return append([]string{o.Main}, o.Loose...) }

// DefaultCache is build/corpus in the root of the module that the working
// directory is in.
func DefaultCache() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return filepath.Join(d, "build", "corpus"), nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s: no go.mod in it or above it", dir)
		}
	}
}

// Build compiles the program with the given major version of LLVM and the given
// flags, or returns what an earlier call with the same compiler, flags and
// sources made. Any number of processes may build in one cache at once.
func (p Program) Build(ctx context.Context, cache string, llvm int, flags ...string) (Objects, error) {
	if err := os.MkdirAll(filepath.Join(cache, p.Name), 0o755); err != nil {
		return Objects{}, err
	}
	unlock, err := lock(filepath.Join(cache, p.Name, "lock"))
	if err != nil {
		return Objects{}, err
	}
	defer unlock()
	src, err := p.sourceDir(cache)
	if err != nil {
		return Objects{}, err
	}
	sources, err := p.pick(src)
	if err != nil {
		return Objects{}, err
	}
	b, err := newBuild(p, src, llvm, flags)
	if err != nil {
		return Objects{}, err
	}
	objects := b.layout(filepath.Join(cache, p.Name, strconv.Itoa(llvm), b.key()), sources)
	stamp := filepath.Join(objects.Dir, "stamp")
	if _, err := os.Stat(stamp); err == nil {
		return objects, nil
	}
	if err := b.run(ctx, objects, sources); err != nil {
		return Objects{}, fmt.Errorf("program %s: %w", p.Name, err)
	}
	return objects, os.WriteFile(stamp, nil, 0o644)
}

// lock waits for an exclusive lock on the file and returns what releases it. The
// system releases it too when the process ends, however it ends.
func lock(name string) (func(), error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(&os.PathError{Op: "flock", Path: name, Err: err}, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// A build is one program compiled by one compiler with one set of flags.
type build struct {
	program  Program
	src      string
	compiler string // path of the Clang driver
	archiver string
	flags    []string
	identity string // which compiler binary it is
}

func newBuild(p Program, src string, llvm int, flags []string) (*build, error) {
	name := "clang"
	if p.CXX {
		name = "clang++"
	}
	compiler, err := exec.LookPath(fmt.Sprintf("%s-%d", name, llvm))
	if err != nil {
		return nil, err
	}
	archiver, err := exec.LookPath(fmt.Sprintf("llvm-ar-%d", llvm))
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(compiler)
	if err != nil {
		return nil, err
	}
	identity := fmt.Sprintf("%s %d %d", compiler, info.Size(), info.ModTime().UnixNano())
	return &build{p, src, compiler, archiver, slices.Concat(p.flags, flags), identity}, nil
}

// key names a build by all that decides what comes out of it.
func (b *build) key() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q\n", append([]string{b.identity, b.program.text, zstdSum, re2Integrity}, b.flags...))
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// layout says where everything goes.
func (b *build) layout(dir string, sources []string) Objects {
	o := Objects{
		Dir:     dir,
		Main:    filepath.Join(dir, "main.o"),
		Archive: filepath.Join(dir, "lib"+b.program.Name+".a"),
		Driver:  b.compiler,
	}
	for _, s := range sources {
		o.Loose = append(o.Loose, filepath.Join(dir, objectName(s)))
	}
	return o
}

// objectName makes one flat name of a source's path: two folders of Abseil have
// files of the same name.
func objectName(source string) string {
	source = strings.TrimPrefix(source, "vendor/")
	return strings.TrimSuffix(strings.ReplaceAll(source, "/", "_"), filepath.Ext(source)) + ".o"
}

// run compiles everything, as many files at once as there are processors.
func (b *build) run(ctx context.Context, o Objects, sources []string) error {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return err
	}
	main := filepath.Join(o.Dir, "main.c")
	if b.program.CXX {
		main += "c"
	}
	if err := os.WriteFile(main, []byte(b.program.text), 0o644); err != nil {
		return err
	}
	// As the sources are: relative to their folder.
	main, err := filepath.Rel(b.src, main)
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	group.Go(func() error { return b.compile(groupCtx, main, o.Main) })
	for i, s := range sources {
		group.Go(func() error { return b.compile(groupCtx, s, o.Loose[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return b.archive(ctx, o)
}

// compile runs in the folder of the sources and names them relatively, so that
// the bitcode does not say where this checkout is.
func (b *build) compile(ctx context.Context, source, object string) error {
	args := slices.Concat(b.flags, []string{"-I.", "-c", source, "-o", object})
	cmd := exec.CommandContext(ctx, b.compiler, args...)
	cmd.Dir = b.src
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", source, err, out)
	}
	return nil
}

func (b *build) archive(ctx context.Context, o Objects) error {
	if err := os.RemoveAll(o.Archive); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, b.archiver, append([]string{"rcD", o.Archive}, o.Loose...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", o.Archive, err, out)
	}
	return nil
}
