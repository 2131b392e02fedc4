// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"fmt"
	"io"

	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// Doctor tries what links would do here, step by step, and says of each step in words
// whether it works and, if not, what to do: the toolchains, the compiler, the cache, the
// jobserver and the cluster that was chosen. The error says how many did not work.
func Doctor(ctx context.Context, s *settings.Settings, connect Connect, compiler string, asJSON bool, w io.Writer) error {
	connect = becomeRemote(s, connect)
	if s.CacheDir != "" {
		toolchain.RememberIn(s.CacheDir)
	}
	d := &doctor{ctx: ctx, settings: s, connect: connect, w: w, trial: newTrial()}
	d.says.Version = Version()
	if asJSON {
		d.w = io.Discard
	}
	d.toolchains()
	works := d.step("compiler", func() (string, error) { return d.findCompiler(compiler) })
	if works {
		if compiler != "" { // otherwise it was chosen by its ld.lld
			d.step("ld.lld", d.fittingLinker)
		}
		d.linkerName()
		if len(s.Launcher) > 0 {
			d.step("launcher", d.tryLauncher)
		}
	}
	d.cache()
	d.jobserver()
	if works {
		d.cluster()
	}
	if asJSON {
		if err := writeJSON(w, &d.says); err != nil {
			return err
		}
	}
	if d.says.Failed > 0 {
		return fmt.Errorf("%d of %d checks failed", d.says.Failed, d.done)
	}
	return nil
}

type doctor struct {
	ctx      context.Context
	settings *settings.Settings
	connect  Connect
	w        io.Writer
	says     diagnosis
	done     int // checks that are shown as ok or failed

	client       Cluster
	capabilities remote.Capabilities
	compiler     string
	identity     toolchain.Identity
	trial        []byte // a module
	object       []byte // what the compiler makes of it here
}

// diagnosis is all that was found, as JSON.
type diagnosis struct {
	Version    string           `json:"version"`
	Failed     int              `json:"failed"` // checks
	Checks     []finding        `json:"checks"`
	Toolchains []toolchainFacts `json:"toolchains"`
	Cache      *cacheFacts      `json:"cache,omitzero"`
	Jobserver  string           `json:"jobserver"` // "pipe", "fifo" or "none"
}

// finding is what came of a check.
type finding struct {
	Check string `json:"check"`
	// Status is "ok", "fail", "note" (of something that works but could be better, or
	// that few need) or "none" (nothing was checked).
	Status string `json:"status"`
	Text   string `json:"text"` // what was found, or what is wrong and what to do
}

// labels are what is printed in front of a finding.
var labels = map[string]string{"ok": "ok  ", "fail": "FAIL", "note": "note", "none": "    "}

func (d *doctor) say(status, check, text string) {
	d.says.Checks = append(d.says.Checks, finding{check, status, text})
	if status == "ok" || status == "fail" {
		d.done++
	}
	if status == "none" {
		fmt.Fprintf(d.w, "%s  %s\n", labels[status], text)
		return
	}
	fmt.Fprintf(d.w, "%s  %s: %s\n", labels[status], check, text)
}

// step does a check, and prints what came of it.
func (d *doctor) step(what string, check func() (string, error)) bool {
	found, err := check()
	if err != nil {
		d.says.Failed++
		d.say("fail", what, err.Error())
		return false
	}
	d.say("ok", what, found)
	return true
}
