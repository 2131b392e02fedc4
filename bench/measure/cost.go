// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package measure is what the benchmark programs have in common: building what is
// measured, asking clang for its linker's command line, running commands in turns
// and saying what they cost.
package measure

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Cost is what a command took.
type Cost struct {
	Wall time.Duration
	CPU  time.Duration // user and system time of the command and of all that it waited for
	// Memory is the most that the command, or any one process that it waited for, had
	// resident, in bytes. Linux counts from the most that we had ourselves.
	Memory int64
}

// Run runs a command in a folder (empty for this one) and returns what that cost
// and what was printed. The error has both the command and its words.
func Run(ctx context.Context, folder string, argv []string) (Cost, string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var said bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, &said, &said
	start := time.Now()
	err := cmd.Run()
	cost := Cost{Wall: time.Since(start)}
	if err != nil {
		return cost, said.String(), fmt.Errorf("%.300s: %w\n%s", strings.Join(argv, " "), err, said.String())
	}
	cost.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		cost.Memory = usage.Maxrss << 10 // Linux counts in KiB
	}
	return cost, said.String(), nil
}

// ProcessorTime is what this process has used so far.
func ProcessorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A Way is one of the ways of doing something that are compared.
type Way struct {
	Name  string
	Do    func(ctx context.Context) (Cost, error)
	Costs []Cost
}

// TakeTurns does it in each way as often as rounds says, and once before that
// for what only a first time costs. Each round begins with another way, so that
// what else the machine does falls on all alike. before, if not nil, is called
// ahead of each round, the first having number 0.
func TakeTurns(ctx context.Context, rounds int, ways []*Way, before func(round int) error) error {
	for round := range rounds + 1 {
		if before != nil {
			if err := before(round); err != nil {
				return err
			}
		}
		for i := range ways {
			way := ways[(i+round)%len(ways)]
			cost, err := way.Do(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", way.Name, err)
			}
			if round > 0 {
				way.Costs = append(way.Costs, cost)
			}
		}
	}
	return nil
}

// Wall is the median of the wall times.
func (w *Way) Wall() time.Duration {
	return median(w.Costs, func(c Cost) time.Duration { return c.Wall })
}

// CPU is the median of the processor times.
func (w *Way) CPU() time.Duration {
	return median(w.Costs, func(c Cost) time.Duration { return c.CPU })
}

// Memory is the most of all runs, in bytes.
func (w *Way) Memory() int64 {
	return slices.MaxFunc(w.Costs, func(a, b Cost) int { return int(a.Memory - b.Memory) }).Memory
}

func median(costs []Cost, of func(Cost) time.Duration) time.Duration {
	values := make([]time.Duration, 0, len(costs))
	for _, c := range costs {
		values = append(values, of(c))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// Ratio is a in units of b.
func Ratio(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }

// MS is a duration in milliseconds.
func MS(d time.Duration) float64 { return d.Seconds() * 1000 }
