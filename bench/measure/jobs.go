// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package measure

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// SaveJobs runs a linker's command line, whose output must be in a folder of its
// own, up to its backends, and returns the path of LLD's job file. The file and
// all that it names stay in the output's folder.
func SaveJobs(ctx context.Context, argv []string, compiler string) (string, error) {
	at := slices.Index(argv, "-o")
	if at < 0 || at+1 == len(argv) {
		return "", errors.New("no -o in the linker's command line")
	}
	output := argv[at+1]
	// A distributor that fails is as good as any: what it was given is kept.
	cmd := exec.CommandContext(ctx, argv[0], slices.Concat(argv[1:], []string{
		"--save-temps", "--thinlto-distributor=/bin/false", "--thinlto-remote-compiler=" + compiler})...)
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "distributor execution failed") {
		return "", fmt.Errorf("the link was not distributed: %w\n%s", err, said)
	}
	found, err := filepath.Glob(output + ".*.dist-file.json")
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("%d job files of %s: %w", len(found), output, err)
	}
	return found[0], nil
}

// Task is LLD's number of a job, in the name of its object,
// STEM.TASK.PID.native.o.
func Task(object string) (string, error) {
	words := strings.Split(strings.TrimSuffix(object, ".native.o"), ".")
	if len(words) < 3 {
		return "", fmt.Errorf("%s: not an object as LLD names them", object)
	}
	return words[len(words)-2], nil
}
