// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// messageFile makes a file for what compilers print. It lies in memory, so
// that a full disk does not keep a compiler from saying that the disk is full.
func messageFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("compiler messages", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("no file for compilers' messages: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("no file for compilers' messages: %w", err)
	}
	return os.NewFile(uintptr(fd), "compiler messages"), nil
}
