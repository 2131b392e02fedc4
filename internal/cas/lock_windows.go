// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// tryLock locks f, or says that it is locked.
func tryLock(f *os.File) (bool, error) {
	const exclusive = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), exclusive, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

// isPermanent tells that no hard link will succeed here.
func isPermanent(err error) bool {
	return errors.Is(err, windows.ERROR_NOT_SAME_DEVICE) || errors.Is(err, windows.ERROR_NOT_SUPPORTED)
}
