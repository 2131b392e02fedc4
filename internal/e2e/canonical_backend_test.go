// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/e2e/objcmp"
)

// A backend is the compile of one module of a thin link, in both forms.
type backend struct {
	source action.Source // as LLD has it, to be run in the linker's folder
	action *action.Action
	files  map[string]string // where the action's inputs are, but the shard
	shard  []byte            // canonical
}

// A naming gives the modules of a job their names in its action.
type naming func(modules []string) map[string]string

func byRank(modules []string) map[string]string { return action.Names(modules, "program", 0) }

// reversed is what byRank must not be: the last module comes first.
func reversed(modules []string) map[string]string {
	names := byRank(modules)
	for module, name := range names {
		var rank int
		if _, err := fmt.Sscanf(name, "%d.bc", &rank); err != nil {
			panic(err)
		}
		names[module] = fmt.Sprintf("%0*d.bc", len(name)-len(".bc"), len(modules)-1-rank)
	}
	return names
}

// backendOf makes the action of a module, whose object is to be in folder.
func (l *thinLink) backendOf(module, folder string, names naming) (*backend, error) {
	b := &backend{files: map[string]string{}}
	s := &b.source
	s.Index = l.out + module + ".thinlto.bc"
	s.Outputs = []string{filepath.Join(folder, "linker.o")}
	s.Common = slices.Concat([]string{fmt.Sprintf("clang-%d", l.llvm)}, l.backend, []string{"-x", "ir"})
	s.Args = []string{module, "-fthinlto-index=" + s.Index, "-o", s.Outputs[0]}
	s.Toolchain = s.Common[0]
	shard, err := os.ReadFile(s.Index)
	if err != nil {
		return nil, err
	}
	modules, err := l.modulesOf(module, shard)
	if err != nil {
		return nil, err
	}
	s.Names = names(modules)
	rename := func(path string) (string, bool) { name, ok := s.Names[path]; return name, ok }
	// Which the driver cannot tell from a partial one.
	sampled := slices.ContainsFunc(l.backend, func(arg string) bool { return strings.HasPrefix(arg, "-fprofile-sample-use=") })
	canonical, err := bitcode.Canonicalise(shard, rename, bitcode.Options{KeepBlockCount: sampled})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Index, err)
	}
	if canonical.Form != bitcode.Canonical {
		return nil, fmt.Errorf("%s is %v: %s", s.Index, canonical.Form, canonical.Reason)
	}
	b.shard, s.Shard = canonical.Data, cas.DigestOf(canonical.Data)
	if s.Modules, err = l.digested(modules); err != nil {
		return nil, err
	}
	if s.Extra, err = l.digested(l.extra); err != nil {
		return nil, err
	}
	b.action = action.Of(s)
	for _, f := range s.Modules {
		b.files[s.Names[f.Path]] = l.in(f.Path)
	}
	for i, f := range s.Extra {
		b.files[action.ExtraName(i, f.Path)] = f.Path
	}
	return b, b.action.Check()
}

// modulesOf is the module and those that it imports from. What the shard names and
// what LLD lists for build systems must be the same.
func (l *thinLink) modulesOf(module string, shard []byte) ([]string, error) {
	named, err := bitcode.IndexModules(shard)
	if err != nil {
		return nil, err
	}
	listed, err := os.ReadFile(l.out + module + ".imports")
	if err != nil {
		return nil, err
	}
	modules := []string{module}
	for line := range strings.Lines(string(listed)) {
		modules = append(modules, strings.TrimSuffix(line, "\n"))
	}
	slices.Sort(named)
	if want := slices.Sorted(slices.Values(modules)); !slices.Equal(named, want) {
		return nil, fmt.Errorf("%s: the shard names %q, the list of imports %q", module, named, want)
	}
	return modules, nil
}

func (l *thinLink) digested(paths []string) ([]action.File, error) {
	var files []action.File
	for _, path := range paths {
		content, err := os.ReadFile(l.in(path))
		if err != nil {
			return nil, err
		}
		files = append(files, action.File{Path: path, Digest: cas.DigestOf(content)})
	}
	return files, nil
}

// inLLDsOrder wants the names to sort as LLD's own paths do.
func (b *backend) inLLDsOrder() error {
	paths := make([]string, 0, len(b.source.Modules))
	for _, m := range b.source.Modules {
		paths = append(paths, m.Path)
	}
	slices.Sort(paths)
	for i := 1; i < len(paths); i++ {
		if b.source.Names[paths[i-1]] >= b.source.Names[paths[i]] {
			return fmt.Errorf("%s is %s, %s is %s", paths[i-1], b.source.Names[paths[i-1]], paths[i], b.source.Names[paths[i]])
		}
	}
	return nil
}

