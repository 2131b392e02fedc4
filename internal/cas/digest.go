// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Digest names a blob by its contents: their SHA-256 and their size in bytes,
// as the Remote Execution API does.
type Digest struct {
	Hash [sha256.Size]byte
	Size int64
}

// ActionKey names an action by the digest of its encoded description. It is a
// type of its own so that nobody looks for a blob under it by mistake.
type ActionKey Digest

// DigestOf is the digest of b.
func DigestOf(b []byte) Digest {
	return Digest{sha256.Sum256(b), int64(len(b))}
}

// DigestOfReader is the digest of everything that r gives.
func DigestOfReader(r io.Reader) (Digest, error) {
	d, readErr, _ := copyHashed(nil, r)
	return d, readErr
}

// DigestOfFile is the digest of the file at path, read in pieces.
func DigestOfFile(path string) (Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return Digest{}, err
	}
	defer f.Close()
	return DigestOfReader(f)
}

// String is "hash/size", the hash in hexadecimal.
func (d Digest) String() string {
	return hex.EncodeToString(d.Hash[:]) + "/" + strconv.FormatInt(d.Size, 10)
}

// String is "hash/size", the hash in hexadecimal.
func (k ActionKey) String() string { return Digest(k).String() }

// ParseDigest reads what [Digest.String] writes, and nothing else.
func ParseDigest(s string) (Digest, error) {
	hash, size, ok := strings.Cut(s, "/")
	var d Digest
	if !ok || len(hash) != 2*len(d.Hash) {
		return Digest{}, fmt.Errorf("digest %q: not of the form hash/size", s)
	}
	if _, err := hex.Decode(d.Hash[:], []byte(hash)); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	var err error
	if d.Size, err = strconv.ParseInt(size, 10, 64); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	if d.Size < 0 || d.String() != s {
		return Digest{}, fmt.Errorf("digest %q: not in its one spelling", s)
	}
	return d, nil
}
