// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package exec

import (
	"fmt"
	"os"
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
