// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build linux || darwin

package driver

import "golang.org/x/sys/unix"

// freeSpace is how many bytes may be written to the file system of a folder, 0 if it does
// not say.
func freeSpace(folder string) int64 {
	var stat unix.Statfs_t
	if err := unix.Statfs(folder, &stat); err != nil {
		return 0
	}
	return int64(stat.Bavail) * int64(stat.Bsize) //nolint:unconvert // the types differ between systems
}
