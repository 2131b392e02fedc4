// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix && !linux

package processgroup

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}
