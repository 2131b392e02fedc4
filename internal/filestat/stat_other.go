// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package filestat

import (
	"io/fs"
	"os"
)

// Of is the Stat of the file at path, symbolic links followed. Without a change
// time it is never settled.
func Of(path string) (Stat, error) {
	info, err := os.Stat(path)
	return from(path, info, err)
}

// OfOpen is the Stat of an open file.
func OfOpen(f *os.File) (Stat, error) {
	info, err := f.Stat()
	return from(f.Name(), info, err)
}

func from(path string, info fs.FileInfo, err error) (Stat, error) {
	if err != nil {
		return Stat{}, err
	}
	if !info.Mode().IsRegular() {
		return Stat{}, &fs.PathError{Op: "read", Path: path, Err: ErrNotFile}
	}
	return Stat{Size: info.Size(), ModTime: info.ModTime().UnixNano()}, nil
}

// Open opens a file for reading.
func Open(path string) (*os.File, error) { return os.Open(path) }
