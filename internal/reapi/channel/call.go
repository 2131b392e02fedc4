// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"

	"github.com/dtlto/dtlto/internal/remote"
)

// credentialKey is where Do leaves a try's credential in its context.
type credentialKey struct{}

// metadataKey is where WithMetadata leaves RequestMetadata.
type metadataKey struct{}

// WithMetadata gives calls made with the context the RequestMetadata (a serialised
// message) that they carry.
func WithMetadata(ctx context.Context, requestMetadata []byte) context.Context {
	return context.WithValue(ctx, metadataKey{}, string(requestMetadata))
}

// Invoke makes one call, once.
func (c *Channel) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	ctx, err := c.outgoing(ctx)
	if err != nil {
		return err
	}
	conn := c.pool.take(ctx)
	defer c.pool.give(conn)
	c.calls.Add(1)
	err = conn.Invoke(ctx, method, args, reply, opts...)
	c.heard(err)
	return err
}

// NewStream begins a stream. As with every gRPC stream, its context must be
// cancelled or it must be received from until an error, io.EOF among them.
func (c *Channel) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, err := c.outgoing(ctx)
	if err != nil {
		return nil, err
	}
	conn := c.pool.take(ctx)
	c.calls.Add(1)
	inner, err := conn.NewStream(ctx, desc, method, opts...)
	if err != nil {
		if ctx.Err() != nil && conn.GetState() == connectivity.Ready {
			err = &crowdedError{err}
		}
		c.pool.give(conn)
		c.heard(err)
		return nil, err
	}
	s := &stream{ClientStream: inner, channel: c, answers: desc.ServerStreams}
	s.end = sync.OnceFunc(func() { c.pool.give(conn) })
	s.stop = context.AfterFunc(ctx, s.end)
	return s, nil
}

// crowdedError says that a call ended before it began: there were as many on its connection
// as the server allows.
type crowdedError struct{ error }

func (e *crowdedError) Unwrap() error { return e.error }

// stream is a stream that knows when it has ended.
type stream struct {
	grpc.ClientStream
	channel *Channel
	answers bool // more than one message may come
	end     func()
	stop    func() bool
}

// RecvMsg receives a message.
func (s *stream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if errors.Is(err, io.EOF) {
		s.channel.heard(nil)
	} else {
		s.channel.heard(err)
	}
	if err != nil || !s.answers {
		s.stop()
		s.end()
	}
	return err
}

// heard notes a message or an answer.
func (c *Channel) heard(err error) {
	if err != nil && !answer(err) {
		return
	}
	c.breaker.alive(time.Now())
	if err == nil && !c.served.Load() {
		c.served.Store(true)
	}
}

// answer says whether an error is a server's answer, not a sign of its absence.
func answer(err error) bool {
	s, ok := statusOf(err)
	if !ok {
		return false
	}
	switch s.Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Internal, codes.Unknown, codes.Canceled:
		return false
	}
	return true
}

// outgoing gives a call its headers, or fails if the channel has given up.
func (c *Channel) outgoing(ctx context.Context) (context.Context, error) {
	if reason := c.breaker.opened.Load(); reason != nil {
		return nil, reason
	}
	used, ok := ctx.Value(credentialKey{}).(*credential)
	if !ok {
		var err error
		if used, err = c.credential(ctx); err != nil {
			return nil, err
		}
	}
	pairs := c.headers
	if used != nil {
		pairs = merge(c.headers, used.headers)
	}
	if requestMetadata, ok := ctx.Value(metadataKey{}).(string); ok {
		pairs = append(pairs[:len(pairs):len(pairs)], metadataHeader, requestMetadata)
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...), nil
}

// credential asks the helper, if there is one.
func (c *Channel) credential(ctx context.Context) (*credential, error) {
	if c.helper == nil {
		return nil, nil
	}
	return c.helper.get(ctx)
}

// reason is why the channel gave up, as the error of what was to be done.
func (c *Channel) reason(what string, first *remote.Error) *remote.Error {
	return &remote.Error{What: what + " on " + c.String(), Err: first.Err, Hint: first.Hint, Final: true}
}
