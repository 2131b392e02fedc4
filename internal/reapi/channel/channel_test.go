// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/remote"
)

func TestServersThatAreNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	for address, words := range map[string][]string{
		"grpc://" + listener.Addr().String():         {"connection refused", "check --remote-cache"},
		"unix:" + filepath.Join(t.TempDir(), "sock"): {"no such socket", "--remote-cache"},
		"grpc://no-such-host.invalid":                {"host no-such-host.invalid", "--remote-cache"},
	} {
		c := open(t, address, Storage, remote.Options{Retries: 5})
		began := time.Now()
		for range 3 {
			err := ask(t, c)
			line(t, err, append(words, "ask on "+c.String())...)
			final(t, err)
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("%s: %s", address, took)
		}
		if got := c.Traffic(); got.Calls != 1 || got.Abandoned != 3 {
			t.Errorf("%+v", got)
		}
	}
}

func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, &server{}, nil)
	for _, address := range []string{"unix:" + path, "unix://" + path} {
		if err := ask(t, open(t, address, Storage, remote.Options{})); err != nil {
			t.Error(err)
		}
	}
}

func TestNoProxy(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "GRPC_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	if err := ask(t, open(t, "grpc://"+serve(t, &server{}, nil), Execution, remote.Options{})); err != nil {
		t.Error(err)
	}
}

func TestServerThatStartsAgain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := serveOn(t, listener, &server{}, nil)
	c := open(t, "grpc://"+listener.Addr().String(), Execution, remote.Options{Retries: 6})
	if err := ask(t, c); err != nil {
		t.Fatal(err)
	}
	g.Stop()
	first := c.Do(t.Context(), "ask", func(ctx context.Context) error {
		if err := askOnce(c)(ctx); err != nil {
			return &remote.Error{What: "once", Err: err}
		}
		return nil
	})
	line(t, first, "once: ")
	started := make(chan error, 1)
	time.AfterFunc(700*time.Millisecond, func() {
		again, err := net.Listen("tcp", listener.Addr().String())
		if err == nil {
			serveOn(t, again, &server{}, nil)
		}
		started <- err
	})
	err = ask(t, c)
	if err := <-started; err != nil {
		t.Skipf("NOT TESTED: somebody else took the port: %v", err)
	}
	if err != nil || c.Traffic().Retries == 0 {
		t.Errorf("%v, %+v", err, c.Traffic())
	}
}

func TestServerThatStaysAway(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := serveOn(t, listener, &server{}, nil)
	c := open(t, "grpc://"+listener.Addr().String(), Execution, remote.Options{Retries: 5})
	if err := ask(t, c); err != nil {
		t.Fatal(err)
	}
	g.Stop()
	began := time.Now()
	var said *remote.Error
	for said == nil || !said.Final {
		if err := ask(t, c); !errors.As(err, &said) || time.Since(began) > 20*time.Second {
			t.Fatal(err)
		}
	}
	line(t, said, "given up after 5s", "connection refused", "--remote-executor")
	if took := time.Since(began); took < 5*time.Second || took > 9*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestConnectionsAsNeeded(t *testing.T) {
	var together sync.WaitGroup
	const calls = 4 * streamsPerConnection
	together.Add(calls)
	s := &server{answer: func(ctx context.Context, q *bytestream.QueryWriteStatusRequest) (*bytestream.QueryWriteStatusResponse, error) {
		if q.GetResourceName() == "wait" {
			together.Done()
			together.Wait()
		}
		return &bytestream.QueryWriteStatusResponse{}, nil
	}}
	c := open(t, "grpc://"+serve(t, s, nil), Execution, remote.Options{Connections: 3})
	if err := ask(t, c); err != nil || len(c.pool.all) != 1 {
		t.Fatalf("%v, %d connections", err, len(c.pool.all))
	}
	client := bytestream.NewByteStreamClient(c)
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if _, err := client.QueryWriteStatus(t.Context(), &bytestream.QueryWriteStatusRequest{ResourceName: "wait"}); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(50 * time.Microsecond)
	}
	all.Wait()
	if n := len(c.pool.all); n != 3 {
		t.Errorf("%d connections", n)
	}
	idle(t, c)
	if got := c.Traffic().Calls; got != calls+1 {
		t.Errorf("%d calls", got)
	}
}

// limited is a server that allows so many streams on a connection, as proxies do. A stream
// has one message, and lasts.
func limited(t *testing.T, most uint32) (address string, begun *atomic.Int64) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun = new(atomic.Int64)
	g := grpc.NewServer(grpc.MaxConcurrentStreams(most))
	bytestream.RegisterByteStreamServer(g, &server{read: func(_ *bytestream.ReadRequest, s bytestream.ByteStream_ReadServer) error {
		begun.Add(1)
		err := s.Send(&bytestream.ReadResponse{})
		<-s.Context().Done()
		return err
	}})
	go func() { _ = g.Serve(listener) }()
	t.Cleanup(g.Stop)
	return "grpc://" + listener.Addr().String(), begun
}

