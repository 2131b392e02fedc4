// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"os"

	"github.com/dtlto/dtlto/internal/jobserver"
)

// jobserver finds out whom links share the processors with.
func (d *doctor) jobserver() {
	d.says.Jobserver = "none"
	if !d.settings.Jobserver {
		d.say("none", "jobserver", "links share the processors with nobody (--no-jobserver)")
		return
	}
	client, err := jobserver.Open(os.Getenv("MAKEFLAGS"))
	switch {
	case err == nil:
		defer client.Close()
		d.says.Jobserver = client.Kind()
		d.say("ok", "jobserver", "make's, a "+client.Kind()+": compiles take its tokens")
	case errors.Is(err, jobserver.ErrNone):
		d.say("none", "jobserver", "no jobserver (nothing here was started by make -j): links take turns with your other links")
	default:
		d.say("note", "jobserver", err.Error()+"; until then links take turns with your other links only")
	}
}
