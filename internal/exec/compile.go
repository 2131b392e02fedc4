// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"strings"
	"time"
)

// Compile is one backend compile.
type Compile struct {
	// Name is what a person calls it: the path of its module.
	Name string
	// Args is the command, the compiler first. Each path of Outputs stands in
	// it as an argument of its own or behind the '=' of one.
	Args []string
	// Outputs are the files that it makes, the object first.
	Outputs []string
	// Weight orders compiles, the heaviest first, where no better is known:
	// the size of the module in bytes.
	Weight int64
}

// Failure is a compile that did not make its object.
type Failure struct {
	Compile *Compile
	// Reason completes "compile failed: ": an exit status, a signal, what is
	// wrong with the object.
	Reason string
	// Output is what the compiler printed, perhaps cut.
	Output []byte
}

func (f *Failure) Error() string { return f.Compile.Name + ": backend compile failed: " + f.Reason }

// Result is a compile that made its outputs.
type Result struct {
	Compile *Compile
	// Output is what the compiler printed: warnings.
	Output []byte
	// CPU is the processor time of the compiler.
	CPU time.Duration
}

// attempt runs a compile with its outputs redirected into aside, and moves
// them into place when it has made them. The error is a *Failure, or what
// kept the compile from running.
func (r *running) attempt(c *Compile, messages *os.File) (Result, error) {
	temporary, err := r.aside.names(c.Outputs)
	if err != nil {
		return Result{}, err
	}
	run, err := r.processes.run(r.ctx, r.compiler, redirect(c.Args, c.Outputs, temporary), messages)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", c.Name, err)
	}
	result := Result{Compile: c, Output: run.output, CPU: run.cpu}
	reason := run.failure
	if reason == "" {
		reason = checkObject(temporary[0])
	}
	if reason != "" {
		return result, &Failure{Compile: c, Reason: reason, Output: run.output}
	}
	for i, output := range c.Outputs {
		if err := os.Rename(temporary[i], output); err != nil {
			if i > 0 && errors.Is(err, os.ErrNotExist) {
				return result, &Failure{c, "the compiler exited with 0 but made no " + output, run.output}
			}
			return result, fmt.Errorf("%s: cannot put its output in place: %w", c.Name, err)
		}
	}
	return result, nil
}

// checkObject says what is wrong with an object, or nothing. Clang exits with
// 0 and an empty object when a module that it imports from cannot be opened
// (seen with 14, 16, 19 and 22).
func checkObject(path string) string {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "the compiler exited with 0 but made no object"
	case err != nil:
		return "the object cannot be read: " + err.Error()
	case info.Size() == 0:
		return "the compiler exited with 0 but the object is empty (one of its inputs could not be read?)"
	}
	return ""
}

// redirect replaces the outputs in a command by other paths.
func redirect(args, from, to []string) []string {
	redirected := make([]string, len(args))
	copy(redirected, args)
	for i, arg := range args {
		prefix, path := "", arg
		if k := strings.IndexByte(arg, '='); k >= 0 && strings.HasPrefix(arg, "-") {
			prefix, path = arg[:k+1], arg[k+1:]
		}
		for j := range from {
			if path == from[j] {
				redirected[i] = prefix + to[j]
			}
		}
	}
	return redirected
}

// lookup finds the compiler of all commands once, so that what is wrong with it
// is said once too.
func lookup(compiler string) (string, error) {
	path, err := osexec.LookPath(compiler)
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
		return "", fmt.Errorf("%s: cannot be run as the backend compiler: %w", compiler, err)
	}
	return path, nil
}
