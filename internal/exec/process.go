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
)

// grace is how long a compiler may take to end, after it was asked to, before
// it is killed.
const grace = 2 * time.Second

// maxOutput bounds what is kept of one compiler's output, in bytes.
const maxOutput = 1 << 20

// processes are the running compilers of one Run, so that they can be ended
// together.
type processes struct {
	null *os.File // what they read

	mu      sync.Mutex
	ended   bool
	running map[int]bool // leaders of process groups
}

// run runs a command to its end, or until end ends it: the error is then why
// ctx is done. That the command failed is no error; that it could not be
// started is. Its output goes through a file: a pipe would need a reader, and
// would stay open for as long as whatever the compiler left running.
func (p *processes) run(ctx context.Context, c Command, output *os.File) (Ran, error) {
	started := time.Now()
	process, err := p.start(ctx, c, output)
	if err != nil {
		return Ran{}, err
	}
	if awaitExit(process.Pid) {
		killGroup(process.Pid) // what the compiler left running; the number is still its own
	}
	state, err := process.Wait()
	p.forget(process.Pid)
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
	done := Ran{Output: text, Wall: time.Since(started), CPU: state.UserTime() + state.SystemTime()}
	if !state.Success() {
		done.Failure = describe(state)
	}
	return done, nil
}

// start starts a command as the leader of a process group, unless all are
// being ended.
func (p *processes) start(ctx context.Context, c Command, output *os.File) (*os.Process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil, context.Cause(ctx)
	}
	process, err := os.StartProcess(c.Path, c.Args, &os.ProcAttr{Dir: c.Dir, Env: c.Env, Files: []*os.File{p.null, output, output}, Sys: ownGroup()})
	if err != nil {
		var reason *fs.PathError
		if errors.As(err, &reason) {
			err = fmt.Errorf("cannot run %s: %w", reason.Path, reason.Err)
		}
		return nil, err
	}
	if p.running == nil {
		p.running = map[int]bool{}
	}
	p.running[process.Pid] = true
	return process, nil
}

func (p *processes) forget(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, pid)
}

// end asks all running compilers to end, kills those that have not after the
// grace, and lets no more start.
func (p *processes) end() {
	p.each(endGroup)
	time.AfterFunc(grace, func() { p.each(killGroup) })
}

func (p *processes) each(signal func(leader int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for pid := range p.running {
		signal(pid)
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
