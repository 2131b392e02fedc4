// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// UsageError is a command line that cannot be followed.
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
	ExitDone           = 0
	ExitCompile        = 1
	ExitUsage          = 2
	ExitInfrastructure = 3
	ExitInterrupted    = 130
)

// ExitCode is the exit code that an error leads to: 1 for a compile that
// failed, 2 for a command line or job file that cannot be used, 130 for an
// interrupt, 3 for everything else.
func ExitCode(err error) int {
	var (
		interrupted *Interrupted
		failure     *exec.Failure
		usage       *UsageError
		setting     *settings.Error
		jobFile     *thinlto.JobFileError
	)
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &interrupted), errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &failure):
		return ExitCompile
	case errors.As(err, &usage), errors.As(err, &setting), errors.As(err, &jobFile):
		return ExitUsage
	}
	return ExitInfrastructure
}
