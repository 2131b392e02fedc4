// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"os"
	"path/filepath"
)

// renewDepfile gives a file these contents, all of them or what it had. One that has them
// already is left alone, as ninja wants it, unless it is to be newer: make would run the
// rule for it again and again. What is no regular file, such as /dev/stdout, is written to.
func renewDepfile(path string, contents []byte, newer bool) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, contents, 0o666)
	}
	if there, err := os.ReadFile(path); !newer && err == nil && bytes.Equal(there, contents) {
		return nil
	}
	aside, err := os.MkdirTemp(filepath.Dir(path), ".dtlto-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(aside) }()
	whole := filepath.Join(aside, filepath.Base(path))
	if err := os.WriteFile(whole, contents, 0o666); err != nil {
		return err
	}
	return os.Rename(whole, path)
}