// begin opens a stream and leaves it open until ctx ends.
func begin(ctx context.Context, c *Channel) func(context.Context) error {
	return func(try context.Context) error {
		inner, cancel := context.WithCancel(ctx)
		defer context.AfterFunc(try, cancel)()
		stream, err := bytestream.NewByteStreamClient(c).Read(inner, &bytestream.ReadRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
}

// Hundreds of long streams that begin at once are spread: none waits for another's end.
func TestABurst(t *testing.T) {
	address, begun := limited(t, 100)
	c := open(t, address, Execution, remote.Options{Connections: 4, Timeout: 3 * time.Second})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	if err := c.Do(ctx, "first", begin(ctx, c)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if err := c.Do(ctx, "execute", begin(ctx, c)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := begun.Load(); n != 201 {
		t.Errorf("%d streams", n)
	}
}

// Where there is no room for a call the settings are wrong, not the server.
func TestCrowded(t *testing.T) {
	address, _ := limited(t, 2)
	c := open(t, address, Execution, remote.Options{Connections: 1, Timeout: 200 * time.Millisecond})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for range 2 {
		if err := c.Do(ctx, "execute", begin(ctx, c)); err != nil {
			t.Fatal(err)
		}
	}
	err := c.Do(ctx, "execute", func(try context.Context) error {
		_, err := bytestream.NewByteStreamClient(c).Read(try, &bytestream.ReadRequest{})
		return err
	})
	line(t, err, "allowed no more calls", "--remote-max-connections", "--remote-jobs")
	if c.breaker.failing.Load() {
		t.Error("counted")
	}
}

// idle checks that no call is under way any more.
func idle(t *testing.T, c *Channel) {
	t.Helper()
	for range 100 {
		c.pool.mu.Lock()
		calls := 0
		for _, conn := range c.pool.all {
			calls += conn.calls
		}
		c.pool.mu.Unlock()
		if calls == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("calls are still counted as under way")
}

func TestABrokenConnectionGetsNoCalls(t *testing.T) {
	c := open(t, "grpc://"+serve(t, &server{}, nil), Execution, remote.Options{Connections: 3})
	if err := ask(t, c); err != nil {
		t.Fatal(err)
	}
	c.pool.mu.Lock()
	c.pool.all[0].calls = 1000 // busy
	c.pool.mu.Unlock()
	c.link.address.dial = "127.0.0.1:1"
	for range 20 {
		if err := askOnce(c)(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	if n := len(c.pool.all); n < 2 || c.pool.all[1].GetState() == connectivity.Ready {
		t.Errorf("%d connections, the last %v", n, c.pool.all[n-1].GetState())
	}
}

func TestStreams(t *testing.T) {
	blob := bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16)
	s := &server{read: func(r *bytestream.ReadRequest, stream bytestream.ByteStream_ReadServer) error {
		for range 4 {
			if err := stream.Send(&bytestream.ReadResponse{Data: blob}); err != nil {
				return err
			}
		}
		if r.GetResourceName() == "cut" {
			return status.Error(codes.Unavailable, "cut")
		}
		return nil
	}}
	c := open(t, "grpc://"+serve(t, s, nil), Storage, remote.Options{})
	client := bytestream.NewByteStreamClient(c)
	read := func(ctx context.Context, name string, most int) (n int, err error) {
		stream, err := client.Read(ctx, &bytestream.ReadRequest{ResourceName: name})
		if err != nil {
			return 0, err
		}
		for range most {
			m, err := stream.Recv()
			if err != nil {
				return n, err
			}
			Progress(ctx)
			n += len(m.GetData())
		}
		return n, nil
	}
	if n, err := read(t.Context(), "all", 100); n != 4*len(blob) || !errors.Is(err, io.EOF) {
		t.Errorf("%d bytes, %v", n, err)
	}
	n, err := read(t.Context(), "cut", 100)
	line(t, c.Classify("fetch", err), "unavailable: cut")
	if n != 4*len(blob) {
		t.Errorf("%d bytes", n)
	}
	if err := c.Do(t.Context(), "fetch", func(ctx context.Context) error { _, err := read(ctx, "left", 1); return err }); err != nil {
		t.Error(err)
	}
	idle(t, c)
}

func TestMetadata(t *testing.T) {
	s := &server{}
	c := open(t, "grpc://"+serve(t, s, nil), Storage, remote.Options{Tool: "dtlto", ToolVersion: "1.2", Headers: []remote.Header{{Name: "a", Value: "1"}}})
	message := []byte{0, 1, 0xff}
	for range 2 {
		if err := askOnce(c)(WithMetadata(t.Context(), message)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.header(metadataHeader); got != string(message) || len(c.headers) != 2 {
		t.Errorf("%q", got)
	}
	if got := s.header("user-agent"); !strings.HasPrefix(got, "dtlto/1.2 ") {
		t.Errorf("%q", got)
	}
}

func TestSecretsStaySecret(t *testing.T) {
	s := &server{answer: func(context.Context, *bytestream.QueryWriteStatusRequest) (*bytestream.QueryWriteStatusResponse, error) {
		return nil, status.Errorf(codes.PermissionDenied, "token %s may not", secret)
	}}
	c := open(t, "grpc://"+serve(t, s, nil), Storage, remote.Options{
		CacheHeaders: []remote.Header{{Name: "authorization", Value: "Bearer " + secret}},
	})
	err := ask(t, c)
	line(t, err, "token [hidden] may not")
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), secret) {
			t.Errorf("secret in %T", e)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(text, secret) {
		t.Error(text)
	}
	if status.Code(err) != codes.PermissionDenied {
		t.Error(status.Code(err))
	}
}

func TestTheSettingOfAnAddress(t *testing.T) {
	for _, test := range []struct {
		service Service
		o       remote.Options
		want    string
	}{
		{Execution, remote.Options{Executor: "x:y"}, "--remote-executor"},
		{Storage, remote.Options{Executor: "x:y"}, "--remote-executor"},
		{Storage, remote.Options{Executor: "a", Cache: "x:y"}, "--remote-cache"},
		{Storage, remote.Options{Cache: "x:y"}, "--remote-cache"},
	} {
		_, err := Open("x:y", test.service, &test.o)
		line(t, err, test.want+": port")
	}
}
