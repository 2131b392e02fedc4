// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package record

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// statOf follows symbolic links. A relink asks it for every input, so it goes
// straight to the kernel: [os.Stat] makes six allocations of it.
func statOf(path string) (Stat, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Stat(path, &st) })
	if err != nil {
		return Stat{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return statFrom(path, &st)
}

func statOfOpen(f *os.File) (Stat, error) {
	var st unix.Stat_t
	raw, err := f.SyscallConn()
	if err != nil {
		return Stat{}, err
	}
	var statErr error
	err = raw.Control(func(fd uintptr) {
		statErr = retry(func() error { return unix.Fstat(int(fd), &st) })
	})
	if err = errors.Join(err, statErr); err != nil {
		return Stat{}, &fs.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	return statFrom(f.Name(), &st)
}

func statFrom(path string, st *unix.Stat_t) (Stat, error) {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Stat{}, &fs.PathError{Op: "read", Path: path, Err: errNotFile}
	}
	return Stat{
		Size:       st.Size,
		ModTime:    unix.TimespecToNsec(st.Mtim),
		ChangeTime: unix.TimespecToNsec(st.Ctim),
		Device:     uint64(st.Dev), //nolint:unconvert // of other types elsewhere
		Inode:      uint64(st.Ino), //nolint:unconvert
	}, nil
}

// openFlags keep a pipe that took a file's place from being waited for.
const openFlags = os.O_RDONLY | unix.O_NONBLOCK

// retry does again what a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
