// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"io"
	"os"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

// actionOf is a job's action as the cluster gets it. What may have to be sent for it is
// listed when it is executed, and read when it is sent.
func (c *cluster) actionOf(ctx context.Context, p *planned) (*remote.Action, error) {
	w, err := c.theWorker(ctx)
	if err != nil {
		return nil, err
	}
	encoded := p.action.EncodeFor(w.Worker)
	return &remote.Action{
		Key: encoded.Key, Module: p.module, Outputs: p.action.Outputs,
		More: func() ([]remote.Blob, error) { return c.inputsOf(p, blobsOf(&encoded, w, 1+len(p.names))) },
	}, nil
}

// inputsOf adds a job's files to blobs.
func (c *cluster) inputsOf(p *planned, blobs []remote.Blob) ([]remote.Blob, error) {
	blobs = append(blobs, remote.Blob{Digest: p.shard, Open: func() (io.ReadCloser, error) {
		index, err := c.index(p)
		return io.NopCloser(bytes.NewReader(index)), err
	}})
	for path := range p.names {
		digest, err := c.digests.Of(path)
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, remote.Blob{Digest: digest, Open: func() (io.ReadCloser, error) { return c.parts.open(path) }})
	}
	return blobs, nil
}

// asRemote is an action as the cluster gets it, less its files.
func asRemote(a *action.Action, w *worker, module string) *remote.Action {
	encoded := a.EncodeFor(w.Worker)
	return &remote.Action{Key: encoded.Key, Module: module, Outputs: a.Outputs, Blobs: blobsOf(&encoded, w, 1)}
}

// blobsOf are the messages that describe an action and the worker's files, with room for
// so many more.
func blobsOf(encoded *action.Encoded, w *worker, more int) []remote.Blob {
	blobs := make([]remote.Blob, 0, 3+len(w.blobs)+more)
	for _, data := range [][]byte{encoded.Action, encoded.Command, encoded.Root} {
		blobs = append(blobs, remote.Blob{Digest: cas.DigestOf(data), Data: data})
	}
	return append(blobs, w.blobs...)
}

func openFile(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return os.Open(path) }
}
