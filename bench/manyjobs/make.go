// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/bench/measure"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// Each module has one function, and it calls those of the modules that are so
// many behind it in the link: its job then has these to import from.
var calls = []int{1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181}

//go:embed compiler/copy.c
var compilerText string

// makeLink makes, in a new folder, the job file of a thin link of so many
// modules by LLD 22, with a compiler that only copies, and returns its path.
func makeLink(ctx context.Context, folder string, jobs int) (string, error) {
	if jobs <= calls[len(calls)-1] {
		return "", fmt.Errorf("%d jobs are too few, need more than %d", jobs, calls[len(calls)-1])
	}
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
	responses, err := writeModules(ctx, modules, jobs)
	if err != nil {
		return "", err
	}
	jobFile, err := measure.SaveJobs(ctx, []string{"ld.lld-22", "-o", filepath.Join(folder, "program"), "@" + responses}, compiler)
	if err != nil {
		return "", err
	}
	return jobFile, moveObjects(jobFile, objects, jobs)
}

// writeModules writes the modules and a response file with their paths. They are
// one module over and over: bitcode has the names of symbols in a table, all in
// one piece, where each can be replaced by another that is as long.
func writeModules(ctx context.Context, folder string, count int) (string, error) {
	start := filepath.Join(folder, "start.o")
	if err := compile(ctx, "unsigned f00000(unsigned x); void _start(void) { f00000(1); }", start, "-flto=thin", "-c"); err != nil {
		return "", err
	}
	first := filepath.Join(folder, "template.o")
	if err := compile(ctx, templateText(), first, "-flto=thin", "-c"); err != nil {
		return "", err
	}
	template, err := os.ReadFile(first)
	if err != nil {
		return "", err
	}
	at, err := places(template)
	if err != nil {
		return "", err
	}
	count-- // for the one that starts
	paths := []byte(start + "\n")
	for i := range count {
		module := bytes.Clone(template)
		copy(module[at[0]:], functionName(i))
		for k, distance := range calls {
			copy(module[at[k+1]:], functionName((i+distance)%count))
		}
		path := filepath.Join(folder, strconv.Itoa(i)+".o")
		if err := os.WriteFile(path, module, 0o644); err != nil {
			return "", err
		}
		paths = append(paths, path+"\n"...)
	}
	responses := filepath.Join(folder, "modules.rsp")
	return responses, os.WriteFile(responses, paths, 0o644)
}

func functionName(i int) string { return fmt.Sprintf("f%05d", i) }

// placeholder is the name in the template of the k-th function called; of its own
// function for 0.
func placeholder(k int) string { return fmt.Sprintf("X%05d", k) }

// templateText is a function that is small enough to be imported, and too large
// to be imported for the sake of one that was imported itself.
func templateText() string {
	var text strings.Builder
	for k := range calls {
		fmt.Fprintf(&text, "unsigned %s(unsigned x);\n", placeholder(k+1))
	}
	fmt.Fprintf(&text, "unsigned %s(unsigned x) {\n", placeholder(0))
	for k := range calls {
		fmt.Fprintf(&text, "x = %s(x) * %d; x ^= x >> %d;\n", placeholder(k+1), 2*k+3, k+1)
	}
	return text.String() + "return x; }\n"
}

// places are where the template has the names.
func places(template []byte) ([]int, error) {
	var at []int
	for k := range len(calls) + 1 {
		name := []byte(placeholder(k))
		if n := bytes.Count(template, name); n != 1 {
			return nil, fmt.Errorf("the name %s is %d times in the bitcode, want it once", name, n)
		}
		at = append(at, bytes.Index(template, name))
	}
	return at, nil
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
	if _, err := jobs.WriteTo(out); err != nil {
		return err
	}
	return out.Close()
}
