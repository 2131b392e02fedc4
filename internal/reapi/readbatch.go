// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/cas"
)

// download is a small blob that somebody wants.
type download struct {
	ctx    context.Context
	cancel context.CancelFunc
	digest cas.Digest
	done   chan struct{}
	data   []byte
	err    error
}

// aloneError says that a blob shall be tried again, not in a batch.
type aloneError struct{ error }

// order puts a blob among those that are read next.
func (c *Client) order(ctx context.Context, d cas.Digest) *download {
	ctx, cancel := context.WithCancel(ctx)
	w := &download{ctx: ctx, cancel: cancel, digest: d, done: make(chan struct{})}
	c.read.put(w)
	return w
}

// result waits for the blob: verified contents.
func (d *download) result(ctx context.Context) ([]byte, error) {
	select {
	case <-d.done:
		return d.data, d.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (d *download) finish(data []byte, err error) {
	d.data, d.err = data, err
	close(d.done)
}

// maxRead is how large the blobs of one answer may be together: Buildbarn's usual limit,
// which it does not state.
const maxRead = 2<<20 - 64<<10

func (c *Client) takeRead(ds []*download) int {
	return fill(ds, min(c.batch.Load(), maxRead), func(d *download) int64 { return d.digest.Size })
}

// readBatch reads small blobs in one call.
func (c *Client) readBatch(ds []*download) {
	byDigest := wanted(ds)
	if len(byDigest) == 0 {
		return
	}
	reply, err := c.readDigests(slices.Collect(maps.Keys(byDigest)))
	for _, r := range reply.GetResponses() {
		if d, err := parse(r.Digest); err == nil {
			c.arrived(d, byDigest[d], r)
			delete(byDigest, d)
		}
	}
	c.rest(byDigest, err)
}

// wanted are the downloads that somebody still waits for, each blob once.
func wanted(ds []*download) map[cas.Digest][]*download {
	byDigest := make(map[cas.Digest][]*download, len(ds))
	for _, d := range ds {
		if d.ctx.Err() != nil {
			d.finish(nil, context.Cause(d.ctx))
			continue
		}
		byDigest[d.digest] = append(byDigest[d.digest], d)
	}
	return byDigest
}

func (c *Client) readDigests(digests []cas.Digest) (reply *repb.BatchReadBlobsResponse, err error) {
	s := c.known.Load()
	request := &repb.BatchReadBlobsRequest{InstanceName: c.o.Instance, DigestFunction: s.function,
		Digests: messages(len(digests), func(i int) cas.Digest { return digests[i] })}
	if s.zstdBatches {
		request.AcceptableCompressors = []repb.Compressor_Value{repb.Compressor_ZSTD}
	}
	err = c.inBatch("download blobs", func(ctx context.Context) (err error) {
		reply, err = c.blobs.BatchReadBlobs(c.identity.link(ctx), request)
		return err
	})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// arrived hands a blob to those who want it.
func (c *Client) arrived(d cas.Digest, ds []*download, r *repb.BatchReadBlobsResponse_Response) {
	data, err := c.unpack(d, r)
	if err == nil {
		c.fetched.Add(1)
	}
	for _, d := range ds {
		d.finish(data, err)
	}
}

func (c *Client) unpack(d cas.Digest, r *repb.BatchReadBlobsResponse_Response) (data []byte, err error) {
	c.received.Add(int64(len(r.Data)))
	switch code := codes.Code(r.Status.GetCode()); {
	case code == codes.NotFound:
		return nil, &cas.Miss{Blob: true, Digest: d, Reason: cas.Absent, Err: c.storage.Answer("download blobs", status.ErrorProto(r.Status))}
	case code != codes.OK:
		return nil, &aloneError{status.ErrorProto(r.Status)}
	}
	data = r.Data
	if r.Compressor == repb.Compressor_ZSTD {
		data, err = c.codec.decompress(d, data)
	} else if r.Compressor != repb.Compressor_IDENTITY {
		err = fmt.Errorf("compressor %v was not asked for", r.Compressor)
	}
	if err != nil {
		return nil, &aloneError{err}
	}
	if !c.known.Load().verify(d, data) {
		return nil, &aloneError{fmt.Errorf("blob %v: damaged", d)}
	}
	return data, nil
}

// rest tells the others why they have nothing.
func (c *Client) rest(byDigest map[cas.Digest][]*download, err error) {
	if err == nil {
		err = &aloneError{errors.New("not in the answer")}
	} else if refusedAsBatch(err) {
		err = &aloneError{err}
	}
	for _, ds := range byDigest {
		for _, d := range ds {
			d.finish(nil, err)
		}
	}
}
