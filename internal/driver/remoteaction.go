// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// actionOf is a job's action as the cluster gets it, with all that it may have to be
// sent. Nothing is read before that.
func (c *cluster) actionOf(p *planned) (*remote.Action, error) {
	w, err := c.worker()
	if err != nil {
		return nil, err
	}
	a := asRemote(p.action, w, p.module)
	a.Blobs = append(a.Blobs, remote.Blob{Digest: p.shard, Open: func() (io.ReadCloser, error) {
		index, err := c.index(p)
		return io.NopCloser(bytes.NewReader(index)), err
	}})
	for path := range p.names {
		digest, err := c.digests.Of(path)
		if err != nil {
			return nil, err
		}
		a.Blobs = append(a.Blobs, remote.Blob{Digest: digest, Open: func() (io.ReadCloser, error) { return c.parts.open(path) }})
	}
	return a, nil
}

// describeWorker says what the cluster's machines are told to run, and what they are
// sent for that. The error is a *remote.Error.
func (c *cluster) describeWorker(ctx context.Context) (*worker, error) {
	properties := propertiesOf(c.settings.RemoteExecProperties)
	if path := c.settings.RemoteCompiler; path != "" {
		w := &worker{Worker: action.NewWorker([]string{path}, properties, nil)}
		if c.executes {
			return w, checkVersion(ctx, c.client, w, path, c.compiler)
		}
		return w, nil
	}
	identity, err := c.identity()
	if err != nil {
		return nil, cannotSend(c.compiler, err)
	}
	return sentCompiler(c.compiler, identity, properties)
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
func checkVersion(ctx context.Context, client Cluster, w *worker, path, here string) error {
	version, err := toolchain.ClangVersion(here)
	if err != nil {
		return cannotSend(here, err)
	}
	ask := action.Action{Args: []string{"clang", "--version"}, Toolchain: "any"}
	wrong := &remote.Error{What: path + " on a worker", Hint: "--remote-compiler must name the same release of clang, or be left out, which sends it along"}
	r, err := client.Execute(ctx, asRemote(&ask, w, "(the compiler's version)"), true) // whatever it said before
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

// asRemote is an action as the cluster gets it, with the messages that describe it.
func asRemote(a *action.Action, w *worker, module string) *remote.Action {
	encoded := a.EncodeFor(w.Worker)
	r := &remote.Action{Key: encoded.Key, Module: module, Outputs: a.Outputs}
	r.Blobs = make([]remote.Blob, 0, 4+len(a.Inputs)+len(w.blobs))
	for _, data := range [][]byte{encoded.Action, encoded.Command, encoded.Root} {
		r.Blobs = append(r.Blobs, remote.Blob{Digest: cas.DigestOf(data), Data: data})
	}
	r.Blobs = append(r.Blobs, w.blobs...)
	return r
}

func openFile(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return os.Open(path) }
}
