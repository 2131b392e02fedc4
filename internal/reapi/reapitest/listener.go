// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"net"
	"sync"
)

// listener counts connections and their bytes, and can cut them.
type listener struct {
	net.Listener
	tally *tally
	mu    sync.Mutex
	open  map[*conn]bool
}

func newListener(l net.Listener, t *tally) *listener {
	return &listener{Listener: l, tally: t, open: map[*conn]bool{}}
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	counted := &conn{Conn: c, listener: l}
	l.mu.Lock()
	l.open[counted] = true
	l.mu.Unlock()
	l.tally.count(func(s *Stats) { s.Connections++; s.OpenConnections++ })
	return counted, nil
}

// drop cuts the connections from a remote address, or all if it is empty.
func (l *listener) drop(remote string) {
	l.mu.Lock()
	var cut []*conn
	for c := range l.open {
		if remote == "" || c.RemoteAddr().String() == remote {
			cut = append(cut, c)
		}
	}
	l.mu.Unlock()
	for _, c := range cut {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, not an orderly end
		}
		c.Close()
	}
}

type conn struct {
	net.Conn
	listener *listener
	once     sync.Once
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.listener.tally.wireIn.Add(int64(n))
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.listener.tally.wireOut.Add(int64(n))
	return n, err
}

func (c *conn) Close() error {
	c.once.Do(func() {
		c.listener.mu.Lock()
		delete(c.listener.open, c)
		c.listener.mu.Unlock()
		c.listener.tally.count(func(s *Stats) { s.OpenConnections-- })
	})
	return c.Conn.Close()
}
