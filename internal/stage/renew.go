// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package stage

import (
	"bytes"
	"os"
	"path/filepath"
)

// Renew gives the file at a path these contents, all of them or what it had, and makes
// its folder. A file that has them already is left alone: who goes by times of change, as
// make and ninja do, sees that nothing happened to it; changed is false then. name is that
// of a file in the stage which nobody else uses.
func (s *Stage) Renew(path, name string, contents []byte) (changed bool, err error) {
	if same(path, contents) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return true, err
	}
	return true, s.Write(path, name, contents)
}

// Write is Renew for a file that is to be newer in any case, in a folder that is there.
func (s *Stage) Write(path, name string, contents []byte) error {
	aside, err := s.Path("renewed", name)
	if err != nil {
		return err
	}
	if err := os.WriteFile(aside, contents, 0o666); err != nil {
		return err
	}
	return Move(aside, path)
}

func same(path string, contents []byte) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(contents)) {
		return false
	}
	there, err := os.ReadFile(path)
	return err == nil && bytes.Equal(there, contents)
}
