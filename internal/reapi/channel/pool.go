// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"context"
	"math"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// target is what gRPC resolves, to itself; link.dial knows where to go.
	target = "passthrough:///server"
	// streamsPerConnection is how many calls one connection gets before another is
	// made: servers and proxies allow 100 or 128 at once (nginx, Envoy).
	streamsPerConnection = 64
	// pingInterval is how often a connection with calls under way is tried. gRPC's servers
	// close those that do so more often than every 5 minutes, with all calls on them: a
	// Buildbarn as it comes did after 32 s of pings every 10 s. A peer that is gone is
	// noticed sooner, for the system asks it, and calls have deadlines.
	pingInterval = 5*time.Minute + 10*time.Second
	// maxMessage bounds what a server can make us keep for one message, in bytes.
	// Batches have 4 MiB; an answer can have outputs inline on top of that.
	maxMessage = 64 << 20
)

// connection is one of a channel's connections.
type connection struct {
	*grpc.ClientConn
	calls int // under way; guarded by pool.mu
}

// pool has a channel's connections. More of them are made as calls get more, up to a
// number; a call goes to the one with the fewest. One that is being made or is broken
// gets none while another works.
type pool struct {
	options []grpc.DialOption
	most    int

	mu     sync.Mutex
	all    []*connection
	closed bool
}

func newPool(a address, creds credentials.TransportCredentials, l *link, agent string, most int) (*pool, error) {
	p := &pool{options: dialOptions(a, creds, l, agent), most: max(most, 1)}
	return p, p.add()
}

func dialOptions(a address, creds credentials.TransportCredentials, l *link, agent string) []grpc.DialOption {
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	reconnect := backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(&handshake{creds, l}),
		grpc.WithContextDialer(l.dial),
		grpc.WithAuthority(a.authority),
		grpc.WithUserAgent(agent),
		// One try at a connection may take as long as is set, until the server has
		// spoken HTTP/2; meanwhile calls wait, and fail when it has failed.
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: l.limit}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingInterval, Timeout: 20 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(math.MaxInt32)),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), // Do does it
		// Windows are left to gRPC, which measures: fixed ones are too small for far
		// servers or too large for 256 streams. So are buffers: ones of 64 KB make reading
		// no faster, of 128 KB slower by a third.
	}
}

// add makes one more connection, without connecting.
func (p *pool) add() error {
	conn, err := grpc.NewClient(target, p.options...)
	if err == nil {
		p.all = append(p.all, &connection{ClientConn: conn})
	}
	return err
}

// take chooses the connection for a call. It must be given back. A call too many for
// those there are waits for the next one: hundreds begin at once, and those that do not
// fit a connection would wait on it until others end.
func (p *pool) take(ctx context.Context) *connection {
	for {
		p.mu.Lock()
		chosen, coming := p.choose()
		if coming == nil || ctx.Err() != nil {
			chosen.calls++
			p.mu.Unlock()
			return chosen
		}
		state := coming.GetState()
		p.mu.Unlock()
		if state == connectivity.Idle || state == connectivity.Connecting {
			coming.WaitForStateChange(ctx, state)
		}
	}
}

// choose finds the ready connection with the fewest calls. If that has too many, it has
// more made, and gives one that is coming if there is one. If none is ready, the first
// will tell why.
func (p *pool) choose() (best, coming *connection) {
	calls, broken := 0, false
	for _, c := range p.all {
		calls += c.calls
		switch state := c.GetState(); {
		case state == connectivity.TransientFailure:
			broken = true
		case state == connectivity.Ready && (best == nil || c.calls < best.calls):
			best = c
		}
	}
	if best == nil {
		return p.all[0], nil
	}
	if best.calls >= streamsPerConnection && !broken && !p.closed {
		coming = p.grow(calls)
	}
	return best, coming
}

// grow makes connections in the background until there are enough for a number of
// calls, and makes anew those that a server has closed. It gives one of them, if any.
func (p *pool) grow(calls int) (coming *connection) {
	for len(p.all) < p.most && len(p.all)*streamsPerConnection <= calls && p.add() == nil {
	}
	for _, c := range p.all {
		if c.GetState() != connectivity.Ready {
			c.Connect() // does nothing to one that is being made
			coming = c
		}
	}
	return coming
}

// give gives a connection back after a call.
func (p *pool) give(c *connection) {
	p.mu.Lock()
	c.calls--
	p.mu.Unlock()
}

// ready says whether there is a connection that works.
func (p *pool) ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		if c.GetState() == connectivity.Ready {
			return true
		}
	}
	return false
}

// close ends all connections, and with them the calls under way.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.all {
		_ = c.Close()
	}
}
