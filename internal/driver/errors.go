// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// UsageError is a command line or an environment variable that cannot be
// followed.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Interrupted is the cause with which a context ends when a signal asks for it.
type Interrupted struct{ Signal os.Signal }

func (e *Interrupted) Error() string {
	if e.Signal == os.Interrupt {
		return "interrupted"
	}
	return fmt.Sprintf("ended by a signal (%s), or because the linker ended", e.Signal)
}

// Exit codes of the distributor and of dtlto's verbs.
const (
	exitDone           = 0
	exitCompile        = 1
	exitUsage          = 2
	exitInfrastructure = 3
	exitInterrupted    = 130
)

// ExitCode is the exit code that an error leads to: 1 for a compile that
// failed, 2 for a command line or job file that cannot be used, 130 for an
// interrupt, 3 for everything else.
func ExitCode(err error) int {
	var (
		interrupted *Interrupted
		failure     *exec.Failure
		usage       *UsageError
		jobFile     *thinlto.JobFileError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &interrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &failure):
		return exitCompile
	case errors.As(err, &usage), errors.As(err, &jobFile):
		return exitUsage
	}
	return exitInfrastructure
}
