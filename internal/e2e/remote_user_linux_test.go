// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"os/exec"
	"syscall"
)

func runAs(cmd *exec.Cmd, user uint32) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
}
