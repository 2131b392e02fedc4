// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package toolchain

import (
	"fmt"
	"io/fs"
	"syscall"
)

// fileIdentity tells two files of the same path, size and time apart.
func fileIdentity(info fs.FileInfo) string {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	}
	return ""
}
