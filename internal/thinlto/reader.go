// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/go-json-experiment/json/jsontext"
)

// Read reads a job file; name is what errors call it.
//
// It is strict, because whatever it lets through is run: every key must be there, once,
// with a value of its type, and no other key; every path must be non-empty; each job needs
// a module, an index and an object; no file is written twice, or written by one job and
// read by any. (Paths are compared as they are spelled.) Anything else, truncated input
// and text after the end included, is a *JobFileError. Keys may come in any order.
//
// Memory is a small multiple of the distinct strings plus 16 bytes for each use of one.
func Read(name string, r io.Reader) (*JobFile, error) {
	src := &source{r: r}
	rd := &reader{
		src: src,
		// The reader sees to duplicate keys itself, as it counts keys anyway.
		dec:   jsontext.NewDecoder(src, jsontext.AllowDuplicateNames(true)),
		names: pool{index: make(map[string]int)},
		job:   -1,
	}
	if err := rd.document(); err != nil {
		return nil, rd.fault(name, err)
	}
	f := rd.file // a copy, or it would keep the reader and its pool alive
	return &f, nil
}

// ReadFile opens and reads a job file. Its errors are those of Read.
func ReadFile(path string) (*JobFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &JobFileError{File: path, Job: -1, Err: withoutPath(err)}
	}
	defer f.Close()
	return Read(path, f)
}

// withoutPath takes the path off an error of package os, for a message that has it already.
func withoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// A reader goes through one job file, once.
type reader struct {
	src     *source
	dec     *jsontext.Decoder
	names   pool
	lists   lists
	items   []string // the list being read
	scratch []byte   // the last string that had escapes
	file    JobFile

	// Where it is, for errors.
	job    int
	module string
	field  string
}

// A member is a key of an object and what reads its value.
type member struct {
	key  string
	read func(*reader) error
}

var (
	documentMembers = []member{
		{"common", (*reader).common},
		{"jobs", (*reader).jobs},
	}
	commonMembers = []member{
		{"linker_output", (*reader).linkerOutput},
		{"args", (*reader).commonArgs},
		{"inputs", (*reader).commonInputs},
	}
	jobMembers = []member{
		{"args", (*reader).jobArgs},
		{"inputs", (*reader).jobInputs},
		{"outputs", (*reader).jobOutputs},
	}
)

// document reads the whole file and makes sure that nothing follows.
func (r *reader) document() error {
	if err := r.object("", documentMembers); err != nil {
		return err
	}
	return r.end()
}

func (r *reader) common() error { return r.object("common.", commonMembers) }

func (r *reader) linkerOutput() error {
	n, err := r.name()
	if err != nil {
		return err
	}
	r.file.Output = n.text
	if r.file.Output == "" {
		return errEmptyPath
	}
	return nil
}

func (r *reader) commonArgs() (err error) {
	if r.file.Args, err = r.list(argument); err != nil {
		return err
	}
	if len(r.file.Args) == 0 {
		return errors.New("needs the compiler, is empty")
	}
	if r.file.Args[0] == "" {
		return errors.New("the compiler is an empty string")
	}
	return nil
}

func (r *reader) commonInputs() (err error) {
	r.file.Inputs, err = r.list(input)
	return err
}

// jobs reads the list of jobs. Each becomes the current one before it is read.
func (r *reader) jobs() error {
	if err := r.enter('[', "a list"); err != nil {
		return err
	}
	for r.dec.PeekKind() != ']' {
		r.job, r.module, r.field = len(r.file.Jobs), "", ""
		r.file.Jobs = append(r.file.Jobs, Job{})
		if err := r.object("", jobMembers); err != nil {
			return err
		}
	}
	r.job, r.module, r.field = -1, "", "jobs"
	return r.token()
}

func (r *reader) jobArgs() (err error) {
	r.file.Jobs[r.job].Args, err = r.list(argument)
	return err
}

func (r *reader) jobInputs() error {
	in, err := r.list(input)
	if err == nil && len(in) < 2 {
		err = fmt.Errorf("needs the module and its index, has %d", len(in))
	}
	r.file.Jobs[r.job].Inputs = in
	return err
}

func (r *reader) jobOutputs() error {
	out, err := r.list(output)
	if err == nil && len(out) == 0 {
		err = errors.New("needs the object, is empty")
	}
	r.file.Jobs[r.job].Outputs = out
	return err
}

// fault makes the error that the caller of Read gets.
func (r *reader) fault(name string, err error) error {
	offset := r.dec.InputOffset()
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		offset = syntax.ByteOffset
	}
	return &JobFileError{name, r.job, r.module, r.field, offset, err}
}
