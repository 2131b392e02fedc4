// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"fmt"
	"os"
)

func describe(state *os.ProcessState) string {
	return fmt.Sprintf("the compiler exited with %d", state.ExitCode())
}

func exitCode(state *os.ProcessState) int { return state.ExitCode() }
