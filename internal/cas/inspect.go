// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"io"
	"path/filepath"
)

// What follows is for whoever looks at a store's files, and changes nothing.

// EntryPaths are where a store in folder keeps the blob, and the result, of a hash.
func EntryPaths(folder string, hash [32]byte) (blob, result string) {
	d := &Disk{folder: filepath.Clean(folder)}
	return d.entryPath(hash, blobKind), d.entryPath(hash, resultKind)
}

// ParseEntry reads the name of an entry's file, less its folder.
func ParseEntry(name string) (hash [32]byte, result, ok bool) {
	hash, k, ok := parseEntry(name)
	return hash, k == resultKind, ok
}

// IsResult says whether a file begins as that of a result does.
func IsResult(head []byte) bool {
	return len(head) >= len(resultMagic) && string(head[:len(resultMagic)]) == resultMagic
}

// ReadResult reads the file of a result, and of which action it is.
func ReadResult(r io.Reader) (ActionKey, Result, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxResult+1))
	if err == nil && len(b) > maxResult {
		err = errTooLong
	}
	if err != nil {
		return ActionKey{}, Result{}, err
	}
	return decodeAny(b)
}
