// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package command is the command line of the programs: what they are called as, verbs
// and flags, and the one place where an error becomes a message and an exit code.
package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/settings"
)

// Main runs a program: as ld.dtlto a linker, otherwise the distributor that LLD calls,
// and its tools. connect is nil in a program that has no client for clusters.
func Main(argv []string, connect driver.Connect) (code int) {
	believeNoAlias()
	s := settings.Default()
	if driver.IsLinkerName(argv[0]) && !driver.IsDistributorCall(argv[1:]) {
		if slices.Contains(argv[1:], "--dtlto-help") {
			printLinkerHelp(os.Stdout)
			return driver.ExitDone
		}
		code, err := driver.Link(argv[1:], s, os.Getenv, &driver.Program{Out: os.Stdout, Err: os.Stderr, Connect: connect, UntilSignal: untilSignal})
		return linkerCode(code, err)
	}
	exec.EndWithParent()
	ctx, stop := untilSignal()
	defer stop()
	err := rootCommand(s, argv[1:], connect).ExecuteContext(ctx)
	if err != nil {
		driver.PrintError(os.Stderr, err, false)
	}
	return driver.ExitCode(err)
}

// linkerCode is the linker's exit code: LLD's own, and 1, which is what LLD exits
// with, for an error.
func linkerCode(code int, err error) int {
	switch failed := driver.ExitCode(err); failed {
	case driver.ExitDone:
		return code
	case driver.ExitCompile:
		driver.PrintError(os.Stderr, err, true)
	case driver.ExitInterrupted:
		fmt.Fprintf(os.Stderr, "ld.dtlto: error: %v\n", err)
		return failed
	default:
		fmt.Fprintf(os.Stderr, "ld.dtlto: error: %v\n", err)
	}
	return 1
}

// untilSignal is a context that ends with a *driver.Interrupted at the first
// signal that asks a program to end, or when the linker that called us dies.
// Nobody reading our messages any more is no reason to end.
func untilSignal() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // as under nohup
			signal.Notify(signals, s)
		}
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() { cancel(&driver.Interrupted{Signal: <-signals}) }()
	return ctx, func() { signal.Stop(signals) }
}

// believeNoAlias forgets a name of the working folder that is another folder for every
// process, which Go and Clang would believe: Bazel's actions have PWD=/proc/self/cwd.
func believeNoAlias() {
	if strings.HasPrefix(os.Getenv("PWD"), "/proc/") {
		_ = os.Unsetenv("PWD")
	}
}
