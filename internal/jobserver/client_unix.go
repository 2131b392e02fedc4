// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package jobserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// yield is how long after it gave a token back a process leaves it to others: who waits in
// the kernel needs some 0.1 ms to get up, and would always come too late.
const yield = time.Millisecond

var errClosed = errors.New("the jobserver's client is closed")

// Client takes tokens from a jobserver.
type Client struct {
	kind string
	// The ends are open for ourselves alone: of the descriptors that came from make,
	// others share the flags.
	read, write *os.File

	turn     turn // to read
	held     holdings
	released atomic.Int64 // when a token was given back last, in Unix nanoseconds
	closed   atomic.Bool
}

// Open finds make's jobserver in the value of MAKEFLAGS. The error is ErrNone if there is
// none, or else why it cannot be used and what can be done about it.
func Open(makeflags string) (*Client, error) {
	a, err := parse(makeflags)
	if err != nil {
		return nil, err
	}
	if a.fifo != "" {
		return openFIFO(a.fifo)
	}
	return openPipe(a.read, a.write)
}

// openFIFO opens a named pipe, or a device that behaves as one, as Ninja does too.
func openFIFO(path string) (*Client, error) {
	c, err := openEnds("fifo", path, path)
	if err != nil {
		return nil, fmt.Errorf("%s: make's jobserver cannot be opened: %w", path, err)
	}
	info, err := c.read.Stat()
	if err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) == 0 {
		err = errors.New("not a fifo")
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: not make's jobserver: %w", path, err)
	}
	return c, nil
}

// openEnds opens the ends of a pipe by their names. The read end comes first: a named pipe
// that nobody reads cannot be opened to write. That this process has both open is why
// neither an end of file nor a broken pipe can happen to it when make has gone.
func openEnds(kind, read, write string) (*Client, error) {
	c := &Client{kind: kind, turn: newTurn()}
	var err error
	if c.read, err = openEnd(read, unix.O_RDONLY); err != nil {
		return nil, err
	}
	if c.write, err = openEnd(write, unix.O_WRONLY); err != nil {
		_ = c.read.Close()
		return nil, err
	}
	return c, nil
}

// openEnd opens a file for Go's poller, in which a wait can be ended.
func openEnd(path string, mode int) (*os.File, error) {
	for {
		fd, err := unix.Open(path, mode|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, err
		}
	}
}

// Kind is how the jobserver is reached: "pipe" or "fifo".
func (c *Client) Kind() string { return c.kind }

// Acquire waits for a token, which release gives back. If ctx ends before there is one,
// the error is why.
func (c *Client) Acquire(ctx context.Context) (release func(), err error) {
	if err := c.turn.take(ctx); err != nil {
		return nil, err
	}
	defer c.turn.leave()
	if err := sleep(ctx, yield-time.Since(time.Unix(0, c.released.Load()))); err != nil {
		return nil, err
	}
	token, err := c.next(ctx)
	if err != nil {
		return nil, err
	}
	return c.held.add(func() { c.put(token) }), nil
}

// next reads a token. The caller has the turn.
func (c *Client) next(ctx context.Context) (token byte, err error) {
	if c.closed.Load() {
		return 0, errClosed
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.read.SetReadDeadline(time.Unix(1, 0))
		close(ended)
	})
	var b [1]byte
	n, err := c.read.Read(b[:])
	if !stop() {
		<-ended
		_ = c.read.SetReadDeadline(time.Time{})
	}
	switch {
	case n == 1:
		return b[0], nil
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case c.closed.Load():
		return 0, errClosed
	case errors.Is(err, io.EOF):
		err = errors.New("nobody writes to it")
	}
	return 0, fmt.Errorf("make's jobserver cannot be read: %w", err)
}

// put writes a token back. It never waits: a pipe that is full has tokens enough.
func (c *Client) put(token byte) {
	conn, err := c.write.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Write(func(fd uintptr) bool {
		for {
			if _, err := unix.Write(int(fd), []byte{token}); !errors.Is(err, unix.EINTR) {
				return true
			}
		}
	})
	c.released.Store(time.Now().UnixNano())
}

// Close gives back what is not released, and ends an Acquire.
func (c *Client) Close() {
	if c.closed.Swap(true) {
		return
	}
	_ = c.read.SetReadDeadline(time.Unix(1, 0))
	_ = c.turn.take(context.Background()) // who read has noted the token, and nobody reads any more
	defer c.turn.leave()
	c.held.releaseAll()
	_ = c.read.Close()
	_ = c.write.Close()
}