// runAsLLD compiles with LLD's shard and its names and returns the path of the object.
func (b *backend) runAsLLD(ctx context.Context, dir string) (string, error) {
	return b.source.Outputs[0], runClang(ctx, dir, slices.Concat(b.source.Common, b.source.Args), b.source.Outputs[0])
}

// runAction runs the action in the folder, which has its inputs and nothing else in it,
// and returns the path of the object.
func (b *backend) runAction(ctx context.Context, folder string) (string, error) {
	for _, input := range b.action.Inputs {
		path := filepath.Join(folder, input.Name)
		var err error
		if input.Name == action.IndexName {
			err = os.WriteFile(path, b.shard, 0o600)
		} else {
			err = os.Symlink(b.files[input.Name], path)
		}
		if err != nil {
			return "", err
		}
	}
	object := filepath.Join(folder, b.action.Outputs[0])
	args := append([]string{b.source.Common[0]}, b.action.Args[1:]...)
	return object, runClang(ctx, folder, args, object)
}

// runClang wants an object and no message: clang exits with 0 when it cannot read an
// index or a module.
func runClang(ctx context.Context, dir string, args []string, object string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	info, statErr := os.Stat(object)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, text)
	case len(text) > 0:
		return fmt.Errorf("%s says:\n%s", strings.Join(args, " "), text)
	case statErr != nil:
		return statErr
	case info.Size() == 0:
		return fmt.Errorf("%s: empty object", strings.Join(args, " "))
	}
	return nil
}

// compiled is a backend whose two forms were compiled.
type compiled struct {
	*backend
	object []byte
	same   bool
	why    string // not same
}

// compile compiles a module both ways.
func (l *thinLink) compile(ctx context.Context, module, folder string, names naming) (compiled, error) {
	stage := filepath.Join(folder, "stage")
	if err := os.MkdirAll(stage, 0o755); err != nil {
		return compiled{}, err
	}
	b, err := l.backendOf(module, folder, names)
	if err != nil {
		return compiled{}, err
	}
	want, err := b.runAsLLD(ctx, l.dir)
	if err != nil {
		return compiled{}, err
	}
	got, err := b.runAction(ctx, stage)
	if err != nil {
		return compiled{}, err
	}
	x, errX := os.ReadFile(want)
	y, errY := os.ReadFile(got)
	c := compiled{backend: b, object: x}
	if c.same = bytes.Equal(x, y); !c.same {
		if result, err := objcmp.Compare(want, got); err == nil {
			c.why = fmt.Sprintf("%v: %s", result.Verdict, result.Reason)
		}
	}
	return c, errors.Join(errX, errY, os.RemoveAll(folder))
}

// compileAll compiles modules both ways, as many at once as there are processors.
func (l *thinLink) compileAll(t *testing.T, modules []string, names naming) []compiled {
	t.Helper()
	dir := t.TempDir()
	all := make([]compiled, len(modules))
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(runtime.NumCPU())
	for i, module := range modules {
		group.Go(func() (err error) {
			all[i], err = l.compile(ctx, module, filepath.Join(dir, fmt.Sprint(i)), names)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return all
}

// wantSameObjects wants each module's action to make the object that its compile with
// LLD's own shard and names makes.
func (l *thinLink) wantSameObjects(t *testing.T) {
	t.Helper()
	imports, same := 0, 0
	inObject, inShard := false, false
	for _, c := range l.compileAll(t, l.modules, byRank) {
		if err := c.inLLDsOrder(); err != nil {
			t.Error(err)
		}
		imports += len(c.source.Modules) - 1
		inObject = inObject || bytes.Contains(c.object, []byte(l.marks.object))
		inShard = inShard || bytes.Contains(c.shard, []byte(l.marks.shard))
		if c.same {
			same++
		} else {
			t.Errorf("%s: another object from the canonical shard: %s", c.source.Modules[0].Path, c.why)
		}
	}
	if (imports == 0) != l.marks.alone || !inObject || !inShard {
		t.Errorf("%d imports, %+v in an object: %v, in a shard: %v: not the link that was meant", imports, l.marks, inObject, inShard)
	}
	t.Logf("%d of %d objects identical, %d imports", same, len(l.modules), imports)
}
