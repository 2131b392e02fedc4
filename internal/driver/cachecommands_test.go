// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/cas"
)

func TestRemoved(t *testing.T) {
	for n, want := range []string{"removed 0 entries, 0 bytes; 2 bytes are left\n", "removed 1 entry, 1 byte; 2 bytes are left\n", "removed 2 entries, 2 bytes; 2 bytes are left\n"} {
		var out strings.Builder
		sayRemoved(&out, cas.Removed{Entries: n, Bytes: int64(n), LeftBytes: 2})
		if out.String() != want {
			t.Errorf("%d: %q", n, out.String())
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 1023: "1023 bytes", 1536: "1.5 KiB", 1 << 50: "1024.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
