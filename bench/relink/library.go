// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/corpus"
)

// library is a copy of RE2 with Abseil, compiled, that may be changed.
type library struct {
	corpus.Objects
	sources string // the folder of the sources
	llvm    int
}

func openLibrary(ctx context.Context, bench *measure.Bench, llvm int) (*library, error) {
	cache, err := corpus.DefaultCache()
	if err != nil {
		return nil, err
	}
	objects, err := corpus.RE2().Build(ctx, cache, llvm, corpus.ThinLTO()...)
	if err != nil {
		return nil, err
	}
	l := &library{objects, filepath.Join(cache, "re2", "src"), llvm}
	l.Dir = bench.In("library")
	if err := os.Mkdir(l.Dir, 0o755); err != nil {
		return nil, err
	}
	l.Loose = slices.Clone(l.Loose)
	for i := range l.Loose {
		if err := l.take(&l.Loose[i]); err != nil {
			return nil, err
		}
	}
	if err := l.take(&l.Main); err != nil {
		return nil, err
	}
	return l, l.take(&l.Archive)
}

// take copies a file into the library's folder.
func (l *library) take(path *string) error {
	text, err := os.ReadFile(*path)
	if err != nil {
		return err
	}
	*path = filepath.Join(l.Dir, filepath.Base(*path))
	return os.WriteFile(*path, text, 0o644)
}

func (l *library) forms() []form {
	return []form{
		{"archive", l.Driver, l.FromArchive()},
		{"objects", l.Driver, l.FromObjects()},
	}
}

// object is the path of the object made of a source.
func (l *library) object(source string) string {
	name := strings.TrimSuffix(strings.ReplaceAll(strings.TrimPrefix(source, "vendor/"), "/", "_"), ".cc") + ".o"
	return filepath.Join(l.Dir, name)
}

// variants compiles a source as many times, each time with other lines added,
// and returns the objects.
func (l *library) variants(ctx context.Context, source string, count int, lines func(i int) string) ([]string, error) {
	folder, err := os.MkdirTemp(filepath.Dir(l.Dir), "variants-")
	if err != nil {
		return nil, err
	}
	var objects []string
	for i := range count {
		text := fmt.Sprintf("#include \"%s\"\n%s\n", source, lines(i))
		// The same name for all: it is in the bitcode.
		variant := filepath.Join(folder, filepath.Base(source))
		if err := os.WriteFile(variant, []byte(text), 0o644); err != nil {
			return nil, err
		}
		object := filepath.Join(folder, fmt.Sprintf("%d.o", i))
		// The options that internal/corpus compiles RE2 with.
		args := append([]string{"-std=c++20", "-DNDEBUG", "-w", "-Ivendor/re2", "-Ivendor/abseil-cpp", "-I."}, corpus.ThinLTO()...)
		cmd := exec.CommandContext(ctx, l.Driver, append(args, "-c", variant, "-o", object)...)
		cmd.Dir = l.sources
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", source, err, out)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// replace puts another object in the place of one, in the archive too.
func (l *library) replace(ctx context.Context, object, by string) error {
	text, err := os.ReadFile(by)
	if err != nil {
		return err
	}
	if err := os.Remove(object); err != nil {
		return err
	}
	if err := os.WriteFile(object, text, 0o644); err != nil {
		return err
	}
	aside := l.Archive + ".new"
	cmd := exec.CommandContext(ctx, fmt.Sprintf("llvm-ar-%d", l.llvm), append([]string{"rcD", aside}, l.Loose...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("llvm-ar: %w\n%s", err, out)
	}
	return os.Rename(aside, l.Archive)
}
