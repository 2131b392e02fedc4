// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"crypto/sha256"
	"hash"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"lukechampine.com/blake3"

	"github.com/dtlto/dtlto/internal/cas"
)

// hasher makes the digests of this session's servers.
func (s *session) hasher() hash.Hash {
	if s.function == repb.DigestFunction_BLAKE3 {
		return blake3.New(len(cas.Digest{}.Hash), nil)
	}
	return sha256.New()
}

func (s *session) sum(b []byte) [32]byte {
	if s.function == repb.DigestFunction_BLAKE3 {
		return blake3.Sum256(b)
	}
	return sha256.Sum256(b)
}

// verify says whether b is the blob with digest d.
func (s *session) verify(d cas.Digest, b []byte) bool {
	return int64(len(b)) == d.Size && s.sum(b) == d.Hash
}
