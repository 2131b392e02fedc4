// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// client is the plain stubs.
type client struct {
	t    testing.TB
	ctx  context.Context
	conn *grpc.ClientConn
	repb.CapabilitiesClient
	repb.ContentAddressableStorageClient
	repb.ActionCacheClient
	repb.ExecutionClient
	bytestream.ByteStreamClient

	instance string
	function repb.DigestFunction_Value
}

func dial(t testing.TB, address string, options ...grpc.DialOption) *client {
	t.Helper()
	if len(options) == 0 {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	_, target, _ := strings.Cut(address, "://")
	if strings.HasPrefix(address, "unix:") {
		target = address
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return &client{t: t, ctx: ctx, conn: conn, function: SHA256,
		CapabilitiesClient:              repb.NewCapabilitiesClient(conn),
		ContentAddressableStorageClient: repb.NewContentAddressableStorageClient(conn),
		ActionCacheClient:               repb.NewActionCacheClient(conn),
		ExecutionClient:                 repb.NewExecutionClient(conn),
		ByteStreamClient:                bytestream.NewByteStreamClient(conn)}
}

// start is a server with a client of it.
func start(t testing.TB, o Options) (*Server, *client) {
	t.Helper()
	s := Start(t, o)
	c := dial(t, s.Address())
	c.instance = o.Instance
	if len(o.Functions) > 0 {
		c.function = o.Functions[0]
	}
	return s, c
}

func (c *client) digest(data []byte) *repb.Digest { return keyOf(c.function, data).proto() }

// update sends blobs as one batch and gives the codes.
func (c *client) update(blobs ...[]byte) []codes.Code {
	c.t.Helper()
	in := &repb.BatchUpdateBlobsRequest{InstanceName: c.instance, DigestFunction: c.function}
	for _, data := range blobs {
		in.Requests = append(in.Requests, &repb.BatchUpdateBlobsRequest_Request{Digest: c.digest(data), Data: data})
	}
	out, err := c.BatchUpdateBlobs(c.ctx, in)
	if err != nil {
		c.t.Fatal(err)
	}
	var got []codes.Code
	for _, r := range out.Responses {
		got = append(got, codes.Code(r.GetStatus().GetCode()))
	}
	return got
}

func (c *client) put(data []byte) *repb.Digest {
	c.t.Helper()
	for _, code := range c.update(data) {
		if code != codes.OK {
			c.t.Fatalf("put: %v", code)
		}
	}
	return c.digest(data)
}

func (c *client) putMessage(m proto.Message) *repb.Digest {
	c.t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.put(data)
}

func (c *client) read(d *repb.Digest) ([]byte, error) {
	return c.stream(c.name("", "", d), 0)
}

// name is the name of a blob in a byte stream: "uploads/x" and "zstd", or "".
func (c *client) name(upload, compressor string, d *repb.Digest) string {
	parts := []string{}
	for _, p := range []string{c.instance, upload} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if compressor == "" {
		parts = append(parts, "blobs")
	} else {
		parts = append(parts, "compressed-blobs", compressor)
	}
	if c.function == BLAKE3 {
		parts = append(parts, "blake3")
	}
	return strings.Join(append(parts, d.Hash, strconv.FormatInt(d.SizeBytes, 10)), "/")
}

func (c *client) stream(name string, offset int64) ([]byte, error) {
	in, err := c.Read(c.ctx, &bytestream.ReadRequest{ResourceName: name, ReadOffset: offset})
	if err != nil {
		return nil, err
	}
	var data []byte
	for {
		m, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return data, err
		}
		data = append(data, m.Data...)
	}
}

// write uploads in messages of a size, and says how many bytes it could send
// before the server had enough.
func (c *client) write(name string, data []byte, offset int64, chunk int) (committed int64, sent int, err error) {
	out, err := c.Write(c.ctx)
	if err != nil {
		return 0, 0, err
	}
	for {
		n := min(chunk, len(data)-sent)
		m := &bytestream.WriteRequest{WriteOffset: offset + int64(sent), Data: data[sent : sent+n], FinishWrite: sent+n == len(data)}
		if sent == 0 {
			m.ResourceName = name
		}
		if err := out.Send(m); err != nil {
			break // CloseAndRecv tells
		}
		if sent += n; m.FinishWrite {
			break
		}
	}
	r, err := out.CloseAndRecv()
	return r.GetCommittedSize(), sent, err
}

// shell is an action of sh(1), with files as its inputs and some outputs.
func (c *client) shell(script string, files map[string]string, outputs ...string) *repb.Action {
	command := &repb.Command{Arguments: []string{"/bin/sh", "-c", script}, OutputPaths: outputs,
		EnvironmentVariables: []*repb.Command_EnvironmentVariable{{Name: "PATH", Value: "/usr/bin:/bin"}}}
	return c.action(command, files)
}

func (c *client) action(command *repb.Command, files map[string]string) *repb.Action {
	root := &repb.Directory{}
	for name, data := range files {
		root.Files = append(root.Files, &repb.FileNode{Name: name, Digest: c.put([]byte(data)), IsExecutable: strings.HasSuffix(name, ".sh")})
	}
	return &repb.Action{CommandDigest: c.putMessage(command), InputRootDigest: c.putMessage(root), Timeout: durationpb.New(20 * time.Second)}
}

// run executes an action that is put into the storage first.
func (c *client) run(a *repb.Action) (*repb.ExecuteResponse, error) {
	c.t.Helper()
	stream, err := c.begin(a)
	if err != nil {
		return nil, err
	}
	out, _, err := follow(stream)
	return out, err
}

func (c *client) begin(a *repb.Action) (grpc.ServerStreamingClient[longrunningpb.Operation], error) {
	c.t.Helper()
	return c.Execute(c.ctx, &repb.ExecuteRequest{InstanceName: c.instance, DigestFunction: c.function, ActionDigest: c.putMessage(a)})
}

// follow gives the response and the stages before.
func follow(stream grpc.ServerStreamingClient[longrunningpb.Operation]) (*repb.ExecuteResponse, []repb.ExecutionStage_Value, error) {
	var stages []repb.ExecutionStage_Value
	for {
		op, err := stream.Recv()
		if err != nil {
			return nil, stages, err
		}
		metadata, out := &repb.ExecuteOperationMetadata{}, &repb.ExecuteResponse{}
		if err := op.Metadata.UnmarshalTo(metadata); err != nil {
			return nil, stages, err
		}
		stages = append(stages, metadata.Stage)
		if op.Done {
			return out, stages, op.GetResponse().UnmarshalTo(out)
		}
	}
}

// must is run for an action whose response has to be OK.
func (c *client) must(a *repb.Action) *repb.ActionResult {
	c.t.Helper()
	out, err := c.run(a)
	if err != nil || out.Status.GetCode() != 0 {
		c.t.Fatalf("run: %v %v", err, out.GetStatus())
	}
	return out.Result
}

// output is the contents of an output.
func (c *client) output(r *repb.ActionResult, name string) string {
	c.t.Helper()
	for _, f := range r.OutputFiles {
		if f.Path == name {
			data, err := c.read(f.Digest)
			if err != nil {
				c.t.Fatal(err)
			}
			return string(data)
		}
	}
	c.t.Fatalf("no output %q in %v", name, r.OutputFiles)
	return ""
}

// missingBlobs are those that an error names.
func missingBlobs(s *status.Status) []string {
	var out []string
	for _, d := range s.Details() {
		if p, ok := d.(*errdetails.PreconditionFailure); ok {
			for _, v := range p.Violations {
				out = append(out, v.Type+" "+v.Subject)
			}
		}
	}
	return out
}

func wantCode(t testing.TB, err error, code codes.Code) {
	t.Helper()
	if status.Code(err) != code {
		t.Errorf("got %v, want %v", err, code)
	}
}

func some(size int) []byte { return bytes.Repeat([]byte("0123456789abcde\n"), size/16+1)[:size] }
