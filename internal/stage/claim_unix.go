// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix && !solaris && !aix

package stage

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// errTaken says that a running link has the stage.
var errTaken = errors.New("in use by another link")

// lockName is a name that no compile's folder has.
const lockName = "lock"

// claim locks a stage that was just made. The lock goes with the process, however
// it ends. The error is errTaken if another process has swept the stage.
func claim(path string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errTaken
	}
	if err != nil {
		return nil, err
	}
	// Where there are no locks, nobody sweeps.
	if err := flock(lock); errors.Is(err, syscall.EWOULDBLOCK) || err == nil && !isAt(lock, lock.Name()) {
		_ = lock.Close()
		return nil, errTaken
	}
	return lock, nil
}

// sweep removes the stage at path if its link is gone.
func sweep(path string) {
	if os.Remove(path) == nil {
		return // it was empty: its link had not even locked it
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return // not a stage, or not ours
	}
	if flock(lock) != nil || !isAt(lock, lock.Name()) {
		_ = lock.Close()
		return
	}
	_ = discard(path, lock)
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// isAt says whether an open file is still the one at path.
func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, there)
}

// discard removes a stage whose lock we have. The lock goes last: what is left if
// we die meanwhile can be swept by the next link.
func discard(path string, lock *os.File) error {
	defer lock.Close()
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if e.Name() != lockName {
			err = errors.Join(err, os.RemoveAll(filepath.Join(path, e.Name())))
		}
	}
	return errors.Join(err, os.Remove(filepath.Join(path, lockName)), os.Remove(path))
}
