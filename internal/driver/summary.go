// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"io"
	"time"

	"github.com/dtlto/dtlto/internal/exec"
)

// summary counts what a link's compiles came to.
type summary struct {
	compiled int
	cpu      time.Duration // of the compilers that made their outputs
}

func (s *summary) add(r exec.Result) {
	s.compiled++
	s.cpu += r.CPU
}

// print writes one line. The processor time of dtlto itself stands apart: it
// is what distributing costs.
func (s *summary) print(w io.Writer, jobs int, local *exec.Local, wall time.Duration) {
	memory := ""
	if local.HeldBack > 0 {
		memory = fmt.Sprintf(" (%d waited for memory)", local.HeldBack)
	}
	fmt.Fprintf(w, "dtlto: %d jobs, %d compiled, up to %d at a time%s, %s; processor time %s in compilers, %s in dtlto\n",
		jobs, s.compiled, local.MostRunning, memory, seconds(wall), seconds(s.cpu), seconds(ownCPU()))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }
