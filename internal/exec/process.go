// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	osexec "os/exec"
	"runtime"
	"strings"
	"time"
)

// grace is how long a compiler may take to end, after it was asked to, before
// it is killed.
const grace = 2 * time.Second

// maxOutput bounds what is kept of one compiler's output, in bytes.
const maxOutput = 1 << 20

// finished is a process that ran.
type finished struct {
	failure string // an exit status or a signal in words, empty for success
	output  []byte
	cpu     time.Duration
}

// run runs a command to its end, or ends it when the context is done. The
// error says why it could not be run or that it was ended; that it failed is
// no error.
func (l *Local) run(args []string) (finished, error) {
	// The kernel is asked to kill the child when the thread that started it
	// dies, so the thread must live as long as the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	var output limitedBuffer
	cmd := osexec.CommandContext(l.ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = grace
	inGroup(cmd)
	cmd.Cancel = func() error { return endGroup(cmd.Process.Pid) }
	err := cmd.Run()
	if l.ctx.Err() != nil {
		if cmd.Process != nil {
			killGroup(cmd.Process.Pid)
		}
		return finished{}, context.Cause(l.ctx)
	}
	done := finished{output: output.bytes()}
	if cmd.ProcessState != nil {
		done.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	var exit *osexec.ExitError
	switch {
	case err == nil, errors.Is(err, osexec.ErrWaitDelay):
		// A child of the compiler's that keeps its output open is not waited for.
	case errors.As(err, &exit):
		done.failure = describe(exit.ProcessState)
	default:
		var path *fs.PathError
		if errors.As(err, &path) {
			err = fmt.Errorf("cannot run %s: %w", path.Path, path.Err)
		}
		return finished{}, err
	}
	return done, nil
}

// limitedBuffer keeps the first maxOutput bytes and counts the others.
type limitedBuffer struct {
	kept bytes.Buffer
	lost int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	room := max(maxOutput-b.kept.Len(), 0)
	if room > len(p) {
		room = len(p)
	}
	b.kept.Write(p[:room])
	b.lost += len(p) - room
	return len(p), nil
}

func (b *limitedBuffer) bytes() []byte {
	if b.lost > 0 {
		fmt.Fprintf(&b.kept, "\n[%d more bytes of output left out]\n", b.lost)
		b.lost = 0
	}
	return b.kept.Bytes()
}

// CommandLine is a command as a shell takes it.
func CommandLine(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = quote(arg)
	}
	return strings.Join(quoted, " ")
}

func quote(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=,:+@%^", r)
	}
	if arg != "" && strings.IndexFunc(arg, func(r rune) bool { return !plain(r) }) < 0 {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
