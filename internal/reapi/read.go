// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"

	bspb "google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/reapi/channel"
)

// target is what a blob is read into.
type target interface {
	io.Writer
	io.Seeker
	Truncate(size int64) error
}

// reception is a blob being read from a stream, if need be from several one after
// the other: each begins where the last one was cut.
type reception struct {
	client  *Client
	session *session
	digest  cas.Digest
	into    target
	hash    hash.Hash
	n       int64 // bytes that are there
	spoilt  bool  // came damaged once
}

// readBlob reads a blob with a stream of its own. What came damaged is read again,
// once.
func (c *Client) readBlob(ctx context.Context, s *session, d cas.Digest, into target) error {
	r := &reception{client: c, session: s, digest: d, into: into, hash: s.hasher()}
	var local error
	err := c.storage.Do(ctx, "download blob", func(ctx context.Context) error {
		err := r.once(ctx)
		if l, ok := errors.AsType[*localError](err); ok {
			local = l.error
		}
		return err
	})
	switch {
	case local != nil:
		return local
	case err != nil && status.Code(err) == codes.NotFound:
		return &cas.Miss{Blob: true, Digest: d, Reason: cas.Absent, Err: err}
	case err != nil && r.spoilt:
		return &cas.Miss{Blob: true, Digest: d, Reason: cas.Corrupt, Err: err}
	case err == nil:
		c.fetched.Add(1)
	}
	return err
}

func (r *reception) once(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Buildbarn begins a compressed stream at the blob's beginning, wherever it shall begin.
	compressed := r.session.zstdStreams && r.digest.Size >= tiny && r.n == 0
	stream, err := r.client.bytes.Read(r.client.identity.link(ctx), &bspb.ReadRequest{
		ResourceName: r.session.readResource(r.digest, compressed), ReadOffset: r.n})
	if err != nil {
		return err
	}
	from := &messageReader{client: r.client, ctx: ctx, stream: stream}
	if err := r.copy(from, compressed); err != nil && !r.complete(err) {
		return err
	}
	return r.check()
}

// complete says whether everything came before a stream failed. It need not be asked for
// again: bazel-remote refuses to begin at a blob's end.
func (r *reception) complete(err error) bool {
	_, local := errors.AsType[*localError](err)
	return !local && r.n == r.digest.Size
}

// copy takes all that the stream has, or all that fits and a byte more.
func (r *reception) copy(from *messageReader, compressed bool) error {
	var plain io.Reader = from
	if compressed {
		// Frames of nothing could go on for ever.
		d, err := r.client.codec.decoder(io.LimitReader(from, 2*r.digest.Size+1<<20))
		if err != nil {
			return from.cause(err)
		}
		defer r.client.codec.takeBack(d)
		plain = d
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{r}, io.LimitReader(plain, r.digest.Size-r.n+1), make([]byte, 64<<10))
	if l, ok := errors.AsType[*localError](err); ok {
		return l
	}
	return from.cause(err)
}

// Write adds verified progress: what is hashed is what is in the file.
func (r *reception) Write(b []byte) (int, error) {
	n, err := r.into.Write(b)
	r.hash.Write(b[:n])
	r.n += int64(n)
	if err != nil {
		return n, &localError{err}
	}
	return n, nil
}

// check compares what arrived with its digest.
func (r *reception) check() error {
	if r.n < r.digest.Size {
		return channel.Again(fmt.Errorf("blob %v: cut after %d bytes", r.digest, r.n))
	}
	if r.n == r.digest.Size && [32]byte(r.hash.Sum(nil)) == r.digest.Hash {
		return nil
	}
	return r.restart(fmt.Errorf("blob %v: damaged: %d bytes with another digest", r.digest, r.n))
}

// restart begins anew after damage, once.
func (r *reception) restart(err error) error {
	if r.spoilt {
		return err
	}
	r.spoilt, r.n = true, 0
	r.hash.Reset()
	if _, err := r.into.Seek(0, io.SeekStart); err != nil {
		return &localError{err}
	}
	if err := r.into.Truncate(0); err != nil {
		return &localError{err}
	}
	return channel.Again(err)
}

// messageReader is the bytes of a stream of messages.
type messageReader struct {
	client *Client
	ctx    context.Context // of one try
	stream bspb.ByteStream_ReadClient
	data   []byte
	err    error // of the stream
}

func (m *messageReader) Read(b []byte) (int, error) {
	for len(m.data) == 0 {
		if m.err != nil {
			return 0, m.err
		}
		var reply *bspb.ReadResponse
		if reply, m.err = m.stream.Recv(); m.err != nil {
			return 0, m.err
		}
		if m.data = reply.Data; len(m.data) > 0 { // else a server could keep us for ever
			channel.Progress(m.ctx)
		}
		m.client.received.Add(int64(len(m.data)))
	}
	n := copy(b, m.data)
	m.data = m.data[n:]
	return n, nil
}

// cause is the stream's own error if there is one, rather than what a decoder made of
// it. A stream that does not decompress is one that was cut or damaged.
func (m *messageReader) cause(err error) error {
	switch {
	case err == nil:
		return nil
	case m.err != nil && !errors.Is(m.err, io.EOF):
		return m.err
	default:
		return channel.Again(err)
	}
}
