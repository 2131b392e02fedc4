// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/remote"
)

// A file that is changed after it was digested, and keeps its size, reaches no server:
// not all would notice.
func TestChangedFilesAreNotSent(t *testing.T) {
	for name, o := range map[string]reapitest.Options{"batch": {}, "stream": {MaxBatch: 300}, "compressed": {MaxBatch: 300, Zstd: true}} {
		t.Run(name, func(t *testing.T) {
			server, c := start(t, o)
			digested := bytes.Repeat([]byte("before "), 10_000)
			now := bytes.Repeat([]byte("after. "), 10_000)
			blob := remote.Blob{Digest: cas.DigestOf(digested), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(now)), nil }}
			err := c.Ensure(t.Context(), []remote.Blob{blob})
			if err == nil || !strings.Contains(err.Error(), "its contents have changed") {
				t.Errorf("error %v", err)
			}
			if n := server.Stats().Blobs; n != 0 {
				t.Errorf("%d blobs arrived", n)
			}
			blob.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(digested)), nil }
			if err := c.Ensure(t.Context(), []remote.Blob{blob}); err != nil {
				t.Error(err)
			}
		})
	}
}
