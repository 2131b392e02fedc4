// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package filestat

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Of is the Stat of the file at path, symbolic links followed. A relink asks it
// for every input, so it goes straight to the kernel: [os.Stat] makes six
// allocations of it.
func Of(path string) (Stat, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Stat(path, &st) })
	if err != nil {
		return Stat{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	s, err := from(path, &st)
	if err == nil && s.wholeSecond() {
		return withMount(path, s)
	}
	return s, err
}

// OfOpen is the Stat of an open file.
func OfOpen(f *os.File) (s Stat, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return Stat{}, err
	}
	var statErr error
	err = raw.Control(func(fd uintptr) { s, statErr = ofDescriptor(f.Name(), int(fd)) })
	return s, errors.Join(err, statErr)
}

func ofDescriptor(path string, fd int) (Stat, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return Stat{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	s, err := from(path, &st)
	if err == nil && s.wholeSecond() {
		s.Mount = mountOf(fd, s.ChangeTime)
	}
	return s, err
}

func from(path string, st *unix.Stat_t) (Stat, error) {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Stat{}, &fs.PathError{Op: "read", Path: path, Err: ErrNotFile}
	}
	return Stat{
		Size:       st.Size,
		ModTime:    unix.TimespecToNsec(st.Mtim),
		ChangeTime: unix.TimespecToNsec(st.Ctim),
		Device:     uint64(st.Dev), //nolint:unconvert // of other types elsewhere
		Inode:      uint64(st.Ino), //nolint:unconvert
	}, nil
}

// Open opens a file for reading. A pipe that took its place is not waited for.
func Open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
}

// retry does again what a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
