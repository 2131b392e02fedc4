// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// Distribute makes the native objects that a job file asks for, as LLD's
// distributor. What compilers print goes to messages, and with it what went
// wrong; the error says it again in one piece only for the exit code.
func Distribute(ctx context.Context, jobFile string, s *Settings, messages io.Writer) error {
	started := time.Now()
	jobs, err := thinlto.ReadFile(jobFile)
	if err != nil {
		return err
	}
	if err := checkInputs(s.Inputs); err != nil {
		return err
	}
	if err := checkNames(jobs); err != nil {
		return err
	}
	compiles := compilesOf(jobs)
	var done summary
	local := exec.Local{
		Slots:       s.Jobs,
		KeepGoing:   s.KeepGoing,
		Env:         compilerEnvironment(),
		MemoryFloor: s.MinFreeMemory,
		Done: func(r exec.Result) {
			done.add(r)
			_, _ = messages.Write(r.Output)
		},
	}
	err = local.Run(ctx, compiles)
	if s.Summary && ExitCode(err) != exitInterrupted {
		done.print(messages, len(compiles), &local, time.Since(started))
	}
	return err
}

// checkInputs finds a missing input once, before every compile trips over it.
func checkInputs(files []string) error {
	for _, file := range files {
		_, err := os.Stat(file)
		var reason *fs.PathError
		if errors.As(err, &reason) {
			return &UsageError{fmt.Errorf("%s: cannot be an input of every compile: %w", file, reason.Err)}
		}
	}
	return nil
}

// checkNames refuses modules that a backend would not find in its index: LLVM 13
// to 22 write names with bytes above 127 wrongly into index shards, and a
// backend that does not find itself may make a wrong object without a word.
func checkNames(f *thinlto.JobFile) error {
	for i := range f.Jobs {
		for k, path := range f.Jobs[i].Inputs {
			if k != 1 && !lld.IsASCII(path) { // the second is the index itself
				return fmt.Errorf("%s: not ASCII, and LLVM damages such names of modules in index shards: "+
					"rename it, or link with -fuse-ld=dtlto, which then links in-process", path)
			}
		}
	}
	return nil
}

// backendArgs stand between the arguments common to all jobs and a job's own.
//
// Options in a Clang configuration file were meant for compiling sources;
// in-process LTO does not see them. Modules whose triples are spelled
// differently (Rust's has another vendor) are no reason for a warning: the
// linker took them. And the inputs are bitcode whatever their names end in:
// Clang takes a file with an ending that it does not know (.lo, none) for the
// linker's and makes no object.
var backendArgs = []string{"--no-default-config", "-Wno-override-module", "-Wno-linker-warnings", "-x", "ir"}

// compilerEnvironment is ours less the variables that change what clang does
// with a command line: in-process LTO does not read them.
func compilerEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "CCC_OVERRIDE_OPTIONS" || name == "CCC_ADD_ARGS"
	})
}

// compilesOf are the compiles of a job file.
func compilesOf(f *thinlto.JobFile) []exec.Compile {
	compiles := make([]exec.Compile, len(f.Jobs))
	for i := range f.Jobs {
		job := &f.Jobs[i]
		size, triple := lookAt(job.Module())
		args := slices.Concat(f.Args, backendArgs)
		if target := "--target=" + triple; triple != "" && !slices.Contains(f.Args, target) {
			args = append(args, target) // LTO compiles each module for its own; LLD names the first one's
		}
		compiles[i] = exec.Compile{
			Name:    job.Module(),
			Args:    append(args, job.Args...),
			Outputs: job.Outputs,
			Weight:  size,
		}
	}
	return compiles
}

// lookAt gives a module's size and target triple, as far as they can be told;
// the compiler will say what is wrong.
func lookAt(path string) (size int64, triple string) {
	f, err := os.Open(path)
	if err != nil {
		return 0, ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, ""
	}
	triple, _ = bitcode.TripleAt(f, info.Size())
	return info.Size(), triple
}
