// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import "syscall"

// dieWithParent makes the kernel kill a child when we are killed ourselves.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
