// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Server is a running server.
type Server struct {
	o      Options
	dir    string
	store  *store
	faults *faults
	ops    *operations
	slots  chan int
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // listeners and actions

	front, back *endpoint // back is front but for Options.Split
	tally       tally

	mu       sync.Mutex
	results  map[key]*repb.ActionResult
	partials map[string]*incoming
	token    token
}

// endpoint is one address.
type endpoint struct {
	listener *listener
	grpc     *grpc.Server
}

// Start is Listen for a test, which fails if that does. The server is closed
// when the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Listen(o)
	if err != nil {
		t.Fatalf("test server: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// Listen starts a server on the loopback interface. Close it: it has files.
func Listen(o Options) (*Server, error) {
	o = o.withDefaults()
	dir, err := os.MkdirTemp("", "reapitest-*")
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, dir: dir, results: map[key]*repb.ActionResult{}, partials: map[string]*incoming{}, faults: newFaults(o.Seed)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.store = newStore(filepath.Join(dir, "cas"), o.Memory)
	s.ops = newOperations(o.Patience)
	s.token.value = o.Token
	s.slots = make(chan int, o.Slots)
	for i := range o.Slots {
		s.slots <- i
	}
	s.SetFaults(o.Faults...)
	err = errors.Join(os.Mkdir(s.store.dir, 0o700), os.Mkdir(filepath.Join(dir, "work"), 0o700))
	if err == nil {
		err = s.listen()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// listen opens the addresses and serves them.
func (s *Server) listen() (err error) {
	if s.front, err = s.endpoint(!s.o.CacheOnly, !s.o.Split); err != nil {
		return err
	}
	endpoints := []*endpoint{s.front}
	s.back = s.front
	if s.o.Split {
		if s.back, err = s.endpoint(false, true); err != nil {
			return err
		}
		endpoints = append(endpoints, s.back)
	}
	for _, e := range endpoints { // when all that calls may look at is there
		s.work.Go(func() { _ = e.grpc.Serve(e.listener) })
	}
	return nil
}

func (s *Server) endpoint(executes, stores bool) (*endpoint, error) {
	network, address := "tcp", "127.0.0.1:0"
	if s.o.Socket != "" {
		network, address = "unix", s.o.Socket
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	e := &endpoint{listener: newListener(l, &s.tally), grpc: grpc.NewServer(s.serverOptions()...)}
	repb.RegisterCapabilitiesServer(e.grpc, capabilities{Server: s, execution: executes, storage: stores})
	if executes {
		repb.RegisterExecutionServer(e.grpc, execution{Server: s})
	}
	if stores {
		repb.RegisterContentAddressableStorageServer(e.grpc, storage{Server: s})
		repb.RegisterActionCacheServer(e.grpc, actionCache{Server: s})
		bytestream.RegisterByteStreamServer(e.grpc, byteStream{Server: s})
	}
	return e, nil
}

// serverOptions leave gRPC's own limits for messages as they are: 4 MiB in.
func (s *Server) serverOptions() []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream), grpc.WaitForHandlers(true)}
	if s.o.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.o.TLS)))
	}
	return options
}

// Address is where execution is, StorageAddress where the storage is, as
// settings of clients have them: with a scheme.
func (s *Server) Address() string { return s.front.address(s.o) }

// StorageAddress is where the storage is.
func (s *Server) StorageAddress() string { return s.back.address(s.o) }

func (e *endpoint) address(o Options) string {
	address := e.listener.Addr().String()
	switch {
	case o.Socket != "":
		return "unix:" + address
	case o.TLS != nil:
		return "grpcs://" + address
	}
	return "grpc://" + address
}

// Close cuts every connection, kills what runs, with its process group, and
// removes the server's files. It may be called again.
func (s *Server) Close() {
	s.cancel()
	for _, e := range []*endpoint{s.front, s.back} {
		if e != nil {
			e.grpc.Stop()
		}
	}
	s.work.Wait()
	_ = os.RemoveAll(s.dir)
}

// DropConnections cuts every connection that there is, as a balancer in the way
// does; new ones are welcome.
func (s *Server) DropConnections() {
	s.front.listener.drop("")
	s.back.listener.drop("")
}
