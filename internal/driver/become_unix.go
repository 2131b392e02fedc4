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
	err = syscall.Exec(path, append([]string{path}, words...), os.Environ())
	return fmt.Errorf("%s: cannot be run: %w", path, err)
}
