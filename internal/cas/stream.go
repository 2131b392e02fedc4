// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"crypto/sha256"
	"io"
	"sync"
)

// smallBlob is the size in bytes up to which a blob is read, hashed and written
// in one piece, in a pooled buffer.
const smallBlob = 256 << 10

var buffers = sync.Pool{New: func() any {
	b := make([]byte, smallBlob)
	return &b
}}

// copyHashed copies src to dst, or nowhere if dst is nil, and digests what it
// copied. The errors of the two sides are kept apart: a cache that cannot be
// read is a miss, an output that cannot be written is a failure.
func copyHashed(dst io.Writer, src io.Reader) (digest Digest, readErr, writeErr error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	hash := sha256.New()
	for {
		n, err := src.Read(*buffer)
		piece := (*buffer)[:n]
		hash.Write(piece)
		digest.Size += int64(n)
		if dst != nil && n > 0 {
			if _, err := dst.Write(piece); err != nil {
				return digest, nil, err
			}
		}
		if err == io.EOF {
			hash.Sum(digest.Hash[:0])
			return digest, nil, nil
		}
		if err != nil {
			return digest, err, nil
		}
	}
}
