// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/remote"
)

// line checks that an error is one line with all of some words in it.
func line(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error; want %q", words)
		return
	}
	t.Log(err)
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("more than a line: %q", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v; want %q in it", err, word)
		}
	}
}

func final(t *testing.T, err error) {
	t.Helper()
	var said *remote.Error
	if !errors.As(err, &said) || !said.Final {
		t.Errorf("not final: %v", err)
	}
}

func TestTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	good := ca.issue(t, inAnHour(), loopback, "localhost")
	tlsServer := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	mutual := tlsServer(good)
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, ca.pool()
	certificate, key := writePair(t, ca.issue(t, inAnHour(), nil, "client"))
	strange, strangeKey := writePair(t, other.issue(t, inAnHour(), nil, "client"))
	trust := remote.TLS{Certificate: ca.write(t)}

	for name, test := range map[string]struct {
		server *tls.Config
		scheme string
		client remote.TLS
		words  []string // none if it works
	}{
		"trusted":           {tlsServer(good), "grpcs://", trust, nil},
		"no scheme":         {tlsServer(good), "", trust, nil},
		"plain":             {nil, "grpc://", remote.TLS{}, nil},
		"mutual":            {mutual, "grpcs://", remote.TLS{Certificate: trust.Certificate, ClientCertificate: certificate, ClientKey: key}, nil},
		"unknown authority": {tlsServer(good), "", remote.TLS{}, []string{"authority", "set --tls-certificate"}},
		"other authority":   {tlsServer(other.issue(t, inAnHour(), loopback)), "", trust, []string{"authority", "--tls-certificate is " + trust.Certificate}},
		"other name":        {tlsServer(ca.issue(t, inAnHour(), nil, "cluster.example")), "", trust, []string{"is for cluster.example, not for 127.0.0.1", "--remote-executor"}},
		"no name":           {tlsServer(ca.issue(t, inAnHour(), nil)), "", trust, []string{"no host at all"}},
		"expired":           {tlsServer(ca.issue(t, time.Now().Add(-time.Hour), loopback)), "", trust, []string{"the server's certificate expired on 20", "clock"}},
		"no certificate":    {mutual, "", trust, []string{"--tls-client-certificate", "--tls-client-key"}},
		"wrong certificate": {mutual, "", remote.TLS{Certificate: trust.Certificate, ClientCertificate: strange, ClientKey: strangeKey}, []string{"--tls-client-certificate"}}, // the alert may get lost when the server hangs up
		"plain server":      {nil, "grpcs://", trust, []string{"does not speak TLS", "grpc:// in --remote-executor"}},
		"TLS server":        {tlsServer(good), "grpc://", remote.TLS{}, []string{"without a word", "grpcs:// in --remote-executor"}},
		"old TLS":           {&tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, "", trust, []string{"protocol version"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, test.scheme+serve(t, &server{}, test.server), Execution, remote.Options{TLS: test.client, Retries: 5})
			began := time.Now()
			err := ask(t, c)
			if test.words == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			line(t, err, append(test.words, "ask on "+c.String()+": ")...)
			final(t, err)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// answering is a server that says the same thing to everybody; "" for nothing.
func answering(t *testing.T, text string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			t.Cleanup(func() { conn.Close() })
			go func() {
				_, _ = io.ReadFull(conn, make([]byte, 24))
				_, _ = io.WriteString(conn, text)
				if text != "" {
					conn.Close()
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestServersThatSpeakSomethingElse(t *testing.T) {
	for _, test := range []struct {
		scheme, answer string
		words          []string
	}{
		{"grpc://", "HTTP/1.1 400 Bad Request\r\n\r\n", []string{"HTTP/1", "check the port in --remote-cache"}},
		{"grpc://", "\x15\x03\x01\x00\x02\x02\x46", []string{"speaks TLS", "write grpcs:// in --remote-cache"}},
		{"grpc://", "", []string{"says nothing", "grpcs://"}},
		{"grpcs://", "", []string{"no TLS handshake within 300ms", "grpc:// in --remote-cache"}},
		{"grpcs://", "SSH-2.0-OpenSSH_9.2\r\n", []string{"does not speak TLS"}},
	} {
		c := open(t, test.scheme+answering(t, test.answer), Storage, remote.Options{ConnectTimeout: 300 * time.Millisecond, Retries: 5})
		err := ask(t, c)
		line(t, err, test.words...)
		final(t, err)
	}
}

func TestTLSFiles(t *testing.T) {
	ca := newAuthority(t)
	certificate, key := writePair(t, ca.issue(t, inAnHour(), nil, "client"))
	_, otherKey := writePair(t, ca.issue(t, inAnHour(), nil, "client"))
	old, oldKey := writePair(t, ca.issue(t, time.Now().Add(-time.Hour), nil, "client"))
	missing := filepath.Join(t.TempDir(), "missing.pem")
	words := writeFile(t, "words.pem", []byte(secret), 0o600)
	damaged := writeFile(t, "damaged.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), 0o600)
	encrypted := writeFile(t, "encrypted.key", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}), 0o600)
	large := writeFile(t, "large.pem", nil, 0o600)
	if err := os.Truncate(large, maxPEM+1); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		tls   remote.TLS
		words []string
	}{
		{remote.TLS{Certificate: missing}, []string{"--tls-certificate: " + missing + ": no such file"}},
		{remote.TLS{Certificate: t.TempDir()}, []string{"--tls-certificate: ", "is a folder"}},
		{remote.TLS{Certificate: words}, []string{"--tls-certificate: " + words + ": there is no PEM certificate in it"}},
		{remote.TLS{Certificate: key}, []string{"no PEM certificate"}},
		{remote.TLS{Certificate: damaged}, []string{"certificate 1 in it is damaged"}},
		{remote.TLS{Certificate: large}, []string{"more than"}},
		{remote.TLS{ClientCertificate: certificate}, []string{"set --tls-client-key"}},
		{remote.TLS{ClientKey: key}, []string{"set --tls-client-certificate"}},
		{remote.TLS{ClientCertificate: missing, ClientKey: key}, []string{"--tls-client-certificate: " + missing}},
		{remote.TLS{ClientCertificate: certificate, ClientKey: missing}, []string{"--tls-client-key: " + missing}},
		{remote.TLS{ClientCertificate: certificate, ClientKey: words}, []string{"no PEM private key"}},
		{remote.TLS{ClientCertificate: certificate, ClientKey: encrypted}, []string{"encrypted"}},
		{remote.TLS{ClientCertificate: certificate, ClientKey: otherKey}, []string{"--tls-client-key: " + otherKey + " does not go with " + certificate}},
		{remote.TLS{ClientCertificate: old, ClientKey: oldKey}, []string{"--tls-client-certificate: " + old, "expired on"}},
	} {
		_, err := Open("grpcs://localhost:1", Execution, &remote.Options{TLS: test.tls})
		line(t, err, test.words...)
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("contents in %v", err)
		}
	}
}
