// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package record

import (
	"io/fs"
	"os"
)

func statOf(path string) (Stat, error) {
	info, err := os.Stat(path)
	return statFrom(path, info, err)
}

func statOfOpen(f *os.File) (Stat, error) {
	info, err := f.Stat()
	return statFrom(f.Name(), info, err)
}

func statFrom(path string, info fs.FileInfo, err error) (Stat, error) {
	if err != nil {
		return Stat{}, err
	}
	if !info.Mode().IsRegular() {
		return Stat{}, &fs.PathError{Op: "read", Path: path, Err: errNotFile}
	}
	return Stat{Size: info.Size(), ModTime: info.ModTime().UnixNano()}, nil
}

const openFlags = os.O_RDONLY
