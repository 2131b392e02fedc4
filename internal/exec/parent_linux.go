// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent makes the kernel kill a child when we are killed ourselves.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// EndWithParent makes the kernel send us SIGTERM when the linker that started
// us dies: one that is killed cannot pass the signal on.
func EndWithParent() { _ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0) }
