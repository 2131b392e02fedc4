// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/dtlto/dtlto/internal/processgroup"
)

// Tool runs a program to its end, in a process group of its own and with our environment
// if env is nil, and returns its exit code, that of a signal as a shell has it. When ctx is done the program is asked to
// end, killed after a grace, and the error is why ctx is done.
func Tool(ctx context.Context, path string, args, env []string, stdout, stderr io.Writer) (code int, err error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, stdout, stderr
	cmd.SysProcAttr = processgroup.Own()
	cmd.Cancel = func() error {
		processgroup.End(cmd.Process.Pid)
		return nil
	}
	cmd.WaitDelay = grace
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return exitCode(exit.ProcessState), nil
	}
	return 0, fmt.Errorf("cannot run %s: %w", path, err)
}
