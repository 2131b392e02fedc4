// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package exec

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// describe says in words how a process that failed ended.
func describe(state *os.ProcessState) string {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		hint := ""
		if status.Signal() == syscall.SIGKILL {
			hint = " (out of memory?)"
		}
		return fmt.Sprintf("the compiler was ended by signal %d, %s%s", int(status.Signal()), status.Signal(), hint)
	}
	return fmt.Sprintf("the compiler exited with %d", state.ExitCode())
}

// exitCode is a process's exit code, 128 and its number for a signal.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// peakMemory is how much of a process was in memory at most, or of one that it waited for, in
// bytes. The kernel counts in KiB, Apple's in bytes.
func peakMemory(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	most := int64(usage.Maxrss) //nolint:unconvert // some systems have 32 bits
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return most
	}
	return most << 10
}
