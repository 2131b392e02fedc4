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

// Why an object is not kept after the store has given up, or because of what the
// compiler had to say.
var (
	errStopped = errors.New("the cache cannot be written")
	errWordy   = errors.New("the compiler printed too much to be kept")
)

// compile makes the outputs of a job that the store did not have a moment ago.
// Another link may be at it: then this one waits, with its slot, and takes what
// that one made.
func (b *backends) compile(ctx context.Context, run exec.Run, p *planned) error {
	compiled := false
	var result cas.Result
	make := func(ctx context.Context) (cas.Result, error) {
		compiled = true
		var err error
		result, err = b.make(ctx, run, p)
		return result, err
	}
	var known cas.Result
	var err error
	if p.uncached != nil {
		_, err = make(ctx)
	} else {
		known, _, err = cas.Do(ctx, b.store, p.key, p.places(), make)
		p.uncached = b.notKept(compiled, result, err)
	}
	switch {
	case err != nil && !errors.Is(err, errChanged):
		return b.failed(p, err)
	case !compiled && !p.claim():
		return exec.ErrLost
	case !compiled:
		b.note(p, record.Cached, known)
	case p.uncached != nil:
		b.note(p, record.Uncached, result)
	default:
		b.note(p, record.Compiled, result)
		b.cluster.share(p, known)
	}
	return nil
}

// notKept is why a result that was to be kept was not, or nil.
func (b *backends) notKept(compiled bool, r cas.Result, err error) error {
	switch {
	case errors.Is(err, errChanged):
		return errChanged
	case err != nil || !compiled:
		return nil
	case len(r.Messages) > cas.MaxMessages:
		return errWordy
	case b.store.Stopped():
		return errStopped
	}
	return nil
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
	// Neither what is kept nor what is shown must speak of this link's folder.
	output := bytes.ReplaceAll(ran.Output, []byte(folder.Path+string(filepath.Separator)), nil)
	failure := &exec.Failure{Name: p.module, Reason: ran.Failure, Output: p.said(output), Command: p.command}
	if failure.Reason == "" {
		failure.Reason = checkObject(outputs[0])
	}
	if failure.Reason != "" {
		return cas.Result{}, failure
	}
	if !p.claim() {
		return cas.Result{}, exec.ErrLost
	}
	b.noteForExplain(ctx, p, folder)
	for i, output := range p.job.Outputs {
		if err := stage.Move(outputs[i], output); err != nil {
			if i > 0 && errors.Is(err, os.ErrNotExist) {
				failure.Reason = "the compiler exited with 0 but made no " + output
				return cas.Result{}, failure
			}
			return cas.Result{}, fmt.Errorf("%s: cannot put its output in place: %w", p.module, err)
		}
	}
	result := cas.Result{Messages: output, Duration: ran.Wall}
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
		return b.setInPlace(p, folder)
	}
	if err := b.placeAll(p, folder); err != nil {
		return c, nil, err
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
	inputs := make([]string, len(p.action.Inputs))
	for i := range inputs {
		inputs[i] = p.action.Inputs[i].Name
	}
	return b.launch(c, inputs, p.action.Outputs), outputs, nil
}

// placeAll gives a job's inputs their names in its folder.
func (b *backends) placeAll(p *planned, folder *stage.Folder) error {
	for path, name := range p.names {
		file, err := b.parts.file(b.stage, path)
		if err == nil {
			err = b.place(folder, name, file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setInPlace is set for what is no action: it runs in the linker's working folder,
// with the names that LLD gave. Modules that are no files of their own get names in
// the job's folder, and an index with these.
func (b *backends) setInPlace(p *planned, folder *stage.Folder) (c exec.Command, outputs []string, err error) {
	names := map[string]string{}
	for i, output := range p.job.Outputs {
		outputs = append(outputs, folder.In(fmt.Sprintf("output%d%s", i, filepath.Ext(output))))
		names[output] = outputs[i]
	}
	if b.jobs.Parts != nil {
		index, err := p.indexIn(folder)
		if err == nil {
			err = errors.Join(folder.Write(action.IndexName, index), b.placeAll(p, folder))
		}
		if err != nil {
			return c, nil, err
		}
		names[p.job.Index()] = folder.In(action.IndexName)
		for path, name := range p.names {
			names[path] = folder.In(name)
		}
	}
	c = exec.Command{Path: b.compiler, Args: action.Replace(p.command, names), Env: b.environment}
	return b.launch(c, p.job.Inputs, outputs), outputs, nil
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
