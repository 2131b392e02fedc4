// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/remote"
)

// maxPEM bounds a file of certificates, in bytes; the system's has 200 KB.
const maxPEM = 4 << 20

// tlsConfig reads the files that say whom to trust and who we are. The name that the
// server's certificate must have is the address's host; gRPC fills it in.
func tlsConfig(o remote.TLS, now time.Time) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.Certificate != "" {
		roots, err := readRoots(o.Certificate)
		if err != nil {
			return nil, fmt.Errorf("--tls-certificate: %w", err)
		}
		config.RootCAs = roots
	}
	if o.ClientCertificate != "" {
		own, err := readOwn(o.ClientCertificate, o.ClientKey, now)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

// checkPair refuses half of a client's identity, whatever the address.
func checkPair(o remote.TLS) error {
	switch {
	case o.ClientCertificate != "" && o.ClientKey == "":
		return errors.New("--tls-client-certificate: its key is missing; set --tls-client-key as well")
	case o.ClientCertificate == "" && o.ClientKey != "":
		return errors.New("--tls-client-key: its certificate is missing; set --tls-client-certificate as well")
	}
	return nil
}

// readRoots reads the certificates that are trusted, instead of the system's.
func readRoots(path string) (*x509.CertPool, error) {
	certificates, err := readCertificates(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c)
	}
	return pool, nil
}

func readCertificates(path string) ([]*x509.Certificate, error) {
	data, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d in it is damaged: %w", path, len(found)+1, err)
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: there is no PEM certificate in it", path)
	}
	return found, nil
}

// readOwn reads a client's certificate, with those that vouch for it, and its key.
func readOwn(certificate, key string, now time.Time) (tls.Certificate, error) {
	chain, err := readCertificates(certificate)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("--tls-client-certificate: %w", err)
	}
	if err := current(chain[0], now); err != nil {
		return tls.Certificate{}, fmt.Errorf("--tls-client-certificate: %s: %w", certificate, err)
	}
	keyPEM, err := readKey(key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("--tls-client-key: %w", err)
	}
	var chainPEM bytes.Buffer
	for _, c := range chain {
		_ = pem.Encode(&chainPEM, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	own, err := tls.X509KeyPair(chainPEM.Bytes(), keyPEM)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("--tls-client-key: %s does not go with %s (--tls-client-certificate): %s",
			key, certificate, strings.TrimPrefix(err.Error(), "tls: "))
	}
	return own, nil
}

// readKey reads a private key. Nothing of its contents gets into an error.
func readKey(path string) ([]byte, error) {
	data, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return nil, fmt.Errorf("%s: the key is encrypted, and nobody can be asked for its password", path)
		case block.Type == "PRIVATE KEY" || strings.HasSuffix(block.Type, " PRIVATE KEY"):
			return data, nil
		}
	}
	return nil, fmt.Errorf("%s: there is no PEM private key in it", path)
}

// current says whether a certificate is valid at this time.
func current(c *x509.Certificate, now time.Time) error {
	switch {
	case now.After(c.NotAfter):
		return fmt.Errorf("the certificate expired on %s", c.NotAfter.UTC().Format(time.DateTime))
	case now.Before(c.NotBefore):
		return fmt.Errorf("the certificate is valid from %s only", c.NotBefore.UTC().Format(time.DateTime))
	}
	return nil
}

// readPEM reads a file whole, if it is not too large to be what it should be.
func readPEM(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: is a folder", path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxPEM+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	if len(data) > maxPEM {
		return nil, fmt.Errorf("%s: has more than %d bytes, and is no file of certificates", path, maxPEM)
	}
	return data, nil
}

// withoutPath is what happened to a file, its name being said already.
func withoutPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
