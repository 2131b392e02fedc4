// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc/codes"
)

func TestFindMissing(t *testing.T) {
	s, c := start(t, Options{})
	have, lack, empty := s.Put([]byte("have")), c.digest([]byte("lack")), c.digest(nil)
	out, err := c.FindMissingBlobs(c.ctx, &repb.FindMissingBlobsRequest{BlobDigests: []*repb.Digest{lack, have, empty, lack}})
	if err != nil || len(out.MissingBlobDigests) != 1 || out.MissingBlobDigests[0].Hash != lack.Hash {
		t.Errorf("%v %v", err, out)
	}
	for name, bad := range map[string]*repb.Digest{"nil": nil, "short": {Hash: "ab"}, "upper": {Hash: strings.ToUpper(have.Hash)}, "negative": {Hash: have.Hash, SizeBytes: -1}} {
		if _, err := c.FindMissingBlobs(c.ctx, &repb.FindMissingBlobsRequest{BlobDigests: []*repb.Digest{bad}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err = c.FindMissingBlobs(c.ctx, &repb.FindMissingBlobsRequest{InstanceName: "other"})
	wantCode(t, err, codes.InvalidArgument)
	_, err = c.FindMissingBlobs(c.ctx, &repb.FindMissingBlobsRequest{DigestFunction: BLAKE3})
	wantCode(t, err, codes.InvalidArgument)
	if got := s.Stats(); got.Asked != 4 || got.Missing != 1 {
		t.Errorf("%+v", got)
	}
}

func TestBatches(t *testing.T) {
	s, c := start(t, Options{MaxBatch: 1000, BatchZstd: true})
	a, b := some(100), some(300)
	if got := c.update(a, b); slices.Max(got) != codes.OK {
		t.Fatal(got)
	}
	in := &repb.BatchUpdateBlobsRequest{Requests: []*repb.BatchUpdateBlobsRequest_Request{
		{Digest: c.digest(a), Data: b},
		{Digest: c.digest([]byte("good")), Data: []byte("good")},
		{Digest: &repb.Digest{Hash: c.digest(a).Hash, SizeBytes: 99}, Data: a},
		{Digest: c.digest([]byte("packed")), Data: pack([]byte("packed")), Compressor: repb.Compressor_ZSTD},
		{Digest: c.digest([]byte("x")), Data: []byte("x"), Compressor: repb.Compressor_BROTLI},
		{Digest: c.digest([]byte("garbage")), Data: []byte("garbage"), Compressor: repb.Compressor_ZSTD}}}
	out, err := c.BatchUpdateBlobs(c.ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []codes.Code{codes.InvalidArgument, codes.OK, codes.InvalidArgument, codes.OK, codes.InvalidArgument, codes.InvalidArgument} {
		if got := codes.Code(out.Responses[i].GetStatus().GetCode()); got != want {
			t.Errorf("blob %d: %v, want %v", i, got, want)
		}
	}
	if !s.Has(c.digest([]byte("packed"))) || s.Stats().Uploads[keyOf(SHA256, a).String()] != 2 {
		t.Errorf("%+v", s.Stats().Uploads)
	}
	large := &repb.BatchUpdateBlobsRequest{Requests: []*repb.BatchUpdateBlobsRequest_Request{{Digest: c.digest(some(1001)), Data: some(1001)}}}
	_, err = c.BatchUpdateBlobs(c.ctx, large)
	wantCode(t, err, codes.InvalidArgument)
	testBatchRead(t, c, a, b)
}

func testBatchRead(t *testing.T, c *client, a, b []byte) {
	read, err := c.BatchReadBlobs(c.ctx, &repb.BatchReadBlobsRequest{Digests: []*repb.Digest{c.digest(a), c.digest([]byte("none")), c.digest(b)},
		AcceptableCompressors: []repb.Compressor_Value{repb.Compressor_ZSTD}})
	if err != nil {
		t.Fatal(err)
	}
	if r := read.Responses; codes.Code(r[1].Status.GetCode()) != codes.NotFound || r[0].Compressor != repb.Compressor_ZSTD || !bytes.Equal(unpack(t, r[2].Data), b) {
		t.Errorf("%v", r)
	}
	_, err = c.BatchReadBlobs(c.ctx, &repb.BatchReadBlobsRequest{Digests: []*repb.Digest{{Hash: c.digest(a).Hash, SizeBytes: 1001}}})
	wantCode(t, err, codes.InvalidArgument)
}

// No limit is stated, and gRPC's own holds.
func TestMessageLimit(t *testing.T) {
	_, c := start(t, Options{})
	large := some(maxMessage)
	_, err := c.BatchUpdateBlobs(c.ctx, &repb.BatchUpdateBlobsRequest{Requests: []*repb.BatchUpdateBlobsRequest_Request{{Digest: c.digest(large), Data: large}}})
	wantCode(t, err, codes.ResourceExhausted)
}

func TestByteStream(t *testing.T) {
	for name, o := range map[string]Options{"memory": {}, "files": {Memory: 1, Chunk: 1000}, "instance": {Instance: "a/b"}, "blake3": {Functions: []repb.DigestFunction_Value{BLAKE3}}} {
		t.Run(name, func(t *testing.T) {
			o.Zstd = true
			s, c := start(t, o)
			for _, size := range []int{1, 1000, 300_000, 3_000_000} {
				data := some(size)
				d := c.digest(data)
				if n, _, err := c.write(c.name("uploads/u", "", d), data, 0, 70_000); n != int64(size) || err != nil {
					t.Fatalf("write of %d: %d %v", size, n, err)
				}
				checkReads(t, c, data)
				s.Evict(d)
				packed := pack(data)
				if n, _, err := c.write(c.name("uploads/v", "zstd", d), packed, 0, 700); n != int64(len(packed)) || err != nil {
					t.Fatalf("compressed write of %d: %d %v", size, n, err)
				}
				checkReads(t, c, data)
			}
			if got, err := c.read(c.digest(nil)); len(got) != 0 || err != nil {
				t.Errorf("empty blob: %v", err)
			}
			if n, _, err := c.write(c.name("uploads/v", "", c.digest(nil)), nil, 0, 1); n != 0 || err != nil {
				t.Errorf("empty blob: %d %v", n, err)
			}
		})
	}
}

func checkReads(t *testing.T, c *client, data []byte) {
	t.Helper()
	d := c.digest(data)
	if got, err := c.read(d); !bytes.Equal(got, data) || err != nil {
		t.Errorf("read of %d: %d bytes, %v", len(data), len(got), err)
	}
	half := int64(len(data) / 2)
	if got, err := c.stream(c.name("", "", d), half); !bytes.Equal(got, data[half:]) || err != nil {
		t.Errorf("read of half of %d: %d bytes, %v", len(data), len(got), err)
	}
	got, err := c.stream(c.name("", "zstd", d), half)
	if err != nil || !bytes.Equal(unpack(t, got), data[half:]) {
		t.Errorf("compressed read of %d: %d bytes, %v", len(data), len(got), err)
	}
}

func TestBadStreams(t *testing.T) {
	s, c := start(t, Options{MaxBlob: 1 << 20})
	data := some(1000)
	d := c.digest(data)
	name := c.name("uploads/u", "", d)
	for what, write := range map[string]func() error{
		"other bytes":  func() error { _, _, err := c.write(name, bytes.ToUpper(data), 0, 100); return err },
		"too few":      func() error { _, _, err := c.write(name, data[:999], 0, 100); return err },
		"too many":     func() error { _, _, err := c.write(name, some(1001), 0, 100); return err },
		"wrong offset": func() error { _, _, err := c.write(name, data, 5, 100); return err },
		"bad name":     func() error { _, _, err := c.write("uploads/u/blobs/"+d.Hash, data, 0, 100); return err },
		"bad instance": func() error { _, _, err := c.write("x/"+name, data, 0, 100); return err },
		"too large": func() error {
			_, _, err := c.write(c.name("uploads/u", "", c.digest(some(1<<20+1))), data, 0, 100)
			return err
		},
		"no finish": func() error { return unfinished(c, name, data) },
	} {
		t.Run(what, func(t *testing.T) { wantCode(t, write(), codes.InvalidArgument) })
	}
	if n := len(s.Digests()); n != 0 {
		t.Errorf("%d blobs", n)
	}
	_, _, err := c.write(c.name("uploads/u", "zstd", d), data, 0, 100)
	wantCode(t, err, codes.Unimplemented)
	_, err = c.read(d)
	wantCode(t, err, codes.NotFound)
	s.Put(data)
	_, err = c.stream(c.name("", "", d), 1001)
	wantCode(t, err, codes.OutOfRange)
	_, err = c.QueryWriteStatus(c.ctx, &bytestream.QueryWriteStatusRequest{ResourceName: name})
	wantCode(t, err, codes.Unimplemented)
}

func unfinished(c *client, name string, data []byte) error {
	out, err := c.Write(c.ctx)
	if err != nil {
		return err
	}
	if err := out.Send(&bytestream.WriteRequest{ResourceName: name, Data: data}); err != nil {
		return err
	}
	_, err = out.CloseAndRecv()
	return err
}

// A blob that is there is answered before all of it came.
func TestEarlyAnswer(t *testing.T) {
	for _, reads := range []bool{false, true} {
		s, c := start(t, Options{Zstd: true, NoEarlyAnswer: reads})
		data := some(20 << 20)
		d := s.Put(data)
		n, sent, err := c.write(c.name("uploads/u", "", d), data, 0, 64<<10)
		if n != int64(len(data)) || err != nil || (sent == len(data)) != reads {
			t.Errorf("committed %d, sent %d, %v", n, sent, err)
		}
		if reads {
			continue
		}
		if n, _, err := c.write(c.name("uploads/u", "zstd", d), pack(data), 0, 100); n != -1 || err != nil {
			t.Errorf("compressed: committed %d, %v", n, err)
		}
	}
}

func TestResume(t *testing.T) {
	s, c := start(t, Options{Resume: true})
	data := some(1000)
	name := c.name("uploads/u", "", c.digest(data))
	s.SetFaults(Fault{Kind: Fail, Method: "Write", After: 3, Times: 1})
	_, _, err := c.write(name, data, 0, 100)
	wantCode(t, err, codes.Unavailable)
	q, err := c.QueryWriteStatus(c.ctx, &bytestream.QueryWriteStatusRequest{ResourceName: name})
	if err != nil || q.CommittedSize != 300 || q.Complete {
		t.Fatalf("%v %v", q, err)
	}
	if n, _, err := c.write(name, data[300:], 300, 100); n != 1000 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if !s.Has(c.digest(data)) {
		t.Error("not stored")
	}
}

func TestActionCache(t *testing.T) {
	s, c := start(t, Options{StrictUpdate: true})
	a := c.shell("true", nil, "o")
	output := []byte("object")
	result := &repb.ActionResult{OutputFiles: []*repb.OutputFile{{Path: "o", Digest: c.digest(output)}}}
	d := c.digest([]byte("no action"))
	_, err := c.UpdateActionResult(c.ctx, &repb.UpdateActionResultRequest{ActionDigest: d, ActionResult: result})
	wantCode(t, err, codes.FailedPrecondition)
	d = c.putMessage(a)
	if _, err := c.UpdateActionResult(c.ctx, &repb.UpdateActionResultRequest{ActionDigest: d, ActionResult: result}); err != nil {
		t.Fatal(err)
	}
	get := func(inline ...string) (*repb.ActionResult, error) {
		return c.GetActionResult(c.ctx, &repb.GetActionResultRequest{ActionDigest: d, InlineOutputFiles: inline})
	}
	_, err = get()
	wantCode(t, err, codes.NotFound) // the output is not there
	c.put(output)
	if r, err := get(); err != nil || len(r.OutputFiles[0].Contents) != 0 {
		t.Errorf("%v %v", err, r)
	}
	if r, err := get("o"); err != nil || string(r.OutputFiles[0].Contents) != "object" {
		t.Errorf("%v %v", err, r)
	}
	s.EvictAll()
	_, err = get()
	wantCode(t, err, codes.NotFound)
	if got := s.Stats(); got.ResultHits != 2 || got.ResultMisses != 2 {
		t.Errorf("%+v", got)
	}
}

func TestReadOnly(t *testing.T) {
	_, c := start(t, Options{ReadOnly: true})
	_, err := c.UpdateActionResult(c.ctx, &repb.UpdateActionResultRequest{ActionDigest: c.digest(nil), ActionResult: &repb.ActionResult{}})
	wantCode(t, err, codes.PermissionDenied)
	out, err := c.GetCapabilities(c.ctx, &repb.GetCapabilitiesRequest{})
	if err != nil || out.CacheCapabilities.ActionCacheUpdateCapabilities.UpdateEnabled {
		t.Errorf("%v %v", err, out)
	}
}

func TestCapabilities(t *testing.T) {
	both := []repb.DigestFunction_Value{BLAKE3, SHA256}
	s, c := start(t, Options{Functions: both, Split: true, Zstd: true, BatchZstd: true, MaxBatch: 5, MaxBlob: 6, High: "2.12"})
	front, err := c.GetCapabilities(c.ctx, &repb.GetCapabilitiesRequest{})
	if err != nil || front.CacheCapabilities != nil || !front.ExecutionCapabilities.ExecEnabled || front.HighApiVersion.Minor != 12 {
		t.Errorf("%v %v", err, front)
	}
	_, err = c.FindMissingBlobs(c.ctx, &repb.FindMissingBlobsRequest{})
	wantCode(t, err, codes.Unimplemented)
	back := dial(t, s.StorageAddress())
	out, err := back.GetCapabilities(c.ctx, &repb.GetCapabilitiesRequest{})
	cache := out.GetCacheCapabilities()
	if err != nil || out.ExecutionCapabilities != nil || !slices.Equal(cache.DigestFunctions, both) || cache.MaxBatchTotalSizeBytes != 5 || cache.MaxCasBlobSizeBytes != 6 || len(cache.SupportedCompressors) != 1 {
		t.Errorf("%v %v", err, out)
	}
	only := dial(t, Start(t, Options{CacheOnly: true}).Address())
	_, _, err = execute(only)
	wantCode(t, err, codes.Unimplemented)
}

func execute(c *client) (*repb.ExecuteResponse, []repb.ExecutionStage_Value, error) {
	stream, err := c.Execute(c.ctx, &repb.ExecuteRequest{ActionDigest: c.digest(nil)})
	if err != nil {
		return nil, nil, err
	}
	return follow(stream)
}

// Many blobs at once, the same ones from several sides.
func TestConcurrentBlobs(t *testing.T) {
	s, c := start(t, Options{Memory: 2 << 20})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for size := 1; size < 3_000_000; size = size*4 + i%2 {
				data := some(size)
				if _, _, err := c.write(c.name("uploads/u", "", c.digest(data)), data, 0, 64<<10); err != nil {
					t.Error(err)
				}
				if got, err := c.read(c.digest(data)); err != nil || !bytes.Equal(got, data) {
					t.Error(len(got), err)
				}
			}
		})
	}
	all.Wait()
	total, stored := int64(0), s.Stats().Stored
	for _, d := range s.Digests() {
		total += d.SizeBytes
	}
	if total != stored || s.Stats().Open != 0 {
		t.Errorf("%d bytes, said to be %d", total, stored)
	}
}

func pack(data []byte) []byte { return packer.EncodeAll(data, nil) }

func unpack(t testing.TB, data []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out := &bytes.Buffer{}
	if _, err := out.ReadFrom(d); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
