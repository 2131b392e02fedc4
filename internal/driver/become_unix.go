// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package driver

import (
	"fmt"
	"os"
	"syscall"
)

// become turns this process into the program at path, so that signals, exit
// code and terminal are the program's without anything in between.
func become(path string, words []string) error {
	words, err := shorten(words)
	if err != nil {
		return err
	}
	return becomeAs(path, append([]string{path}, words...))
}

// becomeAs is become with the name that the program is told first, and words that are
// not too long.
func becomeAs(path string, argv []string) error {
	err := syscall.Exec(path, argv, os.Environ())
	return fmt.Errorf("%s: cannot be run: %w", path, err)
}
