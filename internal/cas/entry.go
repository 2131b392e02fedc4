// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

var (
	errNotFile = errors.New("not a file")
	errTooLong = errors.New("too long")
)

// openEntry opens a file that is too large for readEntry.
func openEntry(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, openFlags, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotFile
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// missed makes a miss of an error in reading an entry. What has the wrong form
// is removed; what cannot be read may be readable tomorrow.
func (d *Disk) missed(path string, miss *Miss, err error) *Miss {
	miss.Err = err
	switch {
	case errors.Is(err, fs.ErrNotExist):
		miss.Reason, miss.Err = Absent, nil
	case errors.Is(err, errVersion):
		miss.Reason = OtherVersion
	case isSystem(err):
		miss.Reason = Unreadable
	default:
		miss.Reason = Corrupt
		_ = os.Remove(path)
	}
	return miss
}

// isSystem tells what the operating system said from what the contents did.
func isSystem(err error) bool {
	_, ok := errors.AsType[syscall.Errno](err)
	return ok
}

// used notes that an entry last used at the time was is used now.
func (d *Disk) used(path string, was time.Time) {
	if now := d.options.Now(); now.Sub(was) >= useInterval || was.Sub(now) >= useInterval {
		_ = os.Chtimes(path, now, now)
	}
}

// onDisk is what a file of size bytes takes on most file systems.
func onDisk(size int64) int64 {
	const block = 4096
	return (size + block - 1) / block * block
}
