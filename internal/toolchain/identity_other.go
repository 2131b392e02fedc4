// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !unix

package toolchain

import (
	"os"
	"time"
)

// fileIdentity has nothing to add to path, size and time on this system.
func fileIdentity(string) string { return "" }

// changeTime is when a file was modified last: there is no better here.
func changeTime(path string) (time.Time, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), true
}
