// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"fmt"
	"os"
)

func describe(state *os.ProcessState) string {
	return fmt.Sprintf("the compiler exited with %d", state.ExitCode())
}

// peakMemory is not known here.
func peakMemory(*os.ProcessState) int64 { return 0 }

func exitCode(state *os.ProcessState) int { return state.ExitCode() }
