// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func killGroup(leader *os.Process) error { return leader.Kill() }
