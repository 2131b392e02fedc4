// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package driver

import (
	"syscall"
	"time"
)

// ownCPU is the processor time that this process itself has used.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
