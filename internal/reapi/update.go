// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

// leastBatch is below what batches are not made smaller.
const leastBatch = 64 << 10

// batch is a message of small blobs being made.
type batch struct {
	request *repb.BatchUpdateBlobsRequest
	uploads map[cas.Digest]*upload
	wire    int64 // bytes of contents in the message
	room    []byte
}

// rooms are the buffers that the files of a batch are read into.
var rooms = sync.Pool{New: func() any { b := make([]byte, 0, maxMessage); return &b }}

// updateBatch sends small blobs in one message. What is not accepted goes alone.
func (c *Client) updateBatch(us []*upload) {
	if us = c.present.wanted(us); len(us) == 0 {
		return
	}
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	b := c.fillBatch(us, (*room)[:0])
	if len(b.uploads) == 0 {
		return
	}
	var reply *repb.BatchUpdateBlobsResponse
	err := c.inBatch("upload blobs", func(ctx context.Context) (err error) {
		reply, err = c.blobs.BatchUpdateBlobs(c.identity.link(ctx), b.request)
		c.sent.Add(b.wire)
		return err
	})
	if err != nil {
		c.batchFailed(b, err)
		return
	}
	c.batchSent(b, reply)
}

// errSlow is for batches that a slow line does not bring over within --remote-timeout.
var errSlow = errors.New("a batch takes too long")

// inBatch is Do for a message of many blobs, of which nothing is heard while it is on its way. If
// that took too long it would again; streams show that they get on.
func (c *Client) inBatch(what string, call func(ctx context.Context) error) error {
	begun, tries := time.Now(), 0
	return c.storage.Do(c.ctx, what, func(ctx context.Context) error {
		if tries++; tries > 1 && time.Since(begun) >= c.patience()/2 {
			return errSlow
		}
		return call(ctx)
	})
}

// fillBatch reads contents. Those that cannot be read fail alone.
func (c *Client) fillBatch(us []*upload, room []byte) *batch {
	s := c.known.Load()
	b := &batch{uploads: make(map[cas.Digest]*upload, len(us)), room: room}
	b.request = &repb.BatchUpdateBlobsRequest{InstanceName: c.o.Instance, DigestFunction: s.function,
		Requests: make([]*repb.BatchUpdateBlobsRequest_Request, 0, len(us))}
	digests := messages(len(us), func(i int) cas.Digest { return us[i].blob.Digest })
	for i, u := range us {
		data, err := b.contents(&u.blob)
		if err == nil && u.blob.Open != nil && !s.verify(u.blob.Digest, data) {
			err = changed(&u.blob)
		}
		if err != nil {
			c.present.settle(err, u)
			continue
		}
		r := &repb.BatchUpdateBlobsRequest_Request{Digest: digests[i], Data: data}
		if small := c.codec.compress(data, s.zstdBatches); small != nil {
			r.Data, r.Compressor = small, repb.Compressor_ZSTD
		}
		b.request.Requests = append(b.request.Requests, r)
		b.uploads[u.blob.Digest] = u
		b.wire += int64(len(r.Data))
	}
	return b
}

// contents are the blob's. Those of files lie in the batch's room.
func (b *batch) contents(blob *remote.Blob) ([]byte, error) {
	size := int(blob.Digest.Size)
	if blob.Data != nil || size == 0 {
		return blob.Data, sized(blob, int64(len(blob.Data)))
	}
	b.room = slices.Grow(b.room, size+1)
	into := b.room[len(b.room) : len(b.room)+size+1]
	n, err := readAll(blob, into)
	if err != nil {
		return nil, err
	}
	b.room = b.room[:len(b.room)+size]
	return into[:size:size], sized(blob, int64(n))
}

// readAll reads the blob into b, which has room for a byte too many.
func readAll(blob *remote.Blob, b []byte) (int, error) {
	r, err := open(blob)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	n, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

func open(blob *remote.Blob) (io.ReadCloser, error) {
	if blob.Open == nil {
		return nil, fmt.Errorf("blob %v: no contents", blob.Digest)
	}
	return blob.Open()
}

// changed is the error for a file that is not what was digested any more. Not every server
// would find that out, and others would get it under the digest.
func changed(blob *remote.Blob) error {
	return fmt.Errorf("blob %v: its contents have changed", blob.Digest)
}

func sized(blob *remote.Blob, n int64) error {
	if n != blob.Digest.Size {
		return fmt.Errorf("blob %v: its contents have changed: now %d bytes or more", blob.Digest, n)
	}
	return nil
}

// batchSent settles what the server accepted. The rest is tried alone, where each
// failure has its own retries and its own error.
func (c *Client) batchSent(b *batch, reply *repb.BatchUpdateBlobsResponse) {
	sent := make([]*upload, 0, len(b.uploads))
	for _, r := range reply.Responses {
		d, err := parse(r.Digest)
		u := b.uploads[d]
		if err != nil || u == nil || r.Status.GetCode() != int32(codes.OK) {
			continue
		}
		delete(b.uploads, d)
		sent = append(sent, u)
	}
	c.uploaded.Add(int64(len(sent)))
	c.present.settle(nil, sent...)
	c.alone(b)
}

func (c *Client) alone(b *batch) {
	for _, u := range b.uploads {
		c.write.put(u)
	}
}

// batchFailed settles a batch that was refused as a whole: too large for the line or a limit
// that the server did not state, or of a call that it does not have.
func (c *Client) batchFailed(b *batch, err error) {
	if !refusedAsBatch(err) {
		for _, u := range b.uploads {
			c.present.settle(err, u)
		}
		return
	}
	c.batch.Store(min(c.batch.Load(), max(leastBatch, b.wire/2)))
	c.alone(b)
}

// refusedAsBatch says whether blobs may pass one by one that did not together.
func refusedAsBatch(err error) bool {
	if e, ok := errors.AsType[*remote.Error](err); ok {
		switch status.Code(e) {
		case codes.ResourceExhausted, codes.InvalidArgument, codes.OutOfRange, codes.Unimplemented:
			return true
		}
	}
	return errors.Is(err, errSlow)
}
