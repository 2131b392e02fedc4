// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// token is the bearer token that calls must have; none if empty.
type token struct {
	value string
	until time.Time // zero: for ever
}

// SetToken changes the bearer token that calls must have, and until when it is
// accepted; for ever if that is zero.
func (s *Server) SetToken(value string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token{value, until}
}

// authorise is the answer to a call without the right token.
func (s *Server) authorise(header metadata.MD) error {
	s.mu.Lock()
	want := s.token
	s.mu.Unlock()
	switch {
	case want.value == "":
		return nil
	case !slices.Contains(header.Get("authorization"), "Bearer "+want.value):
		return status.Error(codes.Unauthenticated, "No valid authentication token provided")
	case !want.until.IsZero() && time.Now().After(want.until):
		return status.Error(codes.Unauthenticated, "Authentication token has expired")
	}
	return nil
}

// unary is around every call that is not a stream.
func (s *Server) unary(ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (out any, err error) {
	method := path.Base(info.FullMethod)
	header, _ := metadata.FromIncomingContext(ctx)
	end := s.tally.begin(method, header)
	defer func() { end(status.Code(err).String()) }()
	if err := s.authorise(header); err != nil {
		return nil, err
	}
	fault, ok := s.faults.take(method, callFaults...)
	if ok && fault.After == 0 {
		if err := s.suffer(ctx, fault); err != nil {
			return nil, err
		}
	}
	out, err = handle(ctx, in)
	if ok && fault.After > 0 && err == nil {
		err = s.suffer(ctx, fault) // it was done, but the answer is lost
	}
	return out, err
}

// stream is around every stream.
func (s *Server) stream(srv any, inner grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	method := path.Base(info.FullMethod)
	header, _ := metadata.FromIncomingContext(inner.Context())
	end := s.tally.begin(method, header)
	defer func() { end(status.Code(err).String()) }()
	if err := s.authorise(header); err != nil {
		return err
	}
	fault, ok := s.faults.take(method, callFaults...)
	if !ok {
		return handle(srv, inner)
	}
	faulty := &faultyStream{ServerStream: inner, server: s, fault: fault, upload: info.IsClientStream}
	if fault.After == 0 {
		if err := faulty.strike(); err != nil {
			return err
		}
	}
	if err := handle(srv, faulty); err != nil {
		return err
	}
	return faulty.strike()
}

// faultyStream has a fault to come after some messages: those received of an
// upload, those sent of anything else; at the latest in place of the end.
type faultyStream struct {
	grpc.ServerStream
	server *Server
	fault  Fault
	upload bool
	once   sync.Once
	count  int
}

func (f *faultyStream) strike() (err error) {
	f.once.Do(func() { err = f.server.suffer(f.Context(), f.fault) })
	return err
}

func (f *faultyStream) next(counted bool) error {
	if !counted {
		return nil
	}
	f.count++
	if f.count <= f.fault.After {
		return nil
	}
	return f.strike()
}

func (f *faultyStream) SendMsg(m any) error {
	if err := f.next(!f.upload); err != nil {
		return err
	}
	return f.ServerStream.SendMsg(m)
}

func (f *faultyStream) RecvMsg(m any) error {
	if err := f.next(f.upload); err != nil {
		return err
	}
	return f.ServerStream.RecvMsg(m)
}

// suffer lets a fault of a call happen: it returns the call's error, or nil if the
// call goes on.
func (s *Server) suffer(ctx context.Context, f Fault) error {
	switch f.Kind {
	case Delay:
		if s.pause(ctx, f.Delay) {
			return nil
		}
		return s.gone(ctx)
	case Hang:
		select {
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
		return s.gone(ctx)
	case Drop:
		s.drop(ctx)
	}
	return f.status("Injected fault")
}

// gone is the end of a call that the client or the server left.
func (s *Server) gone(ctx context.Context) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(codes.Unavailable, "Server is shutting down")
}

// drop cuts the connection that a call came by.
func (s *Server) drop(ctx context.Context) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return
	}
	remote := strings.TrimSpace(p.Addr.String())
	s.front.listener.drop(remote)
	s.back.listener.drop(remote)
}

// pause waits, and says whether nobody ended that early.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return false
}
