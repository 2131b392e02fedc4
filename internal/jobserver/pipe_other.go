// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix && !linux

package jobserver

import "errors"

// openPipe cannot open another description of a pipe here, and in the one that all share
// a wait cannot be ended.
func openPipe(int, int) (*Client, error) {
	return nil, errors.New("make's jobserver is a pipe, which is used on Linux alone: use GNU make 4.4, whose jobserver is a file")
}
