// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package cas_test

import (
	"syscall"
	"time"
)

// processorTime is what this process has used so far, the kernel's part included.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
