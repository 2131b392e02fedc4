// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

var (
	errContents = errors.New("contents differ")
	errSize     = errors.New("size differs")
)

// cloneFrom is the size in bytes from which sharing blocks with the file system's
// help is tried. It saves writing them, but they are read from the disk anew:
// below, a copy is faster (measured up to 2 MiB on xfs and btrfs).
const cloneFrom = 4 << 20

// Materialise makes a file at path with the blob's verified contents; see
// [Blobs] and [Options].
func (d *Disk) Materialise(ctx context.Context, digest Digest, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.begin()
	from := d.entryPath(digest.Hash, blobKind)
	if digest.Size > smallBlob {
		return d.materialiseLarge(digest, from, path)
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	data, used, err := readEntry(from, *buffer, smallBlob)
	if err == nil {
		err = verify(data, digest)
	}
	if err != nil {
		return d.missed(from, &Miss{Blob: true, Digest: digest}, err)
	}
	d.used(from, used)
	if d.lend(from, path) {
		return nil
	}
	return writeAside(path, data)
}

func verify(data []byte, digest Digest) error {
	if int64(len(data)) != digest.Size {
		return errSize
	}
	if sha256.Sum256(data) != digest.Hash {
		return errContents
	}
	return nil
}

func writeAside(path string, data []byte) error {
	f, err := createAside(filepath.Dir(path), 0o666)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = f.Write(data)
	return finish(f, path, err)
}

// materialiseLarge does not hold the blob in memory.
func (d *Disk) materialiseLarge(digest Digest, from, path string) error {
	miss := &Miss{Blob: true, Digest: digest}
	src, info, err := openEntry(from)
	if err != nil {
		return d.missed(from, miss, err)
	}
	defer src.Close()
	if info.Size() != digest.Size {
		return d.missed(from, miss, errSize)
	}
	done, readErr := d.lendLarge(digest, src, path)
	if readErr == nil && !done {
		readErr, err = d.copyLarge(digest, src, path)
	}
	if readErr != nil {
		return d.missed(from, miss, readErr)
	}
	d.used(from, info.ModTime())
	return err
}

// lendLarge verifies src and links path to it, if that is possible here.
func (d *Disk) lendLarge(digest Digest, src *os.File, path string) (done bool, readErr error) {
	if !d.lends() {
		return false, nil
	}
	if err := verifyFile(nil, src, digest); err != nil {
		return false, err
	}
	if d.lend(src.Name(), path) {
		return true, nil
	}
	_, err := src.Seek(0, io.SeekStart)
	return false, err
}

// verifyFile digests src, and copies it to dst if that is not nil. An error of
// dst is a [writeError].
func verifyFile(dst io.Writer, src io.Reader, digest Digest) error {
	got, readErr, writeErr := copyHashed(dst, src)
	switch {
	case writeErr != nil:
		return &writeError{writeErr}
	case readErr != nil:
		return readErr
	case got != digest:
		return errContents
	}
	return nil
}

// writeError tells a failure of the output from one of the cache.
type writeError struct{ error }

// copyLarge makes path of src. What is verified is what was copied; shared
// blocks are verified through src, from where they may be in memory.
func (d *Disk) copyLarge(digest Digest, src *os.File, path string) (readErr, writeErr error) {
	f, err := createAside(filepath.Dir(path), 0o666)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if d.clone(f, src, digest.Size) {
		err = verifyFile(nil, src, digest)
	} else {
		err = verifyFile(f, src, digest)
	}
	writeErr = finish(f, path, err)
	if failed, ok := errors.AsType[*writeError](err); ok {
		return nil, fmt.Errorf("%s: %w", path, failed.error)
	}
	if err != nil {
		return err, nil
	}
	return nil, writeErr
}

// clone makes dst share src's blocks, or says that it could not.
func (d *Disk) clone(dst, src *os.File, size int64) bool {
	if size < cloneFrom || d.noClones.Load() {
		return false
	}
	if err := cloneFile(dst, src); err != nil {
		d.noClones.Store(true)
		return false
	}
	return true
}

func (d *Disk) lends() bool { return d.options.HardLinks && !d.noLinks.Load() }

// lend links path to the store's own file, or says that it could not: another
// file system, too many links, a kernel that protects other users' files.
func (d *Disk) lend(from, path string) bool {
	if !d.lends() {
		return false
	}
	err := os.Link(from, path)
	if errors.Is(err, os.ErrExist) && os.Remove(path) == nil {
		// A rename onto a link to the same file would do nothing.
		err = os.Link(from, path)
	}
	if isPermanent(err) {
		d.noLinks.Store(true)
	}
	return err == nil
}
