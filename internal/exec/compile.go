// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	osexec "os/exec"
	"path/filepath"
	"time"
)

// Compile is one backend compile.
type Compile struct {
	// Do makes the compile's outputs, complete or not at all. It has a slot while
	// it runs, and may call the slot's Run as often as it needs to. Its error is a
	// *Failure, or what kept the compile from running.
	Do func(ctx context.Context, slot Slot) error
	// Away makes the outputs elsewhere; nil if that cannot be. Its error is a *NotAway if
	// the compile should be done here, and else as Do's. Of the two attempts at a compile
	// only one may touch the outputs; the other returns ErrLost. slot is the number of
	// its slot there, the lowest from 0 that nothing else has.
	Away func(ctx context.Context, slot int) error
	// Weight orders compiles, the heaviest first: how long it will take, in
	// whatever unit all of them have.
	Weight int64
}

// Slot is what a compile has while it runs here.
type Slot struct {
	Number int // the lowest from 0 that no other compile has
	Run    Run
}

// Run runs a command to its end, or until ctx ends: the error is then its
// cause. That the command failed is no error; that it could not be started is.
type Run func(ctx context.Context, c Command) (Ran, error)

// Command is a command for Run.
type Command struct {
	Path string   // of the program, absolute
	Args []string // the first is what the program is told that it is called
	Dir  string   // where it runs; empty for our own folder
	Env  []string // nil for our own
}

// Ran is a command that ran.
type Ran struct {
	Failure string // an exit status or a signal in words; empty for success
	Output  []byte // what it printed, perhaps cut
	CPU     time.Duration
	Wall    time.Duration
	Memory  int64 // the most that one process had resident, in bytes; 0 if not known
}

// Failure is a compile that did not make its object.
type Failure struct {
	// Name is what a person calls the compile: the path of its module.
	Name string
	// Reason completes "compile failed: ": an exit status, a signal, what is
	// wrong with the object.
	Reason string
	// Output is what the compiler printed, perhaps cut.
	Output []byte
	// Command is a command line that would repeat it.
	Command []string
}

func (f *Failure) Error() string { return f.Name + ": backend compile failed: " + f.Reason }

// FindCompiler gives the absolute path of the compiler that a command names, by
// path or to be looked for on PATH.
func FindCompiler(name string) (string, error) {
	path, err := FindProgram(name)
	if err != nil {
		err = fmt.Errorf("%s: cannot be run as the backend compiler: %w", name, err)
	}
	return path, err
}

// FindProgram is FindCompiler for any program. Its error does not name it.
func FindProgram(name string) (string, error) {
	path, err := osexec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	var (
		inFolder *fs.PathError
		e        *osexec.Error
	)
	switch {
	case errors.As(err, &inFolder):
		err = inFolder.Err
	case errors.As(err, &e):
		err = e.Err
	}
	if err != nil {
		return "", err
	}
	return path, nil
}
