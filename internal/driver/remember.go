// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/report"
)

// match finds each job's module in the link before.
func (b *backends) match() {
	if b.before == nil {
		return
	}
	modules := make([]string, len(b.jobs.Jobs))
	for i := range b.jobs.Jobs {
		modules[i] = b.real(b.jobs.Jobs[i].Module())
	}
	b.matches = b.before.Match(modules)
}

// weights are how long each job's compile will take: as long as last time, or what
// the others' times make of the module's size. measured is false if there are no times,
// and the weights are sizes.
func (b *backends) weights() (weights []time.Duration, measured bool) {
	weights = make([]time.Duration, len(b.jobs.Jobs))
	unknown := 0
	for i := range weights {
		if before := b.lastTime(i); before != nil && before.Duration > 0 {
			weights[i] = before.Duration
		} else {
			unknown++
		}
	}
	if unknown > 0 {
		b.estimate(weights)
	}
	return weights, unknown < len(weights)
}

// estimate fills in the weights that are 0.
func (b *backends) estimate(weights []time.Duration) {
	sizes := make([]float64, len(weights))
	var took, size float64
	for i := range weights {
		sizes[i] = float64(b.parts.size(b.jobs.Jobs[i].Module()))
		if weights[i] > 0 {
			took += float64(weights[i])
			size += sizes[i]
		}
	}
	perByte := 1.0
	if size > 0 {
		perByte = took / size
	}
	for i := range weights {
		if weights[i] == 0 {
			weights[i] = time.Duration(sizes[i] * perByte)
		}
	}
}

// lastTime is what became of a job's module in the link before, or nil.
func (b *backends) lastTime(number int) *record.Job {
	if b.matches == nil {
		return nil
	}
	return b.matches[number]
}

// remembered is what the next link is told of a job that has no outputs yet.
func (b *backends) remembered(p *planned) record.Job {
	job := record.Job{Module: p.module, IndexReason: p.odd}
	if before := b.lastTime(p.number); before != nil {
		job.Duration, job.Before = before.Duration, before.Completed()
	}
	if p.uncached != nil {
		job.Reason, job.Bitcode = p.uncached.Error(), b.parts.size(p.job.Module())
		return job
	}
	job.Action = &record.Action{
		Key: p.key, Toolchain: p.action.Toolchain, Args: p.action.Args, Env: p.action.Env,
		Index: p.shard, Modules: make([]*record.Input, len(p.modules)), Own: -1,
	}
	for i, path := range p.modules {
		job.Action.Modules[i] = b.input(path)
		if path == p.job.Module() {
			job.Action.Own, job.Bitcode = i, job.Action.Modules[i].Digest.Size
		}
	}
	for _, path := range b.extra {
		job.Action.Extra = append(job.Action.Extra, b.input(path))
	}
	return job
}

// input is a file as the record has it, the same for all who read it.
func (b *backends) input(path string) *record.Input {
	b.mu.Lock()
	defer b.mu.Unlock()
	input := b.inputs[path]
	if input == nil {
		digest, _ := b.digests.Of(path) // known: the action has it
		input = &record.Input{Path: b.real(path), Digest: digest}
		b.inputs[path] = input
	}
	return input
}

// note keeps how a job came to its outputs, and says what its compiler said.
func (b *backends) note(p *planned, o record.Outcome, r cas.Result) {
	messages := p.said(r.Messages)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[o]++
	if len(messages) > 0 {
		_, _ = b.view.messages.Write(messages)
		b.view.log.Add(&report.Message{Module: record.Readable(p.module), Text: string(messages)})
	}
	job := &b.done[p.number]
	job.Outcome, job.Duration, job.Object = o, r.Duration, p.objectSize(r)
	switch {
	case o.FromCache():
		job.Before = nil
	case p.uncached != nil:
		job.Reason = p.uncached.Error()
	case p.miss != nil:
		job.Reason = p.miss.Reason.String()
	}
}

// objectSize is how large an object is, in bytes.
func (p *planned) objectSize(r cas.Result) int64 {
	if len(r.Outputs) > 0 {
		return r.Outputs[0].Digest.Size
	}
	if info, err := os.Stat(p.job.Outputs[0]); err == nil {
		return info.Size()
	}
	return 0
}

// failed keeps that a job failed, if it did, and the cluster has not done it meanwhile.
func (b *backends) failed(p *planned, err error) error {
	failure, ok := errors.AsType[*exec.Failure](err)
	if !ok {
		return err
	}
	if !p.claim() {
		return exec.ErrLost
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[record.Failed]++
	b.done[p.number].Outcome, b.done[p.number].Reason = record.Failed, failure.Reason
	return err
}

// remember writes the link's record for the next one.
func (b *backends) remember() {
	if b.store == nil || b.edge {
		return
	}
	identity, _ := b.identity()
	link := record.Link{
		Output: b.output, Folder: b.folder, Started: b.started, Wall: time.Since(b.started),
		Compiler: b.compiler, Toolchain: identity.Digest, Jobs: b.done,
		Tool: "dtlto " + Version(), Mode: b.mode, Phases: b.view.phases,
		Slots: b.runner.Slots, ClusterSlots: b.runner.Away, Usage: b.usage(),
		// A file with a name of this link's own never comes again.
		Files: b.digests.Files(func(path string) bool { return b.real(path) == path }),
	}
	if b.cluster != nil {
		link.Cluster = clusterAddress(b.settings)
	}
	// A folder that cannot be written is the store's to report, if there was anything
	// to keep.
	if err := link.Save(b.records); err != nil && !errors.As(err, new(*fs.PathError)) {
		b.warn(err)
	}
}
