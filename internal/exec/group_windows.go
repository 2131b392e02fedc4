// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"fmt"
	"os"
	osexec "os/exec"
)

func inGroup(*osexec.Cmd) {}

// endGroup kills the compiler: Windows has no signal that asks it to end.
func endGroup(leader int) error {
	p, err := os.FindProcess(leader)
	if err != nil {
		return err
	}
	return p.Kill()
}

func killGroup(int) {}

func describe(state *os.ProcessState) string {
	return fmt.Sprintf("the compiler exited with %d", state.ExitCode())
}
