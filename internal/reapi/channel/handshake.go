// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/credentials"
)

// What a peer's first bytes give away.
var (
	errSpeaksTLS  = errors.New("the server speaks TLS, and the address says plain text")
	errSpeaksHTTP = errors.New("the server speaks HTTP/1, not gRPC")
	errSilent     = errors.New("the server closed the connection without a word")
	errMute       = errors.New("the server accepts connections and says nothing")
)

// link knows how connecting goes. gRPC tells it as text only, and differently from
// version to version.
type link struct {
	address address
	limit   time.Duration // for a connection
	made    atomic.Bool   // a server has spoken HTTP/2 with us, ever

	mu    sync.Mutex
	cause error // why the last connection could not be made; nil if it was made
}

// failed notes why a connection could not be made.
func (l *link) failed(err error) {
	l.mu.Lock()
	l.cause = err
	l.mu.Unlock()
}

// succeeded notes that one was made.
func (l *link) succeeded() {
	l.failed(nil)
	l.made.Store(true)
}

// trouble is why there is no connection, nil if there is one or nobody tried.
func (l *link) trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// dial connects directly, never through a proxy, to the first of the host's addresses
// that answers, trying IPv6 and IPv4 alongside.
func (l *link) dial(ctx context.Context, _ string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: l.limit}
	conn, err := dialer.DialContext(ctx, l.address.network, l.address.dial)
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) { // else it is we who closed
		l.failed(err)
	}
	return conn, err
}

// handshake is gRPC's TLS, or none, with an eye on how it goes.
type handshake struct {
	credentials.TransportCredentials
	link *link
}

// ClientHandshake does the handshake and returns a connection that watches for the
// first thing that the server says.
func (h *handshake) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := h.TransportCredentials.ClientHandshake(ctx, authority, raw)
	switch {
	case err == nil:
		return &watched{Conn: conn, link: h.link}, info, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		h.link.failed(&handshakeError{context.DeadlineExceeded})
	case ctx.Err() == nil: // else it is we who closed
		h.link.failed(&handshakeError{err})
	}
	return nil, nil, err
}

// Clone is for balancers that change server names; ours does not.
func (h *handshake) Clone() credentials.TransportCredentials {
	return &handshake{h.TransportCredentials.Clone(), h.link}
}

// handshakeError is a failure during the TLS handshake.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// watched is a connection whose first read tells whether there is a gRPC server. With
// TLS 1.3 a server's refusal of our certificate comes in it as well.
type watched struct {
	net.Conn
	link  *link
	heard bool // read by gRPC's one reader only
}

// Read reads, and looks at the first result.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if w.heard {
		return n, err
	}
	w.heard = true
	switch first := p[:n]; {
	case n == 0 && err != nil:
		w.link.failed(silence(err))
	case len(first) >= 2 && first[0] == 0x15 && first[1] == 3: // a TLS alert
		w.link.failed(errSpeaksTLS)
	case bytes.HasPrefix(first, []byte("HTTP/")):
		w.link.failed(errSpeaksHTTP)
	default:
		w.link.succeeded()
	}
	return n, err
}

// silence is what an error of a first read means. We close what took too long.
func silence(err error) error {
	switch {
	case errors.Is(err, net.ErrClosed):
		return errMute
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errSilent
	}
	return &handshakeError{err} // TLS 1.3: an alert that follows our side of the handshake
}
