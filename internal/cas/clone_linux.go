// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"os"

	"golang.org/x/sys/unix"
)

// cloneFile makes dst share src's blocks (btrfs, xfs, bcachefs and others).
func cloneFile(dst, src *os.File) error {
	return unix.IoctlFileClone(int(dst.Fd()), int(src.Fd()))
}
