// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	"github.com/dtlto/dtlto/internal/remote"
)

// server is a byte stream service that answers what a test wants.
type server struct {
	bytestream.UnimplementedByteStreamServer
	answer func(ctx context.Context, q *bytestream.QueryWriteStatusRequest) (*bytestream.QueryWriteStatusResponse, error)
	read   func(r *bytestream.ReadRequest, s bytestream.ByteStream_ReadServer) error

	mu   sync.Mutex
	seen []metadata.MD
}

func (s *server) QueryWriteStatus(ctx context.Context, q *bytestream.QueryWriteStatusRequest) (*bytestream.QueryWriteStatusResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	s.mu.Lock()
	s.seen = append(s.seen[:min(len(s.seen), 100)], md)
	s.mu.Unlock()
	if s.answer == nil {
		return &bytestream.QueryWriteStatusResponse{Complete: true}, nil
	}
	return s.answer(ctx, q)
}

func (s *server) Read(r *bytestream.ReadRequest, stream bytestream.ByteStream_ReadServer) error {
	if s.read == nil {
		return s.UnimplementedByteStreamServer.Read(r, stream)
	}
	return s.read(r, stream)
}

// header is the last value of a header in the last call.
func (s *server) header(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) == 0 {
		return ""
	}
	all := s.seen[len(s.seen)-1].Get(name)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// serve serves on a loopback port, and returns its HOST:PORT.
func serve(t testing.TB, s *server, config *tls.Config) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, s, config)
	return listener.Addr().String()
}

func serveOn(t testing.TB, listener net.Listener, s *server, config *tls.Config) *grpc.Server {
	options := []grpc.ServerOption{grpc.MaxRecvMsgSize(maxMessage)}
	if config != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	g := grpc.NewServer(options...)
	bytestream.RegisterByteStreamServer(g, s)
	go func() { _ = g.Serve(listener) }()
	t.Cleanup(g.Stop)
	return g
}

// open opens a channel for a test.
func open(t testing.TB, address string, service Service, o remote.Options) *Channel {
	t.Helper()
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 2 * time.Second
	}
	c, err := Open(address, service, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ask makes a call with Do.
func ask(t testing.TB, c *Channel) error {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return c.Do(ctx, "ask", askOnce(c))
}

func askOnce(c *Channel) func(context.Context) error {
	client := bytestream.NewByteStreamClient(c)
	return func(ctx context.Context) error {
		_, err := client.QueryWriteStatus(ctx, &bytestream.QueryWriteStatusRequest{})
		return err
	}
}

// authority signs certificates.
type testAuthority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *testAuthority {
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return &testAuthority{sign(t, template, template, key, key), key}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// issue makes a certificate for 127.0.0.1 and some names, valid until a time.
func (a *testAuthority) issue(t testing.TB, until time.Time, ips []net.IP, names ...string) tls.Certificate {
	key := newKey(t)
	c := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "somebody"}, DNSNames: names, IPAddresses: ips,
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.certificate, key, a.key)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

func (a *testAuthority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// write writes PEM files and returns their paths.
func (a *testAuthority) write(t testing.TB) string {
	return writeFile(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}), 0o644)
}

func writePair(t testing.TB, c tls.Certificate) (certificate, key string) {
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "client.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), 0o644),
		writeFile(t, "client.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func writeFile(t testing.TB, name string, data []byte, mode os.FileMode) string {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

var loopback = []net.IP{net.IPv4(127, 0, 0, 1)}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }
