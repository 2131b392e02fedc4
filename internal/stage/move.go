// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package stage

import (
	"io"
	"os"
	"path/filepath"
)

// Move moves a file to a place that may be on another file system. The place
// has the whole file or what it had.
func Move(from, to string) error {
	renamed := os.Rename(from, to)
	if renamed == nil {
		return nil
	}
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return renamed
	}
	aside, err := os.MkdirTemp(filepath.Dir(to), ".dtlto-*")
	if err != nil {
		return renamed
	}
	defer func() { _ = os.RemoveAll(aside) }()
	whole := filepath.Join(aside, filepath.Base(to))
	if err := copyFile(from, whole); err != nil {
		return err
	}
	if err := os.Rename(whole, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// copyFile copies a file to one that is not there yet. Go lets the file system
// share the blocks where it can.
func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if closed := dst.Close(); err == nil {
		err = closed
	}
	return err
}
