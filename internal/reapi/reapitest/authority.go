// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
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
	"testing"
	"time"
)

// Authority makes certificates for tests, in a folder: Certificate is the PEM
// file of its own.
type Authority struct {
	Certificate string

	t      testing.TB
	folder string
	own    *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

// NewAuthority makes an authority.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, folder: t.TempDir()}
	a.own = &x509.Certificate{Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.Certificate, _ = a.issue("authority", a.own, time.Hour)
	return a
}

// Issue makes a certificate that is valid for a time, or has been if that is
// negative, and gives the PEM files of it and its key. It is for a server on
// this machine or for a client.
func (a *Authority) Issue(name string, valid time.Duration) (certificate, key string) {
	a.t.Helper()
	return a.issue(name, &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, valid)
}

// Server is the configuration of a server with a certificate of the authority,
// which with mutual wants clients to have one too.
func (a *Authority) Server(mutual bool) *tls.Config {
	a.t.Helper()
	certificate, key := a.Issue("server", time.Hour)
	pair, err := tls.LoadX509KeyPair(certificate, key)
	a.check(err)
	out := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if mutual {
		out.ClientAuth, out.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		out.ClientCAs.AddCert(a.own)
	}
	return out
}

// issue signs what it completes.
func (a *Authority) issue(name string, certificate *x509.Certificate, valid time.Duration) (file, keyFile string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.check(err)
	if a.key == nil {
		a.key = key
	}
	a.serial++
	certificate.SerialNumber = big.NewInt(a.serial)
	certificate.NotBefore, certificate.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(valid)
	der, err := x509.CreateCertificate(rand.Reader, certificate, a.own, &key.PublicKey, a.key)
	a.check(err)
	if certificate == a.own {
		a.own, err = x509.ParseCertificate(der)
		a.check(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	a.check(err)
	return a.write(name+".pem", "CERTIFICATE", der), a.write(name+"-key.pem", "PRIVATE KEY", private)
}

func (a *Authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	file := filepath.Join(a.folder, name)
	a.check(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}

func (a *Authority) check(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}
