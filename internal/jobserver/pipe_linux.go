// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package jobserver

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// openPipe opens the pipe whose ends we should have from make.
//
// Make 4.3 names the ends also for a command for which it has closed them: the numbers can
// be any file's by now. Ours must be the ends of one pipe, and handed to this program: what
// this program opened itself is closed when it runs another.
func openPipe(read, write int) (*Client, error) {
	if !isPipe(read, write) {
		return nil, errKept
	}
	c, err := openEnds("pipe", fmt.Sprintf("/proc/self/fd/%d", read), fmt.Sprintf("/proc/self/fd/%d", write))
	if err != nil {
		return nil, fmt.Errorf("make's jobserver, file descriptors %d and %d, cannot be opened: %w", read, write, err)
	}
	return c, nil
}

func isPipe(read, write int) bool {
	var r, w unix.Stat_t
	return unix.Fstat(read, &r) == nil && unix.Fstat(write, &w) == nil &&
		r.Mode&unix.S_IFMT == unix.S_IFIFO && r.Dev == w.Dev && r.Ino == w.Ino &&
		isEnd(read, unix.O_RDONLY) && isEnd(write, unix.O_WRONLY)
}

// isEnd says whether a descriptor was handed to this program, and for a direction.
func isEnd(fd, mode int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return false
	}
	flags, err = unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && (flags&unix.O_ACCMODE == mode || flags&unix.O_ACCMODE == unix.O_RDWR)
}
