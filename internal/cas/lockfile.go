// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"time"
)

// A lock is a file that is locked through the operating system, so it ends with
// the process that holds it, however that ends. The file is removed by its
// holder; one that a killed process left behind is in nobody's way.

// tryLockFile locks the file at path, which it makes if need be. It returns nil
// without an error if somebody else holds it.
func tryLockFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return nil, err
		}
		locked, err := tryLock(f)
		if locked && stillAt(f, path) {
			return f, nil
		}
		_ = f.Close()
		if err != nil {
			_ = os.Remove(path) // nobody can hold it
			return nil, err
		}
		if !locked {
			return nil, nil
		}
		// Its holder removed it between our opening and locking it.
	}
}

func stillAt(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(ours, there)
}

// unlockFile removes the file before it lets go of it, so that nobody can lock
// a file that is no longer there to be seen. Windows does not remove open
// files, and does not remove it either when another has opened it. nil is no lock.
func unlockFile(f *os.File) {
	if f == nil {
		return
	}
	if runtime.GOOS == "windows" {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return
	}
	_ = os.Remove(f.Name())
	_ = f.Close()
}

// lockFile waits for the lock. There is no queue: whoever asks next after it
// became free has it. The pauses grow to lastPause, which is little against
// a compile.
func lockFile(ctx context.Context, path string) (*os.File, error) {
	const firstPause, lastPause = time.Millisecond, 25 * time.Millisecond
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		f, err := tryLockFile(path)
		if f != nil || err != nil {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// removeUnlocked removes the lock files in a folder that nobody holds, and gives
// the time at which the oldest of the others was made, or the zero time.
func removeUnlocked(folder string) (oldest time.Time, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return oldest, nil
	}
	for _, entry := range entries {
		info, infoErr := entry.Info()
		f, lockErr := tryLockFile(folder + string(os.PathSeparator) + entry.Name())
		if f != nil {
			unlockFile(f)
		} else if lockErr == nil && infoErr == nil && (oldest.IsZero() || info.ModTime().Before(oldest)) {
			oldest = info.ModTime()
		}
	}
	return oldest, err
}
