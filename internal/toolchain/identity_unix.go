// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package toolchain

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// fileIdentity tells two files of the same path, size and time apart, also if the
// time was set back.
func fileIdentity(path string) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return ""
	}
	return fmt.Sprintf("%d:%d:%d", st.Dev, st.Ino, unix.TimespecToNsec(st.Ctim))
}

// changeTime is when a file's contents or inode were changed last.
func changeTime(path string) (time.Time, bool) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	return time.Unix(st.Ctim.Unix()), err == nil
}
