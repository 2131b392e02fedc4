// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
)

// createAside makes a new file in folder, to be renamed when it is complete.
// Its name is short whatever its final name is, and its permissions are those
// of mode that the user's umask leaves, unlike [os.CreateTemp]'s.
func createAside(folder string, mode fs.FileMode) (*os.File, error) {
	for {
		path := filepath.Join(folder, fmt.Sprintf(".dtlto-%016x", rand.Uint64()))
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// finish closes f, which was made aside, and gives it its name; if err is not
// nil or anything fails, f is removed.
func finish(f *os.File, path string, err error) error {
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = replace(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// replace renames. Windows refuses if the file to be replaced is read-only.
func replace(old, path string) error {
	err := os.Rename(old, path)
	if err != nil && runtime.GOOS == "windows" && os.Remove(path) == nil {
		err = os.Rename(old, path)
	}
	return err
}

// keep gives f, which was made in the store's tmp folder, its place as an entry.
// After a failure nothing more is kept. f is closed in any case.
func (d *Disk) keep(f *os.File, size int64, path string, err error) {
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	_, statErr := os.Lstat(path)
	if err == nil {
		err = d.rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		d.stop(err)
	} else if statErr != nil {
		d.grew(onDisk(size))
	}
}

// rename makes the entry's folder if need be.
func (d *Disk) rename(old, path string) error {
	err := replace(old, path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o777); err == nil {
			err = replace(old, path)
		}
	}
	if _, statErr := os.Lstat(path); err != nil && runtime.GOOS == "windows" && statErr == nil {
		// Somebody is reading the entry that is there, which is as good.
		_ = os.Remove(old)
		return nil
	}
	return err
}

// createTmp makes a file in the store's tmp folder. Entries are read-only.
func (d *Disk) createTmp() (f *os.File, err error) {
	err = d.withLayout(func() error {
		f, err = createAside(d.in(tmpFolder), 0o444)
		return err
	})
	return f, err
}
