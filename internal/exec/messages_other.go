// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !linux

package exec

import (
	"fmt"
	"os"
)

// messageFile makes a file for what compilers print. It has no name any more
// where the system lets an open file be removed.
func messageFile() (*os.File, error) {
	file, err := os.CreateTemp("", "dtlto-messages-*")
	if err != nil {
		return nil, fmt.Errorf("no file for compilers' messages: %w", err)
	}
	_ = os.Remove(file.Name())
	return file, nil
}
