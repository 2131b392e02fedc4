// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package jobserver

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// locks are files, each of which one process can have locked, and one more that all who
// wait have locked together.
type locks struct {
	folder  string
	waiting *os.File

	mu    sync.Mutex
	files []*os.File // nil until tried
	taken []bool     // by this process
}

// openLocks opens the locks in a folder; nil if they cannot be used. Nobody else may lock
// them, or another user could make ours wait. The folder's parent is not ours to make.
func openLocks(folder string, n int) *locks {
	_ = os.Mkdir(folder, 0o700)
	var s unix.Stat_t
	if unix.Lstat(folder, &s) != nil || s.Mode&unix.S_IFMT != unix.S_IFDIR || int(s.Uid) != os.Geteuid() || s.Mode&0o022 != 0 {
		return nil
	}
	l := &locks{folder: folder, files: make([]*os.File, max(n, 0)), taken: make([]bool, max(n, 0))}
	var err error
	if l.waiting, err = l.open("waiting"); err != nil || n < 1 {
		l.close()
		return nil
	}
	return l
}

func (l *locks) open(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(l.folder, name), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
}

// tryAny locks a file that nobody has locked. The last come first: links that have fewer
// do not ask for them.
func (l *locks) tryAny() (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.files) - 1; i >= 0; i-- {
		if !l.taken[i] && l.try(i) {
			l.taken[i] = true
			return i, true
		}
	}
	return 0, false
}

// try locks a file. One that cannot be opened or locked counts as free: rather too many
// compiles than a link that waits for ever.
func (l *locks) try(i int) bool {
	if l.files[i] == nil {
		var err error
		if l.files[i], err = l.open(strconv.Itoa(i)); err != nil {
			return true
		}
	}
	return !errors.Is(flock(l.files[i], unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}

func (l *locks) unlock(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken[i] = false
	if l.files[i] != nil {
		_ = flock(l.files[i], unix.LOCK_UN)
	}
}

// othersWait says whether another process waits for a lock. The caller does not.
func (l *locks) othersWait() bool {
	err := flock(l.waiting, unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		_ = flock(l.waiting, unix.LOCK_UN)
	}
	return errors.Is(err, unix.EWOULDBLOCK)
}

// beginWait lets others see that this process waits. It fails when another looks at the
// same moment.
func (l *locks) beginWait() bool { return flock(l.waiting, unix.LOCK_SH|unix.LOCK_NB) == nil }
func (l *locks) endWait()        { _ = flock(l.waiting, unix.LOCK_UN) }

func (l *locks) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.waiting.Close()
	for _, f := range l.files {
		_ = f.Close()
	}
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
