// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// explain puts into words why there is no connection, and what to do.
func (c *Channel) explain(err error) (text, hint string) {
	var handshake *handshakeError
	var dns *net.DNSError
	switch {
	case errors.Is(err, errSpeaksTLS):
		return err.Error(), "write grpcs:// in " + c.setting
	case errors.Is(err, errSpeaksHTTP):
		return err.Error(), "check the port in " + c.setting
	case errors.Is(err, errSilent), errors.Is(err, errMute):
		return c.explainSilence(err)
	case errors.As(err, &handshake):
		return c.explainHandshake(handshake.err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("host %s was not found", c.address.host), "check " + c.setting
	case errors.As(err, &dns):
		return fmt.Sprintf("host %s could not be looked up: %s", c.address.host, dns.Err), "check the network, and " + c.setting
	}
	return c.explainDial(err)
}

// explainDial is explain for connections that were not made at all.
func (c *Channel) explainDial(err error) (text, hint string) {
	check := "check " + c.setting + ", and that the server is running"
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused", check
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such socket", check
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no connection within %s", c.link.limit), "check " + c.setting + ", and that the host can be reached from here"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return "cannot connect: " + err.Error(), check
}

// explainSilence is for servers that hang up at once. It may be our certificate that
// they dislike; or, without TLS, that there is none.
func (c *Channel) explainSilence(err error) (text, hint string) {
	switch {
	case c.address.network == "unix":
		return err.Error(), "is that the socket of a gRPC server? check " + c.setting
	case !c.address.tls:
		return err.Error(), "if it speaks TLS, write grpcs:// in " + c.setting
	case c.identified:
		return err.Error(), "does it accept --tls-client-certificate?"
	}
	return err.Error(), "does it want a certificate, --tls-client-certificate and --tls-client-key? is it a gRPC server? check " + c.setting
}

// explainHandshake is explain for TLS.
func (c *Channel) explainHandshake(err error) (text, hint string) {
	var record tls.RecordHeaderError
	var alert *net.OpError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &record):
		return "the server does not speak TLS", "if it speaks plain text, write grpc:// in " + c.setting
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no TLS handshake within %s", c.link.limit), "does the server speak TLS? if it speaks plain text, write grpc:// in " + c.setting
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the server closed the connection during the TLS handshake", "if it speaks plain text, write grpc:// in " + c.setting
	case errors.As(err, &alert) && alert.Op == "remote error": // as crypto/tls calls an alert
		return c.explainAlert(alert.Err)
	case errors.As(err, &verification):
		return c.explainVerification(verification)
	case strings.Contains(err.Error(), "ALPN"):
		return "the server speaks TLS but does not offer HTTP/2", "is it a gRPC server? check the port in " + c.setting
	}
	return "the connection failed: " + strings.TrimPrefix(err.Error(), "tls: "), "check " + c.setting
}

// explainAlert is explain for what the server did not like.
func (c *Channel) explainAlert(alert error) (text, hint string) {
	said := strings.TrimPrefix(alert.Error(), "tls: ")
	text = "the server refused the TLS handshake: " + said
	switch {
	case !strings.Contains(said, "certificate"):
		return text, "check " + c.setting
	case c.identified:
		return text, "check --tls-client-certificate and --tls-client-key"
	}
	return text, "it wants a client's certificate: set --tls-client-certificate and --tls-client-key"
}

// explainVerification is explain for a certificate of the server that is not good
// enough for us.
func (c *Channel) explainVerification(err *tls.CertificateVerificationError) (text, hint string) {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var roots x509.SystemRootsError
	switch {
	case errors.As(err, &authority):
		return "the server's certificate is signed by an authority that is not trusted", c.trustHint()
	case errors.As(err, &name):
		return fmt.Sprintf("the server's certificate is for %s, not for %s", names(name.Certificate), c.address.host),
			"write the name that is in the certificate in " + c.setting
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate " + dated(invalid), "renew it, or correct this machine's clock"
	case errors.As(err, &roots):
		return "this machine has no certificates of authorities", "set --tls-certificate to a file of them"
	}
	return "the server's certificate is not valid: " + strings.TrimPrefix(err.Err.Error(), "x509: "), c.trustHint()
}

func (c *Channel) trustHint() string {
	if c.trusting != "" {
		return "--tls-certificate is " + c.trusting + "; is the server's authority in it?"
	}
	return "set --tls-certificate to the authority's certificate"
}

// names are whom a certificate is for.
func names(c *x509.Certificate) string {
	all := c.DNSNames
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no host at all"
	}
	return oneLine(cut(strings.Join(all, ", "), 200))
}

// dated says when a certificate is valid.
func dated(invalid x509.CertificateInvalidError) string {
	if invalid.Cert != nil {
		if err := current(invalid.Cert, time.Now()); err != nil {
			return strings.TrimPrefix(err.Error(), "the certificate ")
		}
	}
	return "has expired or is not yet valid"
}
