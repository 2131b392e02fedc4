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

// actionOf is a job's action as the cluster gets it, with all that it may have to be
// sent. Nothing is read before that.
func (c *cluster) actionOf(ctx context.Context, p *planned) (*remote.Action, error) {
	w, err := c.theWorker(ctx)
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
