// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"net"
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for _, test := range []struct{ text, dial, authority, whole string }{
		{"grpc://host:8980", "host:8980", "host:8980", "grpc://host:8980"},
		{"grpcs://host:8980", "host:8980", "host:8980", "grpcs://host:8980"},
		{"host:8980", "host:8980", "host:8980", "grpcs://host:8980"},
		{"host", "host:443", "host", "grpcs://host:443"},
		{"grpcs://Host.Example.com/", "Host.Example.com:443", "Host.Example.com", "grpcs://Host.Example.com:443"},
		{"GRPC://host", "host:80", "host", "grpc://host:80"},
		{"grpc://[::1]:1", "[::1]:1", "[::1]:1", "grpc://[::1]:1"},
		{"grpcs://[::1]", "[::1]:443", "[::1]", "grpcs://[::1]:443"},
		{"[fe80::1%eth0]:7", "[fe80::1%eth0]:7", "[fe80::1]:7", "grpcs://[fe80::1%eth0]:7"},
		{"my_service.ns.svc:50051", "my_service.ns.svc:50051", "my_service.ns.svc:50051", "grpcs://my_service.ns.svc:50051"},
		{"unix:/run/a b.sock", "/run/a b.sock", "localhost", "unix:/run/a b.sock"},
		{"unix:///run/a.sock", "/run/a.sock", "localhost", "unix:/run/a.sock"},
		{"unix:a.sock", "a.sock", "localhost", "unix:a.sock"},
	} {
		a, err := parseAddress(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if a.dial != test.dial || a.authority != test.authority || a.String() != test.whole {
			t.Errorf("%s: %q, %q, %q", test.text, a.dial, a.authority, a)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "empty",
		"http://cache:8080":                 "HTTP caching protocol",
		"https://cache":                     "HTTP caching protocol",
		"dns:///host":                       "unknown scheme",
		"dns:host":                          "no number",
		"grpc://":                           "no host",
		"grpc://:8980":                      "no host",
		"grpc://host:":                      "not between",
		"grpc://host:0":                     "not between",
		"grpc://host:65536":                 "not between",
		"grpc://host:http":                  "no number",
		"grpc://host:+80":                   "no number",
		"::1":                               "brackets",
		"grpc://::1:80":                     "brackets",
		"grpc://[::1":                       "not ]",
		"grpc://[::1]80":                    "goes on",
		"grpc://[host]:80":                  "no IPv6",
		"grpcs://s3cretkey@host":            "do not belong",
		"grpcs://host/main":                 "--remote-instance-name",
		"grpc://ho st":                      "' '",
		"grpc://höst":                       "'ö'",
		"grpc://a\nb":                       "control",
		"unix:":                             "needs the path",
		"unix://host/a":                     "absolute",
		"unix:/" + strings.Repeat("a", 200): "can have",
		strings.Repeat("a", 300):            "300 characters",
		strings.Repeat("a", 5000):           "5000 characters",
	} {
		_, err := parseAddress(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cretkey") {
			t.Errorf("%q: secret in %v", text, err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"grpc://host:80", "grpcs://[::1]:443", "unix:///a", "host", "[fe80::1%a]:1", "http://a", "a@b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Fatalf("%q", err)
			}
			return
		}
		again, err := parseAddress(a.String())
		if err != nil || again.dial != a.dial || again.tls != a.tls || again.network != a.network {
			t.Fatalf("%q is %q, which is %+v, %v", text, a, again, err)
		}
		if _, _, err := net.SplitHostPort(a.dial); a.network == "tcp" && err != nil {
			t.Fatal(err)
		}
	})
}
