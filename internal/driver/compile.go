// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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
func (b *backends) compile(ctx context.Context, run exec.Run, p *attempt) error {
	places, err := b.placesHere(p.planned)
	if err != nil {
		return err
	}
	compiled := false
	var result cas.Result
	make := func(ctx context.Context) (cas.Result, error) {
		compiled = true
		var err error
		result, err = b.make(ctx, run, p, places)
		return result, err
	}
	known, uncached := cas.Result{}, p.uncached
	if uncached != nil {
		_, err = make(ctx)
	} else {
		known, _, err = cas.Do(ctx, b.store, p.key, places, make)
		uncached = b.notKept(compiled, result, err)
	}
	if err != nil && !errors.Is(err, errChanged) {
		return b.failed(p.planned, err)
	}
	if err := b.finish(ctx, p.planned, places, compiled); err != nil {
		return err
	}
	p.uncached = uncached
	switch {
	case !compiled:
		p.cached = true
		b.note(p.planned, record.Cached, known)
	case uncached != nil:
		b.note(p.planned, record.Uncached, result)
	default:
		result.Outputs = known.Outputs
		b.note(p.planned, record.Compiled, result)
		b.cluster.share(p.planned, known)
	}
	return nil
}

// placesHere are where an attempt here makes a job's outputs: where they belong or, if
// the cluster may be first, in the stage.
func (b *backends) placesHere(p *planned) ([]cas.Place, error) {
	places := p.places()
	if !p.twinned {
		return places, nil
	}
	for i := range places {
		var err error
		if places[i].Path, err = b.stage.Path("here", strconv.Itoa(p.number)+"."+strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	return places, nil
}

// finish moves the outputs where they belong unless the cluster was first.
func (b *backends) finish(ctx context.Context, p *planned, places []cas.Place, compiled bool) error {
	if !p.twinned {
		return nil
	}
	if !p.claim() {
		for _, place := range places {
			_ = os.Remove(place.Path) // else the stage goes with it
		}
		return exec.ErrLost
	}
	for i, place := range places {
		if err := p.move(place.Path, p.job.Outputs[i]); err != nil {
			return err
		}
	}
	if compiled {
		b.cluster.explain(ctx, p)
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

// make compiles a job in a folder of its own and puts its outputs into places.
func (b *backends) make(ctx context.Context, run exec.Run, p *attempt, places []cas.Place) (cas.Result, error) {
	folder, err := b.stage.Folder(p.number)
	if err != nil {
		return cas.Result{}, fmt.Errorf("%s: %w", p.module, err)
	}
	defer folder.Remove()
	command, outputs, err := b.set(p.planned, folder)
	if err != nil {
		return cas.Result{}, fmt.Errorf("%s: %w", p.module, err)
	}
	ran, err := run(ctx, command)
	if err != nil {
		return cas.Result{}, fmt.Errorf("%s: %w", p.module, err)
	}
	b.ran(ran)
	p.ran(ran)
	// Neither what is kept nor what is shown must speak of this link's folder.
	output := bytes.ReplaceAll(ran.Output, []byte(folder.Path+string(filepath.Separator)), nil)
	if reason := b.wrong(ran, p.planned, outputs); reason != "" {
		return cas.Result{}, &exec.Failure{Name: p.module, Reason: reason, Output: p.said(output), Command: b.repeat(p.planned)}
	}
	if !p.twinned {
		b.noteForExplain(ctx, p.planned, folder)
	}
	for i, place := range places {
		if err := p.move(outputs[i], place.Path); err != nil {
			return cas.Result{}, err
		}
	}
	result := cas.Result{Messages: output, Duration: ran.Wall}
	if p.uncached == nil && !b.unchanged(p.planned) {
		return result, errChanged
	}
	return result, nil
}

// repeat is a command that does again what failed.
func (b *backends) repeat(p *planned) []string {
	if b.launcher == nil {
		return p.command
	}
	return slices.Concat(b.launcher.inFront(b.folder, p.job.Inputs, p.job.Outputs), p.command)
}

// wrong says what is wrong with a compile that ran, or nothing.
func (b *backends) wrong(ran exec.Ran, p *planned, outputs []string) string {
	switch {
	case ran.Failure != "" && b.launcher != nil:
		return strings.Replace(ran.Failure, "the compiler", "the launcher "+b.launcher.words[0]+" or the compiler", 1)
	case ran.Failure != "":
		return ran.Failure
	}
	if reason := checkObject(outputs[0]); reason != "" {
		return reason
	}
	for i, output := range outputs[1:] {
		if _, err := os.Lstat(output); err != nil {
			return "the compiler exited with 0 but made no " + p.job.Outputs[i+1]
		}
	}
	return ""
}

// placeError says that an output cannot be put in place, whoever made it.
type placeError struct{ error }

func (e *placeError) Unwrap() error { return e.error }

// move puts an output where it belongs. The error is a *placeError.
func (p *planned) move(from, to string) error {
	if err := stage.Move(from, to); err != nil {
		return &placeError{fmt.Errorf("%s: cannot put its output in place: %w", p.module, err)}
	}
	return nil
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
	return b.launch(c, action.Replace(slices.Concat(p.job.Inputs, b.extra), names), outputs), outputs, nil
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
