// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Mock answers a job file without compiling: it copies the n-th of inputs to the n-th
// job's object, permissions included, as LLVM's mock distributor does for its own tests.
//
// An object is complete or, when there is an error, as it was before. Objects before the
// faulty one stay. Nothing is written unless there are as many inputs as jobs.
func Mock(f *JobFile, inputs []string) error {
	if len(inputs) != len(f.Jobs) {
		return fmt.Errorf("mock: %d inputs for %d jobs", len(inputs), len(f.Jobs))
	}
	for i := range f.Jobs {
		if err := copyFile(inputs[i], f.Jobs[i].Object()); err != nil {
			return fmt.Errorf("mock: job %d (%s): %w", i, shown(f.Jobs[i].Module()), err)
		}
	}
	return nil
}

// copyFile puts a copy of the file from at the path to, by way of a file beside it.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), ".dtlto-*.tmp")
	if err != nil {
		return err
	}
	if err := fill(out, in); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	if err := os.Rename(out.Name(), to); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return nil
}

// fill gives out the contents and the permissions of in, and closes it.
func fill(out, in *os.File) error {
	_, err := io.Copy(out, in)
	if err == nil {
		err = copyMode(out, in)
	}
	return errors.Join(err, out.Close())
}

func copyMode(out, in *os.File) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	return out.Chmod(info.Mode().Perm())
}
