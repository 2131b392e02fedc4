// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"testing"

	"google.golang.org/genproto/googleapis/bytestream"

	"github.com/dtlto/dtlto/internal/remote"
)

// BenchmarkCall is a small call with 64 under way; with the server's own work.
func BenchmarkCall(b *testing.B) {
	c := open(b, "grpc://"+serve(b, &server{}, nil), Execution, remote.Options{Connections: 4, Headers: []remote.Header{{Name: "a", Value: "b"}}})
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := c.Do(b.Context(), "ask", askOnce(c)); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkRead receives messages of a megabyte.
func BenchmarkRead(b *testing.B) {
	data := make([]byte, 1<<20)
	s := &server{read: func(r *bytestream.ReadRequest, stream bytestream.ByteStream_ReadServer) error {
		for range r.GetReadLimit() {
			if err := stream.Send(&bytestream.ReadResponse{Data: data}); err != nil {
				return err
			}
		}
		return nil
	}}
	c := open(b, "grpc://"+serve(b, s, nil), Storage, remote.Options{})
	b.SetBytes(1 << 20)
	stream, err := bytestream.NewByteStreamClient(c).Read(b.Context(), &bytestream.ReadRequest{ReadLimit: int64(b.N)})
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		if _, err := stream.Recv(); err != nil {
			b.Fatal(err)
		}
	}
}
