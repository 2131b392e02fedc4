// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package processgroup

import (
	"os"
	"syscall"
)

// Own does nothing: Windows has no such groups.
func Own() *syscall.SysProcAttr { return nil }

// End kills the process: Windows has no signal that asks it to end.
func End(leader int) { Kill(leader) }

// Kill kills the process.
func Kill(leader int) {
	if p, err := os.FindProcess(leader); err == nil {
		_ = p.Kill()
	}
}
