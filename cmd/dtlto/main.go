// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command dtlto distributes and caches the backend compiles of ThinLTO links.
// Called as ld.dtlto it is a linker; otherwise it is the distributor that LLD
// calls, and its tools.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/exec"
)

func main() { os.Exit(run(os.Args)) }

// run is the one place where an error becomes a message and an exit code.
func run(argv []string) int {
	settings := driver.DefaultSettings()
	if driver.IsLinkerName(argv[0]) && !driver.IsDistributorCall(argv[1:]) {
		code, err := driver.Link(argv[1:], settings, os.Getenv, driver.Streams{Out: os.Stdout, Err: os.Stderr}, untilSignal)
		return linkerCode(code, err)
	}
	exec.EndWithParent()
	ctx, stop := untilSignal()
	defer stop()
	err := rootCommand(settings, argv[1:]).ExecuteContext(ctx)
	if err != nil {
		driver.Report(os.Stderr, err, false)
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
		driver.Report(os.Stderr, err, true)
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
