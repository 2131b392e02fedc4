// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"context"
	"fmt"
	"os"
)

// Put takes the file at path in; see [Blobs]. It is copied, so that the entry
// belongs to the store alone.
func (d *Disk) Put(ctx context.Context, path string) (Digest, error) {
	if err := ctx.Err(); err != nil {
		return Digest{}, err
	}
	if d.stopped.Load() {
		return DigestOfFile(path)
	}
	src, err := os.Open(path)
	if err != nil {
		return Digest{}, err
	}
	defer src.Close()
	d.begin()
	tmp, err := d.createTmp()
	if err != nil {
		d.stop(err)
		return DigestOfReader(src)
	}
	digest, readErr, writeErr := d.takeIn(tmp, src)
	if readErr != nil || writeErr != nil {
		return d.notTaken(tmp, path, readErr, writeErr)
	}
	d.keep(tmp, digest.Size, d.entryPath(digest.Hash, blobKind), nil)
	return digest, nil
}

// takeIn copies src. Shared blocks are hashed through the copy: src may be
// written to meanwhile.
func (d *Disk) takeIn(tmp, src *os.File) (digest Digest, readErr, writeErr error) {
	info, err := src.Stat()
	if err != nil {
		return Digest{}, err, nil
	}
	if !info.Mode().IsRegular() {
		return Digest{}, fmt.Errorf("%s: %w", src.Name(), errNotFile), nil
	}
	if d.clone(tmp, src, info.Size()) {
		digest, writeErr, _ = copyHashed(nil, tmp)
		return digest, nil, writeErr
	}
	return copyHashed(tmp, src)
}

// notTaken removes tmp. If it was the store that failed, the digest is still
// wanted.
func (d *Disk) notTaken(tmp *os.File, path string, readErr, writeErr error) (Digest, error) {
	_ = tmp.Close()
	_ = os.Remove(tmp.Name())
	if readErr != nil {
		return Digest{}, readErr
	}
	d.stop(writeErr)
	return DigestOfFile(path)
}
