// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dtlto/dtlto/internal/processgroup"
)

// grace is how long a compiler may take to end, after it was asked to, before
// it is killed.
const grace = 2 * time.Second

// maxOutput bounds what is kept of one compiler's output, in bytes.
const maxOutput = 1 << 20

// processes starts compilers, and ends them.
type processes struct {
	null *os.File // what they read

	mu      sync.Mutex
	running map[*os.Process]bool // leaders of process groups that are not waited for yet
}

// run runs a command to its end, or until ctx is done, which ends it: the error is
// then why. That the command failed is no error; that it could not be
// started is. Its output goes through a file: a pipe would need a reader, and
// would stay open for as long as whatever the compiler left running.
func (p *processes) run(ctx context.Context, c Command, output *os.File) (Ran, error) {
	started := time.Now()
	process, err := p.start(ctx, c, output)
	if err != nil {
		return Ran{}, err
	}
	defer context.AfterFunc(ctx, func() { p.end(process) })()
	if awaitExit(process.Pid) {
		processgroup.Kill(process.Pid) // what the compiler left running; the number is still its own
	}
	state, err := process.Wait()
	p.forget(process)
	if ctx.Err() != nil {
		return Ran{}, context.Cause(ctx)
	}
	if err != nil {
		return Ran{}, fmt.Errorf("%s: cannot be waited for: %w", c.Path, err)
	}
	text, err := readOutput(output)
	if err != nil {
		return Ran{}, err
	}
	done := Ran{Output: text, Wall: time.Since(started), CPU: state.UserTime() + state.SystemTime(), Memory: peakMemory(state)}
	if !state.Success() {
		done.Failure = describe(state)
	}
	return done, nil
}

// start starts a command as the leader of a process group.
func (p *processes) start(ctx context.Context, c Command, output *os.File) (*os.Process, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	process, err := os.StartProcess(c.Path, c.Args, &os.ProcAttr{Dir: c.Dir, Env: c.Env, Files: []*os.File{p.null, output, output}, Sys: processgroup.Own()})
	if err != nil {
		var reason *fs.PathError
		if errors.As(err, &reason) {
			err = fmt.Errorf("cannot run %s: %w", reason.Path, reason.Err)
		}
		return nil, err
	}
	if p.running == nil {
		p.running = map[*os.Process]bool{}
	}
	p.running[process] = true
	return process, nil
}

func (p *processes) forget(process *os.Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, process)
}

// end asks a compiler to end, and kills it if it has not after the grace.
func (p *processes) end(process *os.Process) {
	p.signal(process, processgroup.End)
	time.AfterFunc(grace, func() { p.signal(process, processgroup.Kill) })
}

// signal sends a signal unless the compiler was waited for: its number may be
// another's then.
func (p *processes) signal(process *os.Process, signal func(leader int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[process] {
		signal(process.Pid)
	}
}

// readOutput takes what a process wrote, at most maxOutput bytes of it, and
// empties the file for the next.
func readOutput(file *os.File) ([]byte, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return nil, err
	}
	text := make([]byte, min(size, maxOutput))
	if _, err := file.ReadAt(text, 0); err != nil {
		return nil, err
	}
	if size > maxOutput {
		text = fmt.Appendf(text, "\n[%d more bytes of output left out]\n", size-maxOutput)
	}
	if err := file.Truncate(0); err != nil {
		return nil, err
	}
	_, err = file.Seek(0, io.SeekStart)
	return text, err
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
