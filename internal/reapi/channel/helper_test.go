// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/remote"
)

func TestChooseHelper(t *testing.T) {
	all := []remote.CredentialHelper{
		{Scope: "*.example.com", Path: "domain"}, {Path: "old"}, {Path: "any"}, {Scope: "*.b.Example.com", Path: "deeper"},
		{Scope: "a.b.example.com", Path: "host"}, {Scope: "example.org", Path: "only"},
	}
	for address, want := range map[string]string{
		"a.b.example.com": "host", "A.B.example.com:80": "host", "c.b.example.com": "deeper", "b.example.com": "deeper",
		"x.example.com": "domain", "example.com": "domain", "notexample.com": "any", "example.org": "only",
		"www.example.org": "any", "grpc://[::1]": "any", "unix:/a": "",
	} {
		a, err := parseAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		got, err := chooseHelper(a, all)
		if err != nil || got == nil != (want == "") || got != nil && got.Path != want {
			t.Errorf("%s: %+v, %v; want %s", address, got, err, want)
		}
	}
	for _, scope := range []string{"*", "*.", "a b", "a/b", "*.*.c", "a*"} {
		_, err := chooseHelper(address{network: "unix"}, []remote.CredentialHelper{{Scope: scope}})
		line(t, err, "--credential-helper", scope)
	}
}

func TestHelperURI(t *testing.T) {
	for address, want := range map[string]string{
		"host": "https://host", "grpcs://host:443": "https://host", "grpc://host": "https://host:80",
		"grpc://host:8980": "https://host:8980", "[::1]": "https://[::1]", "[::1]:8": "https://[::1]:8",
	} {
		a, err := parseAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := helperURI(a); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func FuzzReadCredential(f *testing.F) {
	f.Add(`{"headers":{"Authorization":["Bearer s3cr3t-t0ken"]},"expires":"2026-01-02T03:04:05Z"}`)
	f.Add(`{"headers":{"te":["s3cr3t-t0ken"]}}`)
	f.Add(`{"expires":"2026-01-02T03:04Z"}`)
	f.Add("{}")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := readCredential([]byte(text), now)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q", err)
			}
			return
		}
		if c.renewal.After(c.expires) || c.renewal.Before(now) || len(c.headers)%2 != 0 {
			t.Fatalf("%q: %+v", text, c)
		}
		for i := 0; i < len(c.headers); i += 2 {
			if _, err := checkHeader(c.headers[i], c.headers[i+1]); err != nil {
				t.Fatal(err)
			}
		}
	})
}
