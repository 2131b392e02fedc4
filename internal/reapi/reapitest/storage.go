// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"cmp"
	"context"
	"slices"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// maxMessage is what gRPC accepts as one message.
const maxMessage = 4 << 20

// Both work in the goroutine of the call, and are safe for several at once.
var (
	packer, _   = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	unpacker, _ = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(64<<20))
)

// storage is the content-addressable storage but for byte streams.
type storage struct {
	repb.UnimplementedContentAddressableStorageServer
	*Server
}

// FindMissingBlobs names each missing blob once, in an order of its own, as
// Buildbarn.
func (c storage) FindMissingBlobs(_ context.Context, in *repb.FindMissingBlobsRequest) (*repb.FindMissingBlobsResponse, error) {
	function, err := c.request(in.InstanceName, in.DigestFunction)
	if err != nil {
		return nil, err
	}
	missing := map[key]bool{}
	for _, d := range in.BlobDigests {
		k, err := newKey(function, d)
		if err != nil {
			return nil, err
		}
		if !c.store.has(k) {
			missing[k] = true
		}
	}
	out := &repb.FindMissingBlobsResponse{}
	for _, k := range c.lose(sorted(missing)) {
		out.MissingBlobDigests = append(out.MissingBlobDigests, k.proto())
	}
	c.count(func(s *Stats) {
		s.Asked += len(in.BlobDigests)
		s.Missing += len(out.MissingBlobDigests)
	})
	return out, nil
}

// lose leaves one out, on LostBlob.
func (c storage) lose(missing []key) []key {
	if len(missing) == 0 {
		return missing
	}
	if _, ok := c.faults.take("FindMissingBlobs", LostBlob); !ok {
		return missing
	}
	i := c.faults.pick(len(missing))
	return slices.Delete(missing, i, i+1)
}

func sorted(set map[key]bool) []key {
	keys := make([]key, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.size, b.size))
	})
	return keys
}

func (c storage) BatchUpdateBlobs(_ context.Context, in *repb.BatchUpdateBlobsRequest) (*repb.BatchUpdateBlobsResponse, error) {
	function, err := c.request(in.InstanceName, in.DigestFunction)
	if err != nil {
		return nil, err
	}
	total := int64(0)
	for _, r := range in.Requests {
		total += int64(len(r.Data))
	}
	if c.o.MaxBatch != 0 && total > c.o.MaxBatch {
		return nil, status.Errorf(codes.InvalidArgument, "Attempted to write a total of %d bytes, while a maximum of %d bytes is permitted", total, c.o.MaxBatch)
	}
	out := &repb.BatchUpdateBlobsResponse{}
	for _, r := range in.Requests {
		out.Responses = append(out.Responses, &repb.BatchUpdateBlobsResponse_Response{
			Digest: r.Digest, Status: status.Convert(c.update(function, r)).Proto()})
	}
	return out, nil
}

// update stores one blob of a batch.
func (c storage) update(function repb.DigestFunction_Value, r *repb.BatchUpdateBlobsRequest_Request) error {
	k, err := newKey(function, r.Digest)
	if err != nil {
		return err
	}
	c.uploading(k)
	c.count(func(s *Stats) { s.BlobsIn += int64(len(r.Data)) })
	data := r.Data
	switch {
	case r.Compressor == repb.Compressor_ZSTD && c.o.BatchZstd:
		if data, err = unpacker.DecodeAll(r.Data, nil); err != nil {
			return status.Errorf(codes.InvalidArgument, "Failed to decompress: %v", err)
		}
	case r.Compressor != repb.Compressor_IDENTITY:
		return status.Errorf(codes.InvalidArgument, "Unsupported compressor %v", r.Compressor)
	}
	return c.accept(k, data)
}

// accept stores a blob that is not too large.
func (s *Server) accept(k key, data []byte) error {
	if err := s.acceptable(k); err != nil {
		return err
	}
	return s.store.put(k, data)
}

func (s *Server) acceptable(k key) error {
	if s.o.MaxBlob != 0 && k.size > s.o.MaxBlob {
		return status.Errorf(codes.InvalidArgument, "Blob size %d exceeds maximum allowed size %d", k.size, s.o.MaxBlob)
	}
	return nil
}

func (s *Server) uploading(k key) {
	s.count(func(s *Stats) { s.Uploads[k.String()]++ })
}

func (c storage) BatchReadBlobs(_ context.Context, in *repb.BatchReadBlobsRequest) (*repb.BatchReadBlobsResponse, error) {
	function, err := c.request(in.InstanceName, in.DigestFunction)
	if err != nil {
		return nil, err
	}
	limit := int64(maxMessage)
	if c.o.MaxBatch != 0 {
		limit = min(limit, c.o.MaxBatch)
	}
	keys, total := make([]key, len(in.Digests)), int64(0)
	for i, d := range in.Digests {
		if keys[i], err = newKey(function, d); err != nil {
			return nil, err
		}
		if total += keys[i].size; total > limit || total < 0 {
			return nil, status.Errorf(codes.InvalidArgument, "Attempted to read a total of at least %d bytes, while a maximum of %d bytes is permitted", total, limit)
		}
	}
	compress := c.o.BatchZstd && slices.Contains(in.AcceptableCompressors, repb.Compressor_ZSTD)
	out := &repb.BatchReadBlobsResponse{}
	for _, k := range keys {
		out.Responses = append(out.Responses, c.read(k, compress))
	}
	return out, nil
}

// read is one blob of a batch.
func (c storage) read(k key, compress bool) *repb.BatchReadBlobsResponse_Response {
	out := &repb.BatchReadBlobsResponse_Response{Digest: k.proto()}
	b, ok := c.store.get(k)
	data, err := b.bytes()
	if !ok || err != nil {
		out.Status = status.Newf(codes.NotFound, "Blob %s not found", k).Proto()
		return out
	}
	data = c.damaged("BatchReadBlobs", data)
	if compress {
		data, out.Compressor = packer.EncodeAll(data, nil), repb.Compressor_ZSTD
	}
	out.Data = data
	c.count(func(s *Stats) { s.Downloads[k.String()]++; s.BlobsOut += int64(len(data)) })
	return out
}

// message reads a message out of the storage. That it is not there is an error
// with the details that the API wants.
func (s *Server) message(k key, m proto.Message) error {
	b, ok := s.store.get(k)
	if !ok {
		return missing([]key{k})
	}
	data, err := b.bytes()
	if err != nil {
		return missing([]key{k}) // evicted just now
	}
	if err := proto.Unmarshal(data, m); err != nil {
		return status.Errorf(codes.InvalidArgument, "Failed to unmarshal message %s: %v", k, err)
	}
	return nil
}

// missing is the error for blobs that an action needs.
func missing(keys []key) error {
	details := &errdetails.PreconditionFailure{}
	for _, k := range keys {
		details.Violations = append(details.Violations, &errdetails.PreconditionFailure_Violation{Type: "MISSING", Subject: k.subject()})
	}
	out := status.Newf(codes.FailedPrecondition, "Failed to obtain %s: Blob not found", keys[0])
	if with, err := out.WithDetails(protoadapt.MessageV1Of(details)); err == nil {
		out = with
	}
	return out.Err()
}
