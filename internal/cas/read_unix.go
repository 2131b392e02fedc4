// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package cas

import (
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// readEntry reads the whole of a file of at most limit bytes, into buffer if it
// has the room, and tells when it was last modified. Two of these are in every
// hit: straight to the kernel they take 1.6 µs each, through [os.File] 3.5 µs.
// Links are not followed, and nothing that is not a file is waited for.
func readEntry(path string, buffer []byte, limit int64) ([]byte, time.Time, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, time.Time{}, err
	}
	used := time.Unix(stat.Mtim.Unix())
	switch {
	case stat.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, used, errNotFile
	case stat.Size > limit:
		return nil, used, errTooLong
	case stat.Size > int64(len(buffer)):
		buffer = make([]byte, stat.Size)
	}
	return buffer[:stat.Size], used, readFull(fd, buffer[:stat.Size])
}

func readFull(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := retry(func() (int, error) { return unix.Read(fd, data) })
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		data = data[n:]
	}
	return nil
}

// openFlags are the flags of a file that is too large for readEntry.
const openFlags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK

// retry does again what a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
