// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// confine makes a command the leader of a process group, which ends with its
// context, and with Options.Root puts it into the input root.
func confine(cmd *exec.Cmd, root, folder string, o Options) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { endGroup(cmd); return nil }
	if !o.Root {
		return
	}
	inside := filepath.Join("/", folder)
	if !o.Proc {
		cmd.SysProcAttr.Chroot, cmd.Dir = root, inside
		return
	}
	// The mount is gone with the last process of its namespace, however that ends.
	// It becomes the command, so that process and group are the same.
	cmd.Args = append([]string{"unshare", "--mount", "--root=" + root, "--wd=" + inside, "--mount-proc=/proc", "--", cmd.Path}, cmd.Args[1:]...)
	cmd.Path, cmd.Dir = "/usr/bin/unshare", "/"
}

// endGroup kills what is left of a command.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

// fillRoot adds what the kernel gives to a root folder: /dev/null, and where /proc
// is going to be.
func fillRoot(root string, proc bool) error {
	if err := os.MkdirAll(filepath.Join(root, "dev"), 0o777); err != nil {
		return err
	}
	null := filepath.Join(root, "dev", "null")
	if err := unix.Mknod(null, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		return &os.PathError{Op: "mknod", Path: null, Err: err}
	}
	if err := os.Chmod(null, 0o666); err != nil || !proc {
		return err
	}
	return os.MkdirAll(filepath.Join(root, "proc"), 0o777)
}
