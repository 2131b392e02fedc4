// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/dtlto/dtlto/internal/stage"
)

// renewDepfile gives a file these contents, all of them or what it had. One that has them
// already is left alone, as ninja wants it, unless it is to be newer: make would run the
// rule for it again and again. What is no regular file, such as /dev/stdout, is written to.
func renewDepfile(path string, contents []byte, newer bool) (err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, contents, 0o666)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return err
	}
	s := stage.For(path)
	defer func() { err = errors.Join(err, s.Remove()) }()
	if newer {
		return s.Write(path, "depfile", contents)
	}
	_, err = s.Renew(path, "depfile", contents)
	return err
}
