// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// Bounds on a [Result]. They are far above what a backend compile makes and
// keep a hostile result from taking memory.
const (
	MaxOutputs  = 256
	MaxName     = 4096      // bytes of an output's name
	MaxMessages = 256 << 10 // bytes of what the compiler printed
)

// Output is a file that an action made.
type Output struct {
	// Name is the action's name for the file: a relative path with slashes
	// that stays inside its folder (see [fs.ValidPath]).
	Name   string
	Digest Digest
}

// Result is what is known of an action that succeeded.
type Result struct {
	Outputs  []Output      // in the action's order
	Messages []byte        // what the compiler printed
	Duration time.Duration // how long the action took where it ran
}

// Check says why r is not fit to be kept, or nil.
func (r Result) Check() error {
	if len(r.Outputs) > MaxOutputs {
		return fmt.Errorf("%d outputs, more than %d", len(r.Outputs), MaxOutputs)
	}
	if len(r.Messages) > MaxMessages {
		return fmt.Errorf("%d bytes of messages, more than %d", len(r.Messages), MaxMessages)
	}
	if r.Duration < 0 {
		return fmt.Errorf("duration %v is negative", r.Duration)
	}
	for i, output := range r.Outputs {
		if err := output.check(); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

func (o Output) check() error {
	if len(o.Name) > MaxName || !fs.ValidPath(o.Name) || strings.ContainsAny(o.Name, "\x00\\") {
		return fmt.Errorf("name %.80q is not a relative path of at most %d bytes", o.Name, MaxName)
	}
	if o.Digest.Size < 0 {
		return fmt.Errorf("size %d is negative", o.Digest.Size)
	}
	return nil
}
