// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// become runs the program at path and ends as it ends: Windows cannot replace
// a process.
func become(path string, words []string) error {
	return becomeAs(path, append([]string{path}, words...))
}

func becomeAs(path string, argv []string) error {
	cmd := exec.Command(path)
	cmd.Args = argv
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	}
	return fmt.Errorf("%s: cannot be run: %w", path, err)
}
