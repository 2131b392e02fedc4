// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package synthetic makes the job files of large links: real thin links by LLD 22 of
// many small modules, which import as is asked for, with a compiler that only copies.
package synthetic

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/thinlto"
)

//go:embed compiler/copy.c
var compilerText string

// Calls says what the function of module i of n calls: those of the modules that it
// returns. Each module has one function. LLVM imports those that call few others.
type Calls func(i, n int) []int

// Around is 18 imports in each module, from others near and far.
func Around(i, n int) []int {
	calls := make([]int, len(distances))
	for k, distance := range distances {
		calls[k] = (i + distance) % n
	}
	return calls
}

var distances = []int{1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181}

// Shared is a link in which the first so many modules are imported by all others.
func Shared(imports int) Calls {
	return func(i, n int) []int {
		if i < imports {
			return nil
		}
		calls := make([]int, imports, imports+1)
		for k := range calls {
			calls[k] = k
		}
		// One more, so that every module is needed. With 40 calls it is too large to be
		// imported.
		return append(calls, imports+(i+1-imports)%(n-imports))
	}
}

// Make makes, in a new folder, the job file of a link with so many jobs, and returns
// its path. The objects are to be made in the folder "objects" in it, which has
// nothing else.
func Make(ctx context.Context, folder string, jobs int, calls Calls) (string, error) {
	modules, objects := filepath.Join(folder, "modules"), filepath.Join(folder, "objects")
	for _, dir := range []string{folder, modules, objects} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", err
		}
	}
	compiler := filepath.Join(folder, "copying-clang")
	if err := compile(ctx, compilerText, compiler, "-static"); err != nil {
		return "", err
	}
	responses, err := writeModules(ctx, modules, jobs, calls)
	if err != nil {
		return "", err
	}
	jobFile, err := measure.SaveJobs(ctx, []string{"ld.lld-22", "-o", filepath.Join(folder, "program"), "@" + responses}, compiler)
	if err != nil {
		return "", err
	}
	return jobFile, moveObjects(jobFile, objects, jobs)
}

// compile compiles C.
func compile(ctx context.Context, text, output string, flags ...string) error {
	cmd := exec.CommandContext(ctx, "clang-22", append(flags, "-O2", "-x", "c", "-", "-o", output)...)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("clang-22: %w\n%s", err, out)
	}
	return nil
}

// moveObjects has a job file's objects made in a folder, which is easily emptied.
func moveObjects(jobFile, folder string, want int) error {
	jobs, err := thinlto.ReadFile(jobFile)
	if err != nil {
		return err
	}
	if len(jobs.Jobs) != want {
		return fmt.Errorf("%s: %d jobs, want %d", jobFile, len(jobs.Jobs), want)
	}
	for i := range jobs.Jobs {
		job := &jobs.Jobs[i]
		object := filepath.Join(folder, filepath.Base(job.Object()))
		for k, arg := range job.Args {
			if arg == job.Object() {
				job.Args[k] = object
			}
		}
		job.Outputs[0] = object
	}
	out, err := os.Create(jobFile)
	if err != nil {
		return err
	}
	_, err = jobs.WriteTo(out)
	return errors.Join(err, out.Close())
}
