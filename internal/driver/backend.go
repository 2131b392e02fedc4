// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/stage"
	"github.com/dtlto/dtlto/internal/thinlto"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// edge is one backend compile of a build system's: words are Clang's command line for it.
type edge struct {
	*thinlto.Compile
	words    []string
	path     string // the compiler's
	version  toolchain.Version
	settings *settings.Settings
	program  *Program
	imports  []string
}

// ownCommand is an error of a compile whose command, and whose inputs, are the user's.
type ownCommand struct{ error }

func (e *ownCommand) Unwrap() error { return e.error }

// Backend makes what a command line of Clang's makes, a backend compile: the same object
// to the byte, through the cache and on the cluster as in a link. What is not known to be
// such a compile, Clang does as it was told, and one line says why. program.UntilSignal
// is not used.
func Backend(ctx context.Context, words []string, s *settings.Settings, program *Program) error {
	if s.CacheDir != "" {
		toolchain.RememberIn(s.CacheDir)
	}
	program.Connect = becomeRemote(s, program.Connect)
	e := &edge{words: words, settings: s, program: program}
	err := e.compile(ctx)
	if err == nil {
		return nil
	}
	return &ownCommand{err}
}

func (e *edge) compile(ctx context.Context) error {
	odd, err := e.read()
	if err != nil {
		return err
	}
	var jobs *thinlto.JobFile
	if odd == nil {
		if err := e.checkInput(e.Module, ""); err != nil {
			return err
		}
		thin, err := e.readIndex()
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Dir(e.Object)); err != nil {
			return e.failure("%s: cannot be written: %v", e.Object, withoutPath(err))
		}
		if !thin {
			return e.withoutIndex(ctx)
		}
		jobs, odd = e.jobFile()
	}
	if odd != nil {
		e.notCached(odd)
		return e.asGiven(ctx)
	}
	return e.run(ctx, jobs)
}

// read reads the command. odd is why only Clang can do it.
func (e *edge) read() (odd, err error) {
	words, whole := lld.ExpandFiles(e.words)
	e.Compile, err = thinlto.ReadCompile(words)
	unclear, ok := errors.AsType[*thinlto.NotUnderstood](err)
	if err != nil && !ok {
		return nil, &UsageError{Err: err}
	}
	if e.path, err = exec.FindCompiler(e.Compiler); err != nil {
		return nil, err
	}
	if ok {
		return unclear, nil
	}
	if !whole {
		return errors.New("its response files cannot be followed"), nil
	}
	for _, name := range []string{"CCC_OVERRIDE_OPTIONS", "CCC_ADD_ARGS"} {
		if os.Getenv(name) != "" {
			return fmt.Errorf("%s is set, which changes the command", name), nil
		}
	}
	if info, err := os.Stat(e.Object); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", e.Object), nil
	}
	return nil, nil
}

// checkInput looks whether a module is a file; who names it, if that is not the command.
func (e *edge) checkInput(path, who string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("no regular file")
	}
	if err != nil {
		return e.failure("%s%s: %v", path, who, withoutPath(err))
	}
	return nil
}

// readIndex finds out what is imported. Clang says nothing, and exits with 0, when an index
// is not there, is another module's, or names a module that is not there: the object is
// then wrong. thin is false for an empty one, by which Clang is told to do without ThinLTO.
func (e *edge) readIndex() (thin bool, err error) {
	index, err := os.ReadFile(e.Index)
	if err != nil {
		return false, e.failure("%s: the index cannot be read: %v", e.Index, withoutPath(err))
	}
	if len(index) == 0 {
		return false, nil
	}
	modules, err := bitcode.IndexModules(index)
	if err != nil {
		return false, e.failure("%s: not an index: %v", e.Index, err)
	}
	if len(modules) == 0 && bitcode.IsSkipIndex(index) {
		return true, nil
	}
	if err := e.checkOwn(modules); err != nil {
		return false, &UsageError{err}
	}
	for _, module := range modules {
		switch module {
		case e.Module:
			continue
		case e.Object:
			return false, &UsageError{fmt.Errorf("%s: is the output, and %s has %s import from it", e.Object, e.Index, e.Module)}
		}
		if err := e.checkInput(module, ", from which "+e.Index+" has it import"); err != nil {
			return false, err
		}
		e.imports = append(e.imports, module)
	}
	return true, nil
}

func (e *edge) withoutIndex(ctx context.Context) error {
	if e.settings.Summary {
		fmt.Fprintf(e.program.Err, "dtlto: %s is empty: %s is compiled without ThinLTO, and not kept\n", e.Index, e.Module)
	}
	return e.asGiven(ctx)
}

