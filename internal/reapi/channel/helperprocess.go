// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/processgroup"
)

// Bounds of what is kept of a helper's output, in bytes: a credential is a few
// kilobytes, and of its complaint one line is shown.
const (
	maxHelperOutput = 1 << 20
	maxComplaint    = 4 << 10
)

// helperGrace is how long a helper's pipes are waited for after its end: something that it
// left running in the background may hold them.
const helperGrace = 500 * time.Millisecond

// bounded keeps the beginning of what is written to it. (The buffer is not embedded:
// its ReadFrom would get around Write.)
type bounded struct {
	kept bytes.Buffer
	room int
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	kept := p[:min(len(p), b.room)]
	b.room -= len(kept)
	b.over = b.over || len(kept) < len(p)
	b.kept.Write(kept)
	return len(p), nil
}

// runHelper runs a helper's get for a URI in a process group of its own, which is
// killed when ctx ends. What it prints may be a secret, so only the first line of its
// standard error gets into an error.
func runHelper(ctx context.Context, path, uri string) ([]byte, error) {
	request, err := json.Marshal(map[string]string{"uri": uri})
	if err != nil {
		return nil, err
	}
	output, complaint := &bounded{room: maxHelperOutput}, &bounded{room: maxComplaint}
	command := exec.CommandContext(ctx, path, "get")
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(request), output, complaint
	command.SysProcAttr = processgroup.Own()
	command.Cancel = func() error { processgroup.Kill(command.Process.Pid); return nil }
	command.WaitDelay = helperGrace
	if err := helperFailure(command.Run(), complaint.kept.String()); err != nil {
		return nil, err
	}
	if output.over {
		return nil, fmt.Errorf("printed more than %d bytes", maxHelperOutput)
	}
	return output.kept.Bytes(), nil
}

// helperFailure puts the end of a helper into words, which follow its name.
func helperFailure(err error, complaint string) error {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // the latter: it ended well, others hold its pipes
		return nil
	case !errors.As(err, &exit):
		return fmt.Errorf("cannot be run: %w", withoutPath(err))
	case exit.ExitCode() < 0:
		return fmt.Errorf("was ended by a signal (%s)%s", exit.ProcessState, firstLine(complaint))
	}
	return fmt.Errorf("exited with %d%s", exit.ExitCode(), firstLine(complaint))
}

// firstLine is the first line of a complaint that says anything, after a colon.
func firstLine(complaint string) string {
	for line := range strings.Lines(complaint) {
		if line = oneLine(line); line != "" {
			return ": " + cut(line, 200)
		}
	}
	return ""
}
