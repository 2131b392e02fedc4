// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package processgroup

import "syscall"

// Own makes a process the leader of a group of its own, which the kernel kills when we
// are killed ourselves (Linux).
func Own() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(attr)
	return attr
}

// End asks the processes of a group to end.
func End(leader int) { _ = syscall.Kill(-leader, syscall.SIGTERM) }

// Kill kills what is left of a group.
func Kill(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) }
