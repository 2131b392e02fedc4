// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix && !solaris && !aix

package stage

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// errTaken says that another link has the stage, or has just swept it.
var errTaken = errors.New("in use by another link")

// lockName is a name that no compile's folder has.
const lockName = "lock"

// claimed is a stage that this process has locked. It is held open: whatever
// somebody puts in its place in a shared folder, what is removed is this one's.
type claimed struct {
	root *os.Root
	lock *os.File // nil where there are no locks: nobody sweeps there
}

// claim locks a stage that was just made. The lock goes with the process, however
// it ends. The error is errTaken if it is another's by now.
func claim(path string) (*claimed, error) {
	root, err := openOwn(path)
	if err != nil {
		return nil, errTaken
	}
	lock, err := root.OpenFile(lockName, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		err = errTaken
	}
	if err == nil {
		if err = flock(lock); err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
			err = nil // there are no locks
		}
	}
	if err == nil && !isAt(root, lock) || errors.Is(err, syscall.EWOULDBLOCK) {
		err = errTaken
	}
	if err != nil {
		_ = lock.Close()
		_ = root.Close()
		return nil, err
	}
	return &claimed{root, lock}, nil
}

// sweep removes the stage at path if its link is gone.
func sweep(path string) {
	if os.Remove(path) == nil {
		return // it was empty: its link had not even locked it
	}
	root, err := openOwn(path)
	if err != nil {
		return
	}
	lock, err := root.OpenFile(lockName, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil || flock(lock) != nil || !isAt(root, lock) {
		_ = lock.Close()
		_ = root.Close()
		return // not a stage, or in use
	}
	_ = (&claimed{root, lock}).discard(path)
}

// openOwn opens a folder that belongs to us, and not what a link points to.
func openOwn(path string) (*os.Root, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(st.Uid) != os.Geteuid() {
		return nil, fs.ErrPermission
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	if opened, err := root.Stat("."); err != nil || !os.SameFile(opened, info) {
		_ = root.Close()
		return nil, fs.ErrPermission
	}
	return root, nil
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// isAt says whether the lock is still the one in the stage.
func isAt(root *os.Root, lock *os.File) bool {
	opened, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := root.Lstat(lockName)
	return err == nil && os.SameFile(opened, there)
}

// discard removes a stage. The lock goes last: what is left if we die meanwhile can
// be swept by the next link. Between that and the end another link may have made
// the folder its own: then it stays.
func (c *claimed) discard(path string) error {
	defer c.lock.Close()
	defer c.root.Close()
	folder, err := c.root.Open(".")
	if err != nil {
		return err
	}
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	for _, e := range entries {
		if e.Name() != lockName {
			err = errors.Join(err, c.root.RemoveAll(e.Name()))
		}
	}
	err = errors.Join(err, c.root.Remove(lockName))
	if last := os.Remove(path); err == nil && !errors.Is(last, fs.ErrNotExist) && !errors.Is(last, fs.ErrExist) {
		err = last // ErrExist: it is not empty
	}
	return err
}
