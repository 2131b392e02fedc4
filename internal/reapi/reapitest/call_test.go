// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

func TestToken(t *testing.T) {
	s, c := start(t, Options{Token: "secret"})
	ask := func(token string) error {
		ctx := metadata.AppendToOutgoingContext(c.ctx, "authorization", "Bearer "+token)
		_, err := c.GetCapabilities(ctx, &repb.GetCapabilitiesRequest{})
		return err
	}
	wantCode(t, ask("secret"), codes.OK)
	wantCode(t, ask("wrong"), codes.Unauthenticated)
	_, err := c.read(c.digest(nil))
	wantCode(t, err, codes.Unauthenticated)
	s.SetToken("next", time.Now().Add(time.Hour))
	wantCode(t, ask("secret"), codes.Unauthenticated)
	wantCode(t, ask("next"), codes.OK)
	s.SetToken("next", time.Now().Add(-time.Hour))
	wantCode(t, ask("next"), codes.Unauthenticated)
}

func TestMetadata(t *testing.T) {
	s, c := start(t, Options{})
	data, err := proto.Marshal(&repb.RequestMetadata{ToolInvocationId: "link-1", ToolDetails: &repb.ToolDetails{ToolName: "tool", ToolVersion: "2"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(c.ctx, "build.bazel.remote.execution.v2.requestmetadata-bin", string(data), "x-one", "1")
	if _, err := c.GetCapabilities(ctx, &repb.GetCapabilitiesRequest{}); err != nil {
		t.Fatal(err)
	}
	got := s.Stats()
	if got.Invocations["link-1"] != 1 || got.Tools["tool 2"] != 1 || s.Metadata("GetCapabilities").GetToolInvocationId() != "link-1" {
		t.Errorf("%+v", got)
	}
	if h := s.Header("GetCapabilities").Get("x-one"); len(h) != 1 || h[0] != "1" {
		t.Errorf("%q", h)
	}
	if got.Connections != 1 || got.WireIn == 0 || got.WireOut == 0 || got.Calls["GetCapabilities"] != 1 || got.Answers["GetCapabilities OK"] != 1 {
		t.Errorf("%+v", got)
	}
}

func TestTLS(t *testing.T) {
	authority := NewAuthority(t)
	s := Start(t, Options{TLS: authority.Server(true)})
	for name, test := range map[string]struct {
		client bool
		valid  time.Duration
		trusts string
		code   codes.Code
	}{
		"good":              {true, time.Hour, authority.Certificate, codes.OK},
		"expired":           {true, -time.Hour, authority.Certificate, codes.Unavailable},
		"none":              {false, 0, authority.Certificate, codes.Unavailable},
		"another authority": {true, time.Hour, NewAuthority(t).Certificate, codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			pool := x509.NewCertPool()
			data, err := os.ReadFile(test.trusts)
			if err != nil || !pool.AppendCertsFromPEM(data) {
				t.Fatal(err)
			}
			config := &tls.Config{RootCAs: pool}
			if test.client {
				pair, err := tls.LoadX509KeyPair(authority.Issue("client", test.valid))
				if err != nil {
					t.Fatal(err)
				}
				config.Certificates = []tls.Certificate{pair}
			}
			c := dial(t, s.Address(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
			_, err = c.GetCapabilities(c.ctx, &repb.GetCapabilitiesRequest{})
			wantCode(t, err, test.code)
		})
	}
}

func TestSocket(t *testing.T) {
	s := Start(t, Options{Socket: filepath.Join(t.TempDir(), "s")})
	c := dial(t, s.Address())
	c.must(c.shell("true", nil))
	s.DropConnections()
}

// Close ends calls that wait, takes the files away, and may be called twice.
func TestClose(t *testing.T) {
	s, err := Listen(Options{Faults: []Fault{{Kind: Hang}}})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s.Address())
	ended := make(chan error)
	go func() {
		_, err := c.GetCapabilities(context.Background(), &repb.GetCapabilitiesRequest{})
		ended <- err
	}()
	eventually(t, "the call hangs", func() bool { return s.Stats().Faults["hang"] == 1 })
	s.Close()
	s.Close()
	if <-ended == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Error("files are left")
	}
}
