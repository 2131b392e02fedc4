// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent makes the kernel kill a child when we are killed ourselves.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// EndWithParent makes the kernel send us SIGTERM when the linker that started
// us dies: one that is killed cannot pass the signal on.
func EndWithParent() {
	parent := unix.Getppid()
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0)
	if unix.Getppid() != parent { // it died in between
		_ = unix.Kill(unix.Getpid(), unix.SIGTERM)
	}
}

// awaitExit waits until a child has ended, and leaves it to be waited for
// again: until then nothing else gets its number. It returns false if it cannot
// tell.
func awaitExit(pid int) bool {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil
		}
	}
}
