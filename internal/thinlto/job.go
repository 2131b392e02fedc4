// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package thinlto knows the backend jobs of a ThinLTO link: what LLD's JSON job file
// says of them, how such a file is read and written, and how it is answered without
// compiling anything (Mock). It runs no compiler.
package thinlto

import "github.com/dtlto/dtlto/internal/object"

// A JobFile is one link's worth of backend compiles, as LLD 21 and newer hand it to
// their distributor.
//
// LLD names files in UTF-8 only: a byte that is not UTF-8 arrives as U+FFFD, so that the
// path in the job file is then not the path on the disk.
type JobFile struct {
	Output string   // common.linker_output: what the link makes
	Args   []string // common.args: the compiler, then what every job is given first
	Inputs []string // common.inputs: files that every job reads besides its own
	Jobs   []Job    // none when LLD's cache had every object

	// Parts are the modules that are not files of their own, by their names in the
	// jobs. There are none in a job file, for which LLD writes them out.
	Parts map[string]object.Part
}

// A Job compiles one module to one object.
//
// A Job that Read returned has at least two inputs and one output. The slices of
// different jobs never overlap, and appending to one leaves the others alone.
type Job struct {
	Args    []string // what the compiler is given after JobFile.Args
	Inputs  []string // the module, its index shard, then each module imported from
	Outputs []string // the object, then side outputs
}

// Module returns the path of the bitcode that the job compiles.
func (j *Job) Module() string { return j.Inputs[0] }

// Index returns the path of the job's summary index shard.
func (j *Job) Index() string { return j.Inputs[1] }

// Imports returns the paths of the modules that the job imports functions from.
func (j *Job) Imports() []string { return j.Inputs[2:] }

// Object returns the path where LLD wants the native object.
func (j *Job) Object() string { return j.Outputs[0] }
