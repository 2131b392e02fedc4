// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
)

// maxAddress bounds an address in bytes: a host name has 253 at most, a path 4096.
const maxAddress = 4200

// Address is where a server is.
type address struct {
	network   string // tcp or unix
	dial      string // what is dialled: HOST:PORT, or a path
	host      string // without brackets; empty for a socket
	authority string // how the server is called in calls, as the user wrote it
	tls       bool
}

// String is the address, complete: with scheme and port.
func (a address) String() string {
	switch {
	case a.network == "unix":
		return "unix:" + a.dial
	case a.tls:
		return "grpcs://" + a.dial
	}
	return "grpc://" + a.dial
}

// parseAddress reads grpc://HOST[:PORT], grpcs://HOST[:PORT], unix:PATH or, meaning
// TLS, HOST[:PORT]. Without a port it is 443 with TLS and 80 without, as with Bazel.
// Errors do not repeat what may be a secret.
func parseAddress(text string) (address, error) {
	if err := plausible(text); err != nil {
		return address{}, err
	}
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		return parseSocket(path)
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "grpcs", text
	}
	switch strings.ToLower(scheme) {
	case "grpc":
		return parseHost(rest, false)
	case "grpcs":
		return parseHost(rest, true)
	case "http", "https":
		return address{}, errors.New("the HTTP caching protocol is not spoken; give the address of the server's gRPC port, grpc://HOST:PORT or grpcs://HOST:PORT")
	}
	return address{}, fmt.Errorf("unknown scheme %q; give grpc://HOST:PORT, grpcs://HOST:PORT or unix:PATH", cut(scheme, 20))
}

// plausible refuses what is no address of any kind.
func plausible(text string) error {
	if text == "" {
		return errors.New("the address is empty")
	}
	if len(text) > maxAddress {
		return fmt.Errorf("the address has %d characters", len(text))
	}
	for _, c := range []byte(text) {
		if c < ' ' || c == 0x7f {
			return errors.New("the address has a control character in it")
		}
	}
	return nil
}

// parseSocket reads what follows unix:, which may be ///PATH as well.
func parseSocket(path string) (address, error) {
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		if !strings.HasPrefix(rest, "/") {
			return address{}, errors.New("unix:// needs an absolute path, as in unix:///run/cluster.sock")
		}
		path = rest
	}
	if path == "" {
		return address{}, errors.New("unix: needs the path of a socket")
	}
	if len(path) > maxSocketPath() {
		return address{}, fmt.Errorf("the path of a socket can have %d bytes, and %s has %d", maxSocketPath(), cut(path, 200), len(path))
	}
	return address{network: "unix", dial: path, authority: "localhost"}, nil
}

// maxSocketPath is the room in the system's sockaddr_un, less a zero byte.
func maxSocketPath() int {
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		return 107
	}
	return 103
}

// parseHost reads HOST, HOST:PORT, [IPv6] or [IPv6]:PORT.
func parseHost(text string, tls bool) (address, error) {
	text = strings.TrimSuffix(text, "/")
	if strings.Contains(text, "@") {
		return address{}, errors.New("credentials do not belong into the address; set --remote-header or --credential-helper")
	}
	if strings.ContainsAny(text, "/?#") {
		return address{}, errors.New("a path does not belong into the address; an instance name is set with --remote-instance-name")
	}
	host, port, err := splitHost(text)
	if err != nil {
		return address{}, err
	}
	a := address{network: "tcp", host: host, tls: tls, authority: authority(host, port)}
	if port == "" {
		port = defaultPort(tls)
	}
	a.dial = net.JoinHostPort(host, port)
	return a, nil
}

func defaultPort(tls bool) string {
	if tls {
		return "443"
	}
	return "80"
}

// authority is the name of a server in its calls: without the zone of an IPv6
// address, which means something on this machine only.
func authority(host, port string) string {
	host, _, _ = strings.Cut(host, "%")
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// splitHost separates a host and its port, which is empty if there is none.
func splitHost(text string) (host, port string, err error) {
	if strings.HasPrefix(text, "[") {
		return splitBracketed(text)
	}
	host, port, found := strings.Cut(text, ":")
	if strings.Contains(port, ":") {
		return "", "", errors.New("an IPv6 address needs brackets, as in grpcs://[::1]:443")
	}
	if err := checkHost(host); err != nil {
		return "", "", err
	}
	if found {
		err = checkPort(port)
	}
	return host, port, err
}

func splitBracketed(text string) (host, port string, err error) {
	host, rest, found := strings.Cut(text[1:], "]")
	if !found {
		return "", "", errors.New("the address has [ but not ]")
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() {
		return "", "", fmt.Errorf("%q is no IPv6 address", cut(host, 60))
	}
	if rest == "" {
		return host, "", nil
	}
	port, found = strings.CutPrefix(rest, ":")
	if !found {
		return "", "", errors.New("the address goes on after ]")
	}
	return host, port, checkPort(port)
}

// checkHost refuses what no name of a host can be. Underscores occur inside clusters.
func checkHost(host string) error {
	if host == "" {
		return errors.New("the address has no host")
	}
	if len(host) > 253 {
		return fmt.Errorf("the name of the host has %d characters", len(host))
	}
	for _, c := range host {
		if !isLetterOrDigit(c) && !strings.ContainsRune("-._", c) {
			return fmt.Errorf("the name of the host has %q in it", c)
		}
	}
	return nil
}

func isLetterOrDigit(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func checkPort(port string) error {
	for _, c := range port {
		if c < '0' || c > '9' {
			return fmt.Errorf("port %q is no number", cut(port, 20))
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("port %q is not between 1 and 65535", cut(port, 20))
	}
	return nil
}