// checkOwn checks that an index that names these modules is the module's own. Which of
// them it is for, only its name can tell: Clang compiles any of them.
func (e *edge) checkOwn(modules []string) error {
	if i := slices.IndexFunc(modules, e.isIndexOf); i >= 0 && !e.isIndexOf(e.Module) {
		return fmt.Errorf("%s: is an index of %s, not of %s", e.Index, modules[i], e.Module)
	}
	if len(modules) == 1 && modules[0] != e.Module {
		return fmt.Errorf("%s: is an index of %s, not of %s (names must be spelled as in the thin link)", e.Index, modules[0], e.Module)
	}
	if !slices.Contains(modules, e.Module) {
		return fmt.Errorf("%s: names %d modules, but not %s (which must be spelled as in the thin link)", e.Index, len(modules), e.Module)
	}
	return nil
}

// isIndexOf says whether the index is called as LLD would call a module's, or dtlto that of
// an archive's member, which is called as the index but for the ending.
func (e *edge) isIndexOf(module string) bool {
	stem, ok := strings.CutSuffix(filepath.Base(e.Index), ".thinlto.bc")
	base := filepath.Base(module)
	return ok && (base == stem || base == stem+".bc")
}

func (e *edge) failure(format string, args ...any) error {
	return &exec.Failure{Name: e.Object, Reason: fmt.Sprintf(format, args...)}
}

// jobFile is the compile as a link with one job. The error is why only Clang can do it.
func (e *edge) jobFile() (f *thinlto.JobFile, err error) {
	if e.version, err = toolchain.ClangVersion(e.path); err != nil {
		return nil, err
	}
	args := append([]string{e.path, "-c"}, e.Args...)
	if e.version.Major >= 16 {
		args = append(args, noDefaultConfig)
	}
	f = &thinlto.JobFile{
		Output: e.Object, Args: append(args, "-x", "ir"), Inputs: slices.DeleteFunc(e.Files, isNoFile),
		Jobs: []thinlto.Job{{
			Args:    []string{e.Module, "-fthinlto-index=" + e.Index, "-o", e.Object},
			Inputs:  append([]string{e.Module, e.Index}, e.imports...),
			Outputs: []string{e.Object},
		}},
	}
	return f, e.checkPure(f)
}

func isNoFile(path string) bool {
	info, err := os.Stat(path)
	return err != nil || !info.Mode().IsRegular()
}

// checkPure says why a compile is not known to be a pure function of its inputs. It may
// then write files beside the object, which it would not do under another name.
func (e *edge) checkPure(f *thinlto.JobFile) error {
	files := func(paths []string) (files []action.File) {
		for _, path := range paths {
			files = append(files, action.File{Path: path})
		}
		return files
	}
	job := &f.Jobs[0]
	modules := distinct(append([]string{e.Module}, e.imports...))
	return action.Of(&action.Source{
		Common: f.Args, Args: job.Args, Outputs: job.Outputs, Index: e.Index, Names: action.Names(modules, e.Object, 0),
		Modules: files(modules), Extra: files(distinct(slices.Concat(f.Inputs, e.settings.Inputs))),
	}).Check()
}

// run does the compile as a link's.
func (e *edge) run(ctx context.Context, jobs *thinlto.JobFile) error {
	if err := checkInputs(e.settings.Inputs); err != nil {
		return err
	}
	b := &backends{
		settings: e.settings, jobs: jobs, started: time.Now(), written: fileTime(e.Index),
		major: e.version.Major, edge: true, stage: stage.For(e.Object),
	}
	b.view = &view{messages: e.program.Err, started: b.started, id: remote.UUID()}
	defer b.removeStage()
	err := b.run(ctx, e.program.Connect)
	b.conclude(err)
	if err != nil {
		return e.explained(err)
	}
	if job := &b.done[0]; job.Outcome == record.Uncached && job.Action == nil && b.uncached == nil {
		e.notCached(errors.New(job.Reason))
	}
	return nil
}

// explained says of a compile that failed if it may be because of another LLVM's bitcode,
// which compilers say in words of their own, if they do not crash.
func (e *edge) explained(err error) error {
	failure, ok := errors.AsType[*exec.Failure](err)
	f, opened := os.Open(e.Module)
	if !ok || opened != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		id, _ := bitcode.IdentifyAt(f, info.Size())
		if major := id.LLVMMajor(); major != 0 && major != e.version.Major {
			failure.Reason += fmt.Sprintf(" (%s is bitcode of LLVM %d, and the compiler is LLVM %d: backends need the LLVM of the linker)", e.Module, major, e.version.Major)
		}
	}
	return err
}

func (e *edge) notCached(why error) {
	fmt.Fprintf(e.program.Err, "dtlto: warning: %s: not cached: %v\n", e.Object, why)
}

// asGiven has Clang do what it was told.
func (e *edge) asGiven(ctx context.Context) error {
	code, err := exec.Tool(ctx, e.path, e.words[1:], toolchain.Environment(), e.program.Out, e.program.Err)
	if err != nil {
		return err
	}
	if code != 0 {
		return &exec.Failure{Name: e.Module, Reason: fmt.Sprintf("the compiler exited with %d", code), Command: e.words}
	}
	if info, err := os.Stat(e.Object); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		reason := checkObject(e.Object)
		_ = os.Remove(e.Object)
		return e.failure("%s", reason)
	}
	return nil
}

// withoutPath is an error of a file for a message that has the name already.
func withoutPath(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
