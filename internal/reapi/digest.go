// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"lukechampine.com/blake3"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

func message(d cas.Digest) *repb.Digest {
	return &repb.Digest{Hash: hex.EncodeToString(d.Hash[:]), SizeBytes: d.Size}
}

// messages makes many of them in three allocations: a cold link asks for thousands.
func messages(n int, digest func(i int) cas.Digest) []*repb.Digest {
	room := make([]byte, 0, 2*len(cas.Digest{}.Hash)*n)
	structs, pointers := make([]repb.Digest, n), make([]*repb.Digest, n)
	for i := range n {
		d := digest(i)
		room = hex.AppendEncode(room, d.Hash[:])
		structs[i].SizeBytes = d.Size
		pointers[i] = &structs[i]
	}
	text, width := string(room), 2*len(cas.Digest{}.Hash)
	for i := range n {
		structs[i].Hash = text[i*width : (i+1)*width]
	}
	return pointers
}

// parse reads a digest that a server sent.
func parse(m *repb.Digest) (d cas.Digest, err error) {
	if len(m.GetHash()) != 2*len(d.Hash) || m.GetSizeBytes() < 0 {
		return d, fmt.Errorf("digest %.80q of %d bytes is none", m.GetHash(), m.GetSizeBytes())
	}
	if _, err := hex.Decode(d.Hash[:], []byte(m.Hash)); err != nil {
		return d, fmt.Errorf("digest %q: %w", m.Hash, err)
	}
	d.Size = m.SizeBytes
	return d, nil
}

// resource is the name of a blob for byte streams (remote_execution.proto,
// ContentAddressableStorage). Other digest functions than SHA-256 are part of it.
func (s *session) resource(d cas.Digest, compressed bool) string {
	kind := "blobs/"
	if compressed {
		kind = "compressed-blobs/zstd/"
	}
	if s.function == repb.DigestFunction_BLAKE3 {
		kind += "blake3/"
	}
	return kind + hex.EncodeToString(d.Hash[:]) + "/" + strconv.FormatInt(d.Size, 10)
}

// uploadResource has a random part, for a server may take up an upload again.
func (s *session) uploadResource(d cas.Digest, compressed bool) string {
	return s.prefix + "uploads/" + remote.UUID() + "/" + s.resource(d, compressed)
}

func (s *session) readResource(d cas.Digest, compressed bool) string {
	return s.prefix + s.resource(d, compressed)
}

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
