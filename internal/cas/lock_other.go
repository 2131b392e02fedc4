// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package cas

import (
	"errors"
	"os"
)

func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }

// isPermanent tells that no hard link will succeed here.
func isPermanent(err error) bool { return err != nil && !errors.Is(err, os.ErrExist) }
