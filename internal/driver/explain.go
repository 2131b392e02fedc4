// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/report/page"
	"github.com/dtlto/dtlto/internal/settings"
)

// Explain says why modules were compiled in the last link of output, or, if that
// is empty, in the last link of all. With module, a name or a part of one, it
// speaks only of those, compiled or not. inJSON makes it JSON.
func Explain(s *settings.Settings, output, module string, inJSON bool, w io.Writer) error {
	folder, err := s.CacheFolder()
	if err != nil {
		return err
	}
	link, err := lastLink(recordFolder(folder), output)
	if err != nil && output != "" && module == "" {
		return fmt.Errorf("%w (of one module: dtlto explain OUTPUT MODULE)", err)
	}
	if err != nil {
		return err
	}
	jobs := link.Jobs
	if module != "" {
		if jobs = named(jobs, module); len(jobs) == 0 {
			return &UsageError{fmt.Errorf("%s: no module of the last link of %s has such a name", module, link.Output)}
		}
	}
	if module == "" {
		jobs = slices.DeleteFunc(slices.Clone(jobs), func(job record.Job) bool { return job.Outcome.FromCache() })
	}
	if inJSON {
		return writeJSON(w, explanation(link, jobs))
	}
	sayLink(w, link)
	if module == "" && allFirst(link.Jobs) {
		sayFirst(w, link.Jobs)
		return nil
	}
	for i := range jobs {
		sayJob(w, &jobs[i])
	}
	return nil
}

// explanation is what there is to say of some of a link's jobs.
func explanation(link *record.Link, jobs []record.Job) page.Link {
	some := *link
	some.Jobs = jobs
	p := pageLink(&some)
	for i := range p.Modules {
		p.Modules[i].Imports = nil // places in a list that has all modules
	}
	return p
}

// lastLink is the record of the last link of an output, or of the last link.
func lastLink(records, output string) (*record.Link, error) {
	if output == "" {
		saved, err := record.List(records)
		if err != nil {
			return nil, err
		}
		if len(saved) == 0 {
			return nil, &UsageError{fmt.Errorf("no link is on record (in %s): only distributed links with a cache are", records)}
		}
		output = saved[0].Output
	}
	output, err := filepath.Abs(output)
	if err != nil {
		return nil, err
	}
	link, err := record.Load(records, output)
	if err == nil && link == nil {
		err = &UsageError{fmt.Errorf("%s: no link of it is on record (in %s): only distributed links with a cache are", output, records)}
	}
	return link, err
}

// named are the jobs of a module: with just that name, else with that file name,
// else with a name that has it as a part.
func named(jobs []record.Job, module string) []record.Job {
	for _, is := range []func(name string) bool{
		func(name string) bool { return name == module || record.Readable(name) == module },
		func(name string) bool { return filepath.Base(record.Readable(name)) == module },
		func(name string) bool { return strings.Contains(name, module) },
	} {
		var found []record.Job
		for _, job := range jobs {
			if is(job.Module) {
				found = append(found, job)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func sayLink(w io.Writer, link *record.Link) {
	var counts [record.Outcomes]int
	for _, job := range link.Jobs {
		counts[job.Outcome]++
	}
	fmt.Fprintf(w, "%s, linked %s in %s: %s", link.Output, link.Started.Format(time.DateTime), seconds(link.Wall), count(len(link.Jobs), "module"))
	for outcome, n := range counts {
		if n > 0 {
			fmt.Fprintf(w, ", %d %s", n, record.Outcome(outcome))
		}
	}
	fmt.Fprintln(w)
}

// allFirst says whether all jobs, and more than one, were compiled because there was no
// earlier compile, and there is nothing else to say why.
func allFirst(jobs []record.Job) bool {
	return len(jobs) > 1 && !slices.ContainsFunc(jobs, func(job record.Job) bool {
		done := job.Outcome == record.Compiled || job.Outcome == record.Executed
		return !done || job.Before != nil || len(job.Why()) != 1 || len(job.IndexChanges) > 0
	})
}

// sayFirst says of all jobs at once what sayJob would say of each.
func sayFirst(w io.Writer, jobs []record.Job) {
	fmt.Fprintf(w, "no earlier compile of any is on record, as in a first link: all %d modules were compiled\n", len(jobs))
	n, source := 0, ""
	for i := range jobs {
		if filepath.IsAbs(jobs[i].Source) {
			n, source = n+1, cmp.Or(source, jobs[i].Source)
		}
	}
	if n > 0 {
		fmt.Fprintf(w, "  %d of them from an absolute path, such as %s, which is part of the bitcode: from another folder it is another module\n", n, source)
	}
}

func sayJob(w io.Writer, job *record.Job) {
	fmt.Fprintf(w, "%s: %s", record.Readable(job.Module), job.Outcome)
	switch {
	case job.Duration == 0:
	case job.Outcome.FromCache():
		fmt.Fprintf(w, " (compiling it took %s)", seconds(job.Duration))
	default:
		fmt.Fprintf(w, ", %s", seconds(job.Duration))
	}
	fmt.Fprintln(w)
	for _, why := range job.Why() {
		fmt.Fprintf(w, "  %s\n", why)
	}
	for _, change := range job.IndexChanges {
		fmt.Fprintf(w, "    %s\n", change)
	}
	if filepath.IsAbs(job.Source) && isNews(job) {
		fmt.Fprintf(w, "  it was compiled from %s, and the absolute path is part of its bitcode: from another folder it is another module\n", job.Source)
	}
}

// isNews says whether a job's own module is not the one of the compile before.
func isNews(job *record.Job) bool {
	before, now := job.Before.OwnModule(), job.Action.OwnModule()
	return before == nil || now == nil || before.Digest != now.Digest
}

// TriedLLVMs says with which LLVMs the canonical form of indexes was tried. Those of
// others that have the same layout have it as well; where something is not
// understood, only the names of modules are replaced.
func TriedLLVMs() string {
	majors := make([]string, len(bitcode.Tried))
	for i, major := range bitcode.Tried {
		majors[i] = strconv.Itoa(major)
	}
	return strings.Join(majors, ", ")
}
