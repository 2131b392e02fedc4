// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

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
//
// It waits in Go's poller, on the child's pidfd: a thread that blocked in
// waitid would have Go's monitor wake some fifty times for each compile, which
// cost a millisecond of processor time.
func awaitExit(pid int) bool {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return waitid(pid, 0)
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	defer file.Close()
	conn, err := file.SyscallConn()
	if err == nil {
		err = conn.Read(func(uintptr) bool { return waitid(pid, unix.WNOHANG) })
	}
	return err == nil || waitid(pid, 0)
}

// waitid says whether a child has ended. Without WNOHANG it waits for that.
func waitid(pid, options int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|options, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && info.Signo == int32(unix.SIGCHLD)
		}
	}
}
