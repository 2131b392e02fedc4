// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"fmt"
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

// endGroup kills the compiler: Windows has no signal that asks it to end.
func endGroup(leader int) { killGroup(leader) }

func killGroup(leader int) {
	if p, err := os.FindProcess(leader); err == nil {
		_ = p.Kill()
	}
}

func describe(state *os.ProcessState) string {
	return fmt.Sprintf("the compiler exited with %d", state.ExitCode())
}

func exitCode(state *os.ProcessState) int { return state.ExitCode() }
