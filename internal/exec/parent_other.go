// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !linux

package exec

import "syscall"

// dieWithParent has no equivalent on this system.
func dieWithParent(*syscall.SysProcAttr) {}

// EndWithParent has no equivalent on this system.
func EndWithParent() {}
