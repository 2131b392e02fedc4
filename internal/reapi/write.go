// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	bspb "google.golang.org/genproto/googleapis/bytestream"

	"github.com/dtlto/dtlto/internal/reapi/channel"
	"github.com/dtlto/dtlto/internal/remote"
)

// chunk is how much of a large blob goes into one message. From 64 KiB to 1 MiB it
// makes no difference; this times the streams is memory.
const chunk = 256 << 10

// writeBlob sends one blob on a stream of its own.
func (c *Client) writeBlob(us []*upload) {
	if us = c.present.wanted(us); len(us) == 0 {
		return
	}
	u := us[0]
	var local error
	err := c.storage.Do(c.ctx, "upload blob", func(ctx context.Context) error {
		err := c.writeOnce(c.identity.link(ctx), &u.blob)
		if l, ok := errors.AsType[*localError](err); ok {
			local = l.error
		}
		return err
	})
	if local != nil {
		err = local
	}
	if err == nil {
		c.uploaded.Add(1)
	}
	c.present.settle(err, u)
}

// localError is a failure to read or write here, amid a call.
type localError struct{ error }

func (e *localError) Unwrap() error { return e.error }

// errEnough says that the server has ended an upload: it has the blob, or an error.
var errEnough = errors.New("the server takes no more of the upload")

// writeOnce sends a blob from its beginning. A server may say at any time that it has
// the blob: Send then fails with io.EOF, and the answer is what counts.
func (c *Client) writeOnce(ctx context.Context, blob *remote.Blob) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	contents, err := reader(blob)
	if err != nil {
		return &localError{err}
	}
	defer contents.Close()
	s := c.known.Load()
	compressed := s.zstdStreams && blob.Digest.Size >= tiny
	stream, err := c.bytes.Write(ctx)
	if err != nil {
		return err
	}
	w := &chunks{client: c, ctx: ctx, stream: stream, buffer: make([]byte, 0, chunk),
		request: bspb.WriteRequest{ResourceName: s.uploadResource(blob.Digest, compressed)}}
	if err := c.stream(w, contents, blob, compressed); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	reply, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	return w.accepted(blob, reply.CommittedSize, compressed)
}

func reader(blob *remote.Blob) (io.ReadCloser, error) {
	if blob.Data != nil || blob.Digest.Size == 0 {
		return io.NopCloser(bytes.NewReader(blob.Data)), nil
	}
	return open(blob)
}

// stream sends all of the blob.
func (c *Client) stream(w *chunks, contents io.Reader, blob *remote.Blob, compressed bool) error {
	var into io.Writer = w
	finish := func() error { return nil }
	if compressed {
		e := c.codec.encoder(w)
		defer c.codec.giveBack(e)
		into, finish = e, e.Close
	}
	sum := c.known.Load().hasher()
	n, err := io.Copy(into, &localReader{io.TeeReader(io.LimitReader(contents, blob.Digest.Size+1), sum)})
	if err != nil {
		return err
	}
	if err := sized(blob, n); err != nil {
		return &localError{err}
	}
	if !bytes.Equal(sum.Sum(nil), blob.Digest.Hash[:]) {
		return &localError{changed(blob)} // before the last message: nothing is there yet
	}
	if err := finish(); err != nil {
		return err
	}
	return w.finish()
}

// localReader tells failures to read here from failures to send.
type localReader struct{ io.Reader }

func (r *localReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err != nil && err != io.EOF {
		err = &localError{err}
	}
	return n, err
}

// chunks sends what is written to it in messages of equal size.
type chunks struct {
	client  *Client
	ctx     context.Context // of one try
	stream  bspb.ByteStream_WriteClient
	request bspb.WriteRequest
	buffer  []byte
	offset  int64
	ended   bool // all of it was sent
}

func (w *chunks) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		if len(w.buffer) == cap(w.buffer) {
			if err := w.send(false); err != nil {
				return written, err
			}
		}
		n := min(len(b), cap(w.buffer)-len(w.buffer))
		w.buffer = append(w.buffer, b[:n]...)
		b = b[n:]
		written += n
	}
	return written, nil
}

// ReadFrom saves a copy of what is not compressed.
func (w *chunks) ReadFrom(r io.Reader) (total int64, err error) {
	for {
		if len(w.buffer) == cap(w.buffer) {
			if err := w.send(false); err != nil {
				return total, err
			}
		}
		n, err := r.Read(w.buffer[len(w.buffer):cap(w.buffer)])
		w.buffer = w.buffer[:len(w.buffer)+n]
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

func (w *chunks) finish() error { return w.send(true) }

func (w *chunks) send(last bool) error {
	w.request.WriteOffset, w.request.Data, w.request.FinishWrite = w.offset, w.buffer, last
	if err := w.stream.Send(&w.request); err != nil {
		return errEnough // io.EOF, as for every end of a stream: the answer has the reason
	}
	w.request.ResourceName = "" // needed in the first message only
	channel.Progress(w.ctx)
	w.offset += int64(len(w.buffer))
	w.ended = last
	w.client.sent.Add(int64(len(w.buffer)))
	w.buffer = w.buffer[:0]
	return nil
}

// accepted checks how much the server says it has: all as sent, all uncompressed, or -1
// for a compressed blob that was there already.
func (w *chunks) accepted(blob *remote.Blob, committed int64, compressed bool) error {
	if committed == blob.Digest.Size || committed == w.offset && w.ended || committed == -1 {
		return nil
	}
	return channel.Again(fmt.Errorf("blob %v: the server committed %d bytes (compressed: %v)", blob.Digest, committed, compressed))
}
