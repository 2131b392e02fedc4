// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Write receives a blob. One that is there already is answered at once, which a
// client that is still sending sees as io.EOF of Send.
func (c byteStream) Write(stream bytestream.ByteStream_WriteServer) error {
	first, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return status.Error(codes.InvalidArgument, "Client closed stream without sending an initial request")
	}
	if err != nil {
		return err
	}
	r, err := c.resource(first.ResourceName, true)
	if err != nil {
		return err
	}
	if err := c.acceptable(r.key); err != nil {
		return err
	}
	c.uploading(r.key)
	known := c.store.has(r.key)
	if known && !c.o.NoEarlyAnswer {
		c.count(func(s *Stats) { s.BlobsIn += int64(len(first.Data)) })
		return stream.SendAndClose(&bytestream.WriteResponse{CommittedSize: known64(r)})
	}
	u := &upload{stream: stream, server: c.Server, first: first, name: first.ResourceName}
	size, err := c.receive(u, r)
	if err != nil {
		return err
	}
	return stream.SendAndClose(&bytestream.WriteResponse{CommittedSize: size})
}

// known64 is the committed size of a blob that was there: the API wants -1 for a
// compressed upload.
func known64(r resource) int64 {
	if r.zstd {
		return -1
	}
	return r.size
}

// receive stores an upload, and gives the committed size: bytes as sent.
func (c byteStream) receive(u *upload, r resource) (int64, error) {
	in, err := c.incoming(u, r)
	if err != nil {
		return 0, err
	}
	if r.zstd {
		err = decompress(in, u)
	} else {
		_, err = io.CopyBuffer(in, struct{ io.Reader }{u}, make([]byte, c.o.Chunk))
	}
	if err != nil {
		c.broken(u, r, in)
		return 0, err
	}
	return u.offset, in.finish()
}

// incoming is a new blob, or one that was begun before.
func (c byteStream) incoming(u *upload, r resource) (*incoming, error) {
	c.mu.Lock()
	in := c.partials[u.name]
	delete(c.partials, u.name)
	c.mu.Unlock()
	offset := u.first.WriteOffset
	if in != nil && in.got == offset {
		u.offset = offset
		return in, nil
	}
	if in != nil {
		in.abandon()
	}
	if offset != 0 {
		return nil, status.Errorf(codes.InvalidArgument, "Attempted to write at offset %d, while 0 was expected", offset)
	}
	return c.store.receive(r.key)
}

// broken keeps what came, if it can be resumed: only what was not compressed.
func (c byteStream) broken(u *upload, r resource, in *incoming) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.o.Resume || r.zstd || in.got == 0 || c.partials[u.name] != nil {
		in.abandon()
		return
	}
	c.partials[u.name] = in
}

// decompress copies, with no more memory than a hostile blob may have.
func decompress(to io.Writer, from io.Reader) error {
	d, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = io.Copy(to, struct{ io.Reader }{d})
	if err == nil || status.Code(err) != codes.Unknown {
		return err
	}
	return status.Errorf(codes.InvalidArgument, "Failed to decompress: %v", err)
}

// upload reads the bytes of a stream.
type upload struct {
	stream bytestream.ByteStream_WriteServer
	server *Server
	first  *bytestream.WriteRequest
	name   string
	offset int64
	data   []byte
	done   bool
}

// Read ends where the client says that the write is finished. A stream that ends
// before is an error.
func (u *upload) Read(p []byte) (int, error) {
	for len(u.data) == 0 {
		if u.done {
			return 0, io.EOF
		}
		if err := u.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, u.data)
	u.data = u.data[n:]
	return n, nil
}

func (u *upload) next() error {
	request := u.first
	u.first = nil
	if request == nil {
		var err error
		if request, err = u.stream.Recv(); errors.Is(err, io.EOF) {
			return status.Error(codes.InvalidArgument, "Client closed stream without finishing write")
		} else if err != nil {
			return err
		}
	}
	if request.WriteOffset != u.offset {
		return status.Errorf(codes.InvalidArgument, "Attempted to write at offset %d, while %d was expected", request.WriteOffset, u.offset)
	}
	if request.ResourceName != "" && request.ResourceName != u.name {
		return status.Errorf(codes.InvalidArgument, "Resource name changed in a single Write %q -> %q", u.name, request.ResourceName)
	}
	u.offset += int64(len(request.Data))
	u.data, u.done = request.Data, request.FinishWrite
	u.server.count(func(s *Stats) { s.BlobsIn += int64(len(request.Data)) })
	return nil
}
