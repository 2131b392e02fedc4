// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/remote"
)

const secret = "s3cr3t-t0ken"

func TestHeadersOfAService(t *testing.T) {
	o := &remote.Options{
		Headers:      []remote.Header{{Name: "X-Both", Value: "1"}},
		ExecHeaders:  []remote.Header{{Name: "x-exec", Value: ""}},
		CacheHeaders: []remote.Header{{Name: "x-raw-bin", Value: "\x00\xff"}},
	}
	for service, want := range map[Service][]string{
		Execution: {"x-both", "1", "x-exec", ""},
		Storage:   {"x-both", "1", "x-raw-bin", "\x00\xff"},
	} {
		if got, err := staticHeaders(service, o); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestHeadersThatCannotBeSet(t *testing.T) {
	for _, h := range []remote.Header{
		{Name: "", Value: secret}, {Name: "authorization: Bearer " + secret}, {Name: ":path", Value: secret},
		{Name: "grpc-timeout", Value: secret}, {Name: "Content-Type", Value: secret}, {Name: "te", Value: secret},
		{Name: "a", Value: secret + "\n"}, {Name: "a", Value: secret + "\x00"}, {Name: "a", Value: secret + "ü"},
		{Name: "Build.Bazel.Remote.Execution.v2.RequestMetadata-bin", Value: secret},
	} {
		_, err := Open("grpc://localhost:1", Execution, &remote.Options{ExecHeaders: []remote.Header{h}})
		if err == nil || !strings.HasPrefix(err.Error(), "--remote-exec-header: ") || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", h.Name, err)
		}
	}
}

func TestMergedHeaders(t *testing.T) {
	got := merge([]string{"a", "1", "b", "2"}, []string{"b", "3", "b", "4"})
	if want := []string{"b", "3", "b", "4", "a", "1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
