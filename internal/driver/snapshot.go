// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"time"

	"github.com/dtlto/dtlto/internal/filestat"
)

// snapshot is how the files were that a staged link reads several times: LLD in the
// thin link, the compilers, and LLD again. One that changes in between would give a
// program of two halves.
type snapshot map[string]filestat.Stat

// add notes how files are, unless they are noted. One that cannot be looked at is
// LLD's to complain of.
func (s snapshot) add(paths ...string) {
	for _, path := range paths {
		if _, ok := s[path]; ok {
			continue
		}
		if stat, err := contents(path); err == nil {
			s[path] = stat
		}
	}
}

// addOld notes how a file is that should not have changed since a time by the clock that
// stamps files; it is an *inProcess if it has.
func (s snapshot) addOld(path string, since time.Time) error {
	if _, ok := s[path]; ok {
		return nil
	}
	if stat, err := filestat.Of(path); err == nil && max(stat.ModTime, stat.ChangeTime) > since.UnixNano() {
		return wasChanged(path)
	}
	s.add(path)
	return nil
}

// check is an *inProcess if a file is not as it was. LLD alone opens each once.
func (s snapshot) check() error {
	for path, then := range s {
		if now, err := contents(path); err != nil || now != then {
			return wasChanged(path)
		}
	}
	return nil
}

func wasChanged(path string) error {
	return &inProcess{fmt.Errorf("%s was changed during the link", path), true}
}

// contents is what changes with a file's contents. A new hard link, or other
// permissions, change its change time.
func contents(path string) (filestat.Stat, error) {
	stat, err := filestat.Of(path)
	stat.ChangeTime, stat.Mount = 0, 0
	return stat, err
}
