// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// byteStream is the service for large blobs: downloads here, uploads in upload.go.
type byteStream struct {
	bytestream.UnimplementedByteStreamServer
	*Server
}

func (c byteStream) Read(in *bytestream.ReadRequest, stream bytestream.ByteStream_ReadServer) error {
	r, err := c.resource(in.ResourceName, false)
	if err != nil {
		return err
	}
	if err := c.readable(in, r); err != nil {
		return err
	}
	b, ok := c.store.get(r.key)
	if !ok {
		return status.Errorf(codes.NotFound, "Blob %s not found", r.key)
	}
	file, err := b.open()
	if err != nil {
		return status.Errorf(codes.NotFound, "Blob %s not found", r.key)
	}
	defer file.Close()
	var from io.Reader = file
	if !r.zstd || !c.o.ZstdOffset {
		if _, err := file.Seek(in.ReadOffset, io.SeekStart); err != nil {
			return err
		}
	}
	if in.ReadLimit > 0 {
		from = io.LimitReader(from, in.ReadLimit)
	}
	return c.send(stream, r, c.worse(r.key, from))
}

// readable says what is wrong with an offset or a limit.
func (c byteStream) readable(in *bytestream.ReadRequest, r resource) error {
	switch {
	case in.ReadOffset < 0 || in.ReadOffset > r.size:
		return status.Errorf(codes.OutOfRange, "ReadOffset %d is not in a blob of %d bytes", in.ReadOffset, r.size)
	case in.ReadLimit < 0:
		return status.Error(codes.OutOfRange, "Negative ReadLimit is out of range")
	case in.ReadLimit != 0 && r.zstd:
		return status.Error(codes.InvalidArgument, "ReadLimit must be 0 for compressed-blobs")
	}
	return nil
}

// send sends what is left of a blob.
func (c byteStream) send(stream bytestream.ByteStream_ReadServer, r resource, from io.Reader) error {
	to := &chunks{stream: stream, server: c.Server}
	var err error
	if r.zstd {
		err = compress(to, from, c.o.Chunk)
	} else {
		_, err = io.CopyBuffer(to, struct{ io.Reader }{from}, make([]byte, c.o.Chunk))
	}
	if err == nil {
		c.count(func(s *Stats) { s.Downloads[r.String()]++ })
	}
	return err
}

// chunks sends each Write as a message.
type chunks struct {
	stream bytestream.ByteStream_ReadServer
	server *Server
}

func (c *chunks) Write(p []byte) (int, error) {
	c.server.count(func(s *Stats) { s.BlobsOut += int64(len(p)) })
	return len(p), c.stream.Send(&bytestream.ReadResponse{Data: p})
}

// encoders are used again: a new one costs more than a small blob.
var encoders = sync.Pool{New: func() any {
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	return e
}}

// compress copies in messages of a size.
func compress(to io.Writer, from io.Reader, chunk int) error {
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	sized := &sized{to: to, chunk: chunk}
	e.Reset(sized)
	if _, err := io.Copy(e, struct{ io.Reader }{from}); err != nil {
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	return sized.flush()
}

// sized gathers bytes to pieces of one size.
type sized struct {
	to    io.Writer
	chunk int
	held  bytes.Buffer
}

func (s *sized) Write(p []byte) (int, error) {
	s.held.Write(p)
	for s.held.Len() >= s.chunk {
		if _, err := s.to.Write(slices.Clone(s.held.Next(s.chunk))); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (s *sized) flush() error {
	if s.held.Len() == 0 {
		return nil
	}
	_, err := s.to.Write(s.held.Bytes())
	return err
}

// worse is what Corrupt and Short make of a download.
func (c byteStream) worse(k key, from io.Reader) io.Reader {
	if k.size == 0 {
		return from
	}
	if _, ok := c.faults.take("Read", Corrupt); ok {
		from = &flipped{from: from, at: c.faults.pick(int(min(k.size, maxMessage)))}
	}
	if _, ok := c.faults.take("Read", Short); ok {
		from = io.LimitReader(from, int64(c.faults.pick(int(min(k.size, maxMessage)))))
	}
	return from
}

// flipped has one bit wrong.
type flipped struct {
	from io.Reader
	at   int
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if f.at >= 0 && f.at < n {
		p[f.at] ^= 1
	}
	f.at -= n
	return n, err
}

// QueryWriteStatus is there only for servers that can resume.
func (c byteStream) QueryWriteStatus(_ context.Context, in *bytestream.QueryWriteStatusRequest) (*bytestream.QueryWriteStatusResponse, error) {
	if !c.o.Resume {
		return nil, status.Error(codes.Unimplemented, "This service does not support querying write status")
	}
	r, err := c.resource(in.ResourceName, true)
	if err != nil {
		return nil, err
	}
	if c.store.has(r.key) {
		return &bytestream.QueryWriteStatusResponse{CommittedSize: r.size, Complete: true}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if in := c.partials[in.ResourceName]; in != nil {
		return &bytestream.QueryWriteStatusResponse{CommittedSize: in.got}, nil
	}
	return nil, status.Error(codes.NotFound, "No such upload")
}
