// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/stage"
)

// take puts what the cluster made of a job in its places, and keeps it. The error is
// an *exec.Failure if the cluster made nothing useful, a *cas.Miss if it does not have
// what it made.
func (c *cluster) take(ctx context.Context, p *attempt, r remote.Result) error {
	p.wasExecuted(&r)
	outputs, err := c.outputsOf(p.planned, r)
	if err != nil {
		return err
	}
	files := make([]remote.File, len(outputs))
	for i, output := range outputs {
		files[i].Output = output
		if files[i].Path, err = c.stage.Path("remote", strconv.Itoa(p.number)+"."+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	if err := c.client.Fetch(ctx, files); err != nil {
		return err
	}
	if !p.claim() {
		for _, f := range files {
			_ = os.Remove(f.Path) // else the stage goes with it
		}
		return exec.ErrLost
	}
	for i, f := range files {
		if err := p.move(f.Path, p.job.Outputs[i]); err != nil {
			return err
		}
	}
	if !r.Cached {
		c.explain(ctx, p.planned)
	}
	return c.keep(ctx, p.planned, r)
}

// explain keeps what there is to say of a compile that was not here.
func (c *cluster) explain(ctx context.Context, p *planned) {
	path, err := c.stage.Path("explain-"+strconv.Itoa(p.number), action.IndexName)
	if err != nil {
		return
	}
	folder := &stage.Folder{Path: filepath.Dir(path)}
	defer folder.Remove()
	if index, err := c.index(p); err == nil && folder.Write(action.IndexName, index) == nil {
		c.noteForExplain(ctx, p, folder)
	}
}

// outputsOf are the outputs in the order of the action's, the object with something in
// it.
func (c *cluster) outputsOf(p *planned, r remote.Result) ([]remote.Output, error) {
	failed := func(reason string) error {
		if r.Worker != "" {
			reason += " (on " + printable(r.Worker) + ")"
		}
		return &exec.Failure{Name: p.module, Reason: reason, Output: p.said(r.Messages), Command: p.command}
	}
	if r.ExitCode != 0 {
		return nil, failed(fmt.Sprintf("the compiler exited with %d", r.ExitCode))
	}
	made := make(map[string]remote.Output, len(r.Outputs))
	for _, output := range r.Outputs {
		made[output.Name] = output
	}
	outputs := make([]remote.Output, len(p.action.Outputs))
	for i, name := range p.action.Outputs {
		output, ok := made[name]
		if !ok {
			return nil, failed("the compiler exited with 0 but made no " + p.job.Outputs[i])
		}
		outputs[i] = output
	}
	if outputs[0].Digest.Size == 0 {
		return nil, failed("the compiler exited with 0 but the object is empty (one of its inputs could not be read?)")
	}
	return outputs, nil
}

// printable is a name that a server gave, fit to be printed.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) || len(name) > 200 {
		return fmt.Sprintf("%.200q", name)
	}
	return name
}

// keep keeps a result of the cluster's here too: its inputs were what their digests
// say, whatever became of the files meanwhile.
func (c *cluster) keep(ctx context.Context, p *planned, r remote.Result) error {
	result := cas.Result{Messages: r.Messages, Duration: r.Duration}
	if p.uncached == nil {
		var err error
		if result, err = cas.Keep(ctx, c.store, p.key, p.places(), result); err != nil {
			return err
		}
	}
	outcome := record.Executed
	if r.Cached {
		outcome = record.RemoteCached
	}
	c.note(p, outcome, result)
	return nil
}

func inMemory(data []byte) remote.Blob {
	return remote.Blob{Digest: cas.DigestOf(data), Data: bytes.Clone(data)}
}
