// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package processgroup

import "syscall"

func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
