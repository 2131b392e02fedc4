// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/report/page"
	"github.com/dtlto/dtlto/internal/settings"
)

// ReportOptions say what becomes of a report.
type ReportOptions struct {
	// File is where it goes: "-" for standard output, and if it is empty a file that is
	// named by the link's output, in the working folder.
	File string
	// JSON makes it JSON instead of a page.
	JSON bool
}

// ReportLink makes a page about the last link of output, or the last link of all if that
// is empty, and says on out where it is.
func ReportLink(s *settings.Settings, output string, o ReportOptions, out io.Writer) error {
	folder, err := s.CacheFolder()
	if err != nil {
		return err
	}
	link, err := lastLink(recordFolder(folder), output)
	if err != nil {
		return err
	}
	before, err := record.LoadBefore(recordFolder(folder), link.Output)
	if err != nil {
		return err
	}
	data := &page.Data{Link: pageLink(link)}
	if before != nil && !before.Started.Equal(link.Started) { // as while one is being kept
		pageBefore := pageLink(before)
		data.Before = &pageBefore
	}
	var b bytes.Buffer
	if o.JSON {
		if o.File == "" {
			o.File = "-"
		}
		err = writeJSON(&b, data)
	} else {
		err = page.Write(&b, data)
	}
	if err != nil {
		return err
	}
	return deliver(&b, o.File, filepath.Base(link.Output)+".report.html", out)
}

// deliver writes a report where it belongs.
func deliver(b *bytes.Buffer, file, name string, out io.Writer) error {
	if file == "-" {
		_, err := out.Write(b.Bytes())
		return err
	}
	if file == "" {
		file = name
	}
	if err := writeWhole(file, b.Bytes()); err != nil {
		return fmt.Errorf("%s: the report cannot be written: %w", file, withoutPath(err))
	}
	_, err := fmt.Fprintln(out, file)
	return err
}

// pageLink is a link as pages have it.
func pageLink(l *record.Link) page.Link {
	u := &l.Usage
	p := page.Link{
		Output: l.Output, Folder: l.Folder, Compiler: l.Compiler, Toolchain: l.Toolchain, Tool: l.Tool, Mode: l.Mode, Cluster: l.Cluster,
		Started: l.Started, Wall: l.Wall, CPU: u.CPU, OwnCPU: u.OwnCPU, Slots: l.Slots, ClusterSlots: l.ClusterSlots,
		PeakSlots: u.PeakSlots, PeakClusterSlots: u.PeakClusterSlots, HeldBack: u.HeldBack, Undone: u.Undone,
		Traffic: page.Traffic{Calls: u.Calls, Retries: u.Retries, Sent: u.Sent, Received: u.Received, Uploaded: u.Uploaded, Fetched: u.Fetched},
		Phases:  make([]page.Phase, len(l.Phases)), Modules: make([]page.Module, len(l.Jobs)),
	}
	for i, phase := range l.Phases {
		p.Phases[i] = page.Phase{Name: phase.Name, Start: phase.Start, End: phase.End}
	}
	places := placesOf(l.Jobs)
	for i := range l.Jobs {
		p.Modules[i] = pageModule(&l.Jobs[i], places)
	}
	return p
}

// placesOf are the jobs of modules. Of several of one name it is the first: the record does
// not tell from which of them others import.
func placesOf(jobs []record.Job) map[*record.Input]int {
	places := make(map[*record.Input]int, len(jobs))
	for i := range jobs {
		if own := jobs[i].Action.OwnModule(); own != nil {
			if _, ok := places[own]; !ok {
				places[own] = i
			}
		}
	}
	return places
}

func pageModule(job *record.Job, places map[*record.Input]int) page.Module {
	m := page.Module{
		Name: record.Readable(job.Module), Outcome: string(outcomes[job.Outcome]), Why: job.Why(), Changes: job.IndexChanges,
		Duration: job.Duration, Bitcode: job.Bitcode, Object: job.Object,
	}
	if job.Outcome == record.Failed && job.Reason != "" {
		m.Why = append(m.Why, strings.TrimSpace(job.Reason))
	}
	if r := job.Run; r != nil {
		m.Run = &page.Run{
			Cluster: r.Cluster, Slot: r.Slot, Start: r.Start, End: r.End, CPU: r.CPU, Memory: r.Memory, Worker: r.Worker,
			Queued: r.Queued, Fetching: r.Fetching, Executing: r.Executing, Uploading: r.Uploading,
		}
	}
	if job.Action == nil {
		return m
	}
	for i, input := range job.Action.Modules {
		if place, ok := places[input]; ok && i != job.Action.Own {
			m.Imports = append(m.Imports, place)
		}
	}
	return m
}
