// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package corpus

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Cost is what a command took. CPU is that of all processes it waited for.
type Cost struct{ Wall, CPU time.Duration }

// Link links inputs to output with the program's driver and the flags, and
// returns what that cost and what was printed.
func (o Objects) Link(ctx context.Context, inputs []string, output string, flags ...string) (Cost, string, error) {
	args := slices.Concat(flags, inputs, []string{"-o", output})
	cmd := exec.CommandContext(ctx, o.Driver, args...)
	start := time.Now()
	text, err := cmd.CombinedOutput()
	cost := Cost{Wall: time.Since(start)}
	if err != nil {
		return cost, string(text), fmt.Errorf("%s %s: %w\n%s", o.Driver, strings.Join(flags, " "), err, text)
	}
	cost.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return cost, string(text), nil
}
