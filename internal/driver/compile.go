// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/stage"
)

// errChanged says that an object is good but must not be kept.
var errChanged = errors.New("one of its inputs, or the compiler, was changed during the link")

// errStopped is why an object is not kept after the store has given up.
var errStopped = errors.New("the cache cannot be written")

// compile makes the outputs of a job that the store did not have a moment ago.
// Another link may be at it: then this one waits, with its slot, and takes what
// that one made.
func (b *backends) compile(ctx context.Context, run exec.Run, p *planned) error {
	if p.uncached != nil {
		result, err := b.make(ctx, run, p)
		if err == nil {
			b.note(p, record.Uncached, result)
		}
		return err
	}
	compiled := false
	var result cas.Result
	known, _, err := cas.Do(ctx, b.store, p.key, p.places(), func(ctx context.Context) (cas.Result, error) {
		compiled = true
		var err error
		result, err = b.make(ctx, run, p)
		return result, err
	})
	switch {
	case errors.Is(err, errChanged):
		p.uncached = err
		b.note(p, record.Uncached, result)
		return nil
	case err == nil && compiled && b.disk.Stopped():
		p.uncached = errStopped
		b.note(p, record.Uncached, result)
	case err == nil && compiled:
		b.note(p, record.Compiled, result)
	case err == nil:
		b.note(p, record.Cached, known)
	}
	return err
}

// make compiles a job in a folder of its own and puts its outputs in their
// places.
func (b *backends) make(ctx context.Context, run exec.Run, p *planned) (cas.Result, error) {
	folder, err := b.stage.Folder(p.number)
	if err != nil {
		return cas.Result{}, fmt.Errorf("%s: %w", p.module, err)
	}
	defer folder.Remove()
	command, outputs, err := b.set(p, folder)
	if err != nil {
		return cas.Result{}, fmt.Errorf("%s: %w", p.module, err)
	}
	ran, err := run(ctx, command)
	if err != nil {
		return cas.Result{}, fmt.Errorf("%s: %w", p.module, err)
	}
	b.ran(ran)
	b.done[p.number].Source = sourceOf(p.job.Module())
	failure := &exec.Failure{Name: p.module, Reason: ran.Failure, Output: p.said(ran.Output, folder.Path), Command: p.command}
	if failure.Reason == "" {
		failure.Reason = checkObject(outputs[0])
	}
	if failure.Reason != "" {
		return cas.Result{}, failure
	}
	if p.uncached == nil {
		b.done[p.number].IndexChanges = b.indexChanges(ctx, p, folder)
		// For those who ask later why the next link had another. That it cannot be kept
		// is no error.
		_, _ = b.store.Put(ctx, folder.In(action.IndexName))
	}
	for i, output := range p.job.Outputs {
		if err := stage.Move(outputs[i], output); err != nil {
			if i > 0 && errors.Is(err, os.ErrNotExist) {
				failure.Reason = "the compiler exited with 0 but made no " + output
				return cas.Result{}, failure
			}
			return cas.Result{}, fmt.Errorf("%s: cannot put its output in place: %w", p.module, err)
		}
	}
	// What is kept must not speak of this link's folder.
	inFolder := []byte(folder.Path + string(filepath.Separator))
	result := cas.Result{Messages: bytes.ReplaceAll(ran.Output, inFolder, nil), Duration: ran.Wall}
	if p.uncached == nil && !b.unchanged(p) {
		return result, errChanged
	}
	return result, nil
}

// set lays out a job's folder and gives the command to run, and where in the
// folder it makes its outputs.
func (b *backends) set(p *planned, folder *stage.Folder) (c exec.Command, outputs []string, err error) {
	c.Path = b.compiler
	if p.action == nil {
		names := map[string]string{}
		for i, output := range p.job.Outputs {
			outputs = append(outputs, folder.In(fmt.Sprintf("output%d%s", i, filepath.Ext(output))))
			names[output] = outputs[i]
		}
		c.Args, c.Env = action.Replace(p.command, names), b.environment
		return c, outputs, nil
	}
	for path, name := range p.names {
		if err := folder.Place(name, path); err != nil {
			return c, nil, err
		}
	}
	index, err := b.index(p)
	if err == nil {
		err = folder.Write(action.IndexName, index)
	}
	if err != nil {
		return c, nil, err
	}
	for _, name := range p.action.Outputs {
		outputs = append(outputs, folder.In(name))
	}
	c.Args, c.Dir, c.Env = p.action.Args, folder.Path, b.actionEnvironment
	return c, outputs, nil
}

// checkObject says what is wrong with an object, or nothing. Clang exits with
// 0 and an empty object when a module that it imports from cannot be opened
// (seen with 14, 16, 19 and 22).
func checkObject(path string) string {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "the compiler exited with 0 but made no object"
	case err != nil:
		return "the object cannot be read: " + err.Error()
	case info.Size() == 0:
		return "the compiler exited with 0 but the object is empty (one of its inputs could not be read?)"
	}
	return ""
}
