// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// worker is the kind of machine that executes, with the files that it needs for that.
type worker struct {
	*action.Worker
	blobs []remote.Blob
}

// lazyWorker is found out when the first job needs it: a link with nothing to compile
// asks nobody.
type lazyWorker struct {
	begin     sync.Once
	described chan struct{} // closed when the others are there
	worker    *worker
	err       error
}

// theWorker waits until it is known what the cluster's machines are told to run, or ctx
// ends. The error is a *remote.Error or why ctx ended.
func (c *cluster) theWorker(ctx context.Context) (*worker, error) {
	l := &c.worker
	l.begin.Do(func() {
		go func() {
			defer close(l.described)
			l.worker, l.err = c.describeWorker(c.ctx)
		}()
	})
	select {
	case <-l.described:
		return l.worker, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// executeAgain has an action executed whatever is known of it.
func (c *cluster) executeAgain(ctx context.Context, a *remote.Action) (remote.Result, error) {
	return c.client.Execute(ctx, a, true)
}

// describeWorker says what the cluster's machines are told to run, and what they are
// sent for that. The error is a *remote.Error.
func (c *cluster) describeWorker(ctx context.Context) (*worker, error) {
	properties := propertiesOf(c.settings.RemoteExecProperties)
	if path := c.settings.RemoteCompiler; path != "" {
		w := &worker{Worker: action.NewWorker([]string{path}, properties, nil)}
		if c.executes {
			return w, c.checkWorker(ctx, w, path)
		}
		return w, nil
	}
	identity, err := c.identity()
	if err != nil {
		return nil, cannotSend(c.compiler, err)
	}
	w, err := sentCompiler(c.compiler, identity, properties)
	if err != nil && !c.executes {
		return &worker{Worker: action.NewWorker([]string{"clang"}, properties, nil)}, nil // results can be shared all the same
	}
	return w, err
}

func propertiesOf(texts []string) []action.Property {
	properties := make([]action.Property, len(texts))
	for i, text := range texts {
		properties[i].Name, properties[i].Value, _ = strings.Cut(text, "=")
	}
	return properties
}

func cannotSend(compiler string, err error) error {
	return &remote.Error{
		What: compiler + ": cannot be sent to workers", Err: err, Final: true,
		Hint: "--remote-compiler=PATH names one that they have",
	}
}

// sentCompiler is a worker that is sent its compiler.
func sentCompiler(compiler string, identity toolchain.Identity, properties []action.Property) (*worker, error) {
	portable, err := toolchain.MakePortable(compiler, identity)
	if err != nil {
		return nil, cannotSend(compiler, err)
	}
	var files []action.TreeFile
	w := new(worker)
	for _, f := range portable.Files {
		files = append(files, action.TreeFile{Name: f.Name, Digest: f.Digest, Executable: f.Executable})
		w.blobs = append(w.blobs, remote.Blob{Digest: f.Digest, Open: openFile(f.Path)})
	}
	w.Worker = action.NewWorker(portable.Command(""), properties, files)
	for _, tree := range w.Trees {
		w.blobs = append(w.blobs, inMemory(tree))
	}
	return w, nil
}

// checkVersion has a compiler that workers have say its version: one of another release
// would make other objects, or none. The error is a *remote.Error.
func checkVersion(ctx context.Context, execute func(context.Context, *remote.Action) (remote.Result, error), w *worker, path, here string) error {
	version, err := toolchain.ClangVersion(here)
	if err != nil {
		return cannotSend(here, err)
	}
	ask := action.Action{Args: []string{"clang", "--version"}, Toolchain: "any"}
	wrong := &remote.Error{What: path + " on a worker", Hint: "--remote-compiler must name the same release of clang, or be left out, which sends it along"}
	r, err := execute(ctx, asRemote(&ask, w, "(the compiler's version)"))
	if unavailable, ok := errors.AsType[*remote.Error](err); ok && unavailable.Refused && unavailable.Hint == "" {
		wrong.Err = err // as one that is not there
		return wrong
	}
	if err != nil {
		return err
	}
	theirs, err := toolchain.ParseClangVersion(path, string(r.Messages))
	switch {
	case r.ExitCode != 0:
		err = fmt.Errorf("it exited with %d: %.200q", r.ExitCode, r.Messages)
	case err == nil && theirs != version:
		err = fmt.Errorf("it is clang %s, and %s is clang %s", theirs, here, version)
	}
	if err != nil {
		wrong.Err, wrong.Final = err, true
		return wrong
	}
	return nil
}
