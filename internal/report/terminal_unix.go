// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package report

import (
	"os"

	"golang.org/x/sys/unix"
)

// usualWidth is that of terminals that do not know theirs: serial lines.
const usualWidth = 80

// terminalWidth is how many columns a terminal has now; false if file is none.
func terminalWidth(file *os.File) (int, bool) {
	var size *unix.Winsize
	err := control(file, func(fd int) (err error) {
		size, err = unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		return err
	})
	if err != nil {
		return 0, false
	}
	if size.Col == 0 {
		return usualWidth, true
	}
	return int(size.Col), true
}

// isForeground says whether this process may write to a terminal without getting into
// what others print: it has not been sent to the background. unknown is the answer for
// a terminal that is not this session's.
func isForeground(file *os.File, unknown bool) bool {
	var group int
	err := control(file, func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	if err != nil {
		return unknown
	}
	return group == unix.Getpgrp()
}

// control calls f with a file's descriptor, which stays as it is: Fd might make it a
// blocking one.
func control(file *os.File, f func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	failed := conn.Control(func(fd uintptr) { err = f(int(fd)) })
	if failed != nil {
		return failed
	}
	return err
}
