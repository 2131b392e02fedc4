// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package channel

import (
	"os"
	"syscall"
)

// ownGroup makes a process the leader of a group of its own, so that what it starts
// can be ended with it and a terminal's interrupt reaches it through us.
func ownGroup() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(attr)
	return attr
}

func killGroup(leader *os.Process) error { return syscall.Kill(-leader.Pid, syscall.SIGKILL) }
