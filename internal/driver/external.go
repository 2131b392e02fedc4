// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// distributor is the program that the user chose for the backends, with its
// arguments; ok is false if there is none.
func (l *staged) distributor() (program string, args []string, ok bool) {
	program, ok = l.command.Last("thinlto-distributor")
	return program, l.command.DistributorArgs(), ok && program != ""
}

// callDistributor has a distributor make the objects, as LLD 22 would: it is given a
// job file, behind its arguments, and all that the file names is there.
func (l *staged) callDistributor(ctx context.Context, program string, args []string, jobs *thinlto.JobFile) error {
	if err := l.writeOut(jobs); err != nil {
		return err
	}
	if err := l.relocate(jobs); err != nil {
		return err
	}
	name := fmt.Sprintf("%s.%d.dist-file.json", filepath.Base(jobs.Output), os.Getpid())
	jobFile, err := l.stage.Path("jobs", name)
	if err != nil {
		return err
	}
	jobs.Args = append(jobs.Args, backendArgs(l.major)...)
	if err := writeJobFile(jobFile, jobs); err != nil {
		return err
	}
	l.view.clear()
	defer l.view.phase("distributor")()
	code, err := exec.Tool(ctx, program, append(args, jobFile), nil, l.program.Out, l.program.Err)
	if err == nil && code != 0 {
		err = fmt.Errorf("DTLTO backend compilation: distributor execution failed: %s exited with %d", program, code)
	}
	if err != nil {
		return err
	}
	for _, job := range jobs.Jobs {
		if reason := checkObject(job.Object()); reason != "" {
			return fmt.Errorf("DTLTO backend compilation: %s: %s was to make %s: %s", job.Module(), program, job.Object(), reason)
		}
	}
	return nil
}

// relocate gives each job its module's relocation model if the link leaves it to
// them.
func (l *staged) relocate(jobs *thinlto.JobFile) error {
	if !l.backend.OwnRelocation {
		return nil
	}
	b := backends{settings: &settings.Settings{ModulePIC: true}, major: l.major}
	for i := range jobs.Jobs {
		job := &jobs.Jobs[i]
		note, err := b.noteOf(job.Module())
		if err != nil {
			return fmt.Errorf("%s: %w", job.Module(), err)
		}
		job.Args = append([]string{note.relocation()}, job.Args...)
	}
	return nil
}

func writeJobFile(path string, jobs *thinlto.JobFile) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = jobs.WriteTo(file)
	return errors.Join(err, file.Close())
}

// writeOut gives every module a name that can be opened, and each job an index with
// these names. If some modules are no files of their own all get new names, which
// sort as the old ones do: LLVM imports in that order.
func (l *staged) writeOut(jobs *thinlto.JobFile) error {
	if len(jobs.Parts) == 0 {
		return nil
	}
	files, err := l.moduleNames(jobs)
	if err != nil {
		return err
	}
	for i := range jobs.Jobs {
		job := &jobs.Jobs[i]
		if err := renameIn(job, files); err != nil {
			return fmt.Errorf("%s: %w", job.Module(), err)
		}
	}
	return nil
}

// moduleNames puts every module of the link into one folder, in order.
func (l *staged) moduleNames(jobs *thinlto.JobFile) (map[string]string, error) {
	ids := map[string]string{}
	for _, job := range jobs.Jobs {
		ids[job.Module()] = ""
		for _, id := range job.Imports() {
			ids[id] = ""
		}
	}
	for rank, id := range slices.Sorted(maps.Keys(ids)) {
		to, err := l.stage.Path("inputs", fmt.Sprintf("%06d.%s", rank, path.Base(id)))
		if err != nil {
			return nil, err
		}
		if part, ok := jobs.Parts[id]; ok {
			err = part.Extract(to)
		} else {
			err = link(id, to)
		}
		if err != nil {
			return nil, err
		}
		ids[id] = fromHere(to)
	}
	return ids, nil
}

// fromHere is a path from the working folder if it is in there: what is above may not
// be ASCII, and LLVM's own indexes damage such names.
func fromHere(file string) string {
	folder, err := os.Getwd()
	if err != nil {
		return file
	}
	if below, ok := strings.CutPrefix(file, folder+"/"); ok {
		return below
	}
	return file
}

// renameIn replaces the modules' names in a job and its index.
func renameIn(job *thinlto.Job, files map[string]string) error {
	index, err := os.ReadFile(job.Index())
	if err != nil {
		return err
	}
	rename := func(id string) (string, bool) { file, ok := files[id]; return file, ok }
	shard, err := bitcode.Canonicalise(index, rename, bitcode.Options{KeepBlockCount: true})
	if err != nil {
		return err
	}
	renamed := job.Index() + ".renamed"
	if err := os.WriteFile(renamed, shard.Data, 0o666); err != nil {
		return err
	}
	job.Args = slices.Clone(job.Args)
	job.Args[0], job.Args[1] = files[job.Module()], "-fthinlto-index="+renamed
	for i, id := range job.Inputs {
		job.Inputs[i] = files[id]
	}
	job.Inputs[1] = renamed
	return nil
}
