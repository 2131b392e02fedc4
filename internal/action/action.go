// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package action turns a backend job into an action: a pure function of the
// job, the contents of its inputs and the toolchain's identity, without a name
// of this machine, this checkout or this link. Equal actions make equal
// objects, so one digest serves every cache and every cluster.
//
// Its encoding is that of the Remote Execution API, version 2.
package action

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/cas"
)

// Action is one backend compile in a folder of its own, which has the inputs
// and nothing else and is the working directory.
type Action struct {
	// Args are the command. The first is the compiler's name, not its path:
	// which compiler it is, Toolchain says.
	Args []string
	// Env is the whole environment, "NAME=value", sorted by name.
	Env []string
	// Inputs are the files in the folder, sorted by name.
	Inputs []Input
	// Outputs are the names of the files that the command makes, the object
	// first.
	Outputs []string
	// Toolchain is the compiler's identity.
	Toolchain string
}

// Input is a file in an action's folder.
type Input struct {
	Name   string
	Digest cas.Digest
}

// timeout is how long a server lets a command run, in seconds. Some servers take none
// for zero, and refuse one that is longer than they allow: half an hour is what Buildbarn's
// examples take where nothing is said.
const timeout = 1800

// Encoded is an action in the form of the Remote Execution API: three blobs,
// and the key that the first one's digest makes.
type Encoded struct {
	Key                   cas.ActionKey
	Action, Command, Root []byte
}

// Encode writes the messages Action, Command and Directory of
// build.bazel.remote.execution.v2 in the canonical form that the API asks for.
// The toolchain's identity is the action's salt.
func (a *Action) Encode() Encoded { return a.encode(a.Args[:1], nil, nil) }

// encode has words for the compiler, messages Property, and the root's fields for
// folders.
func (a *Action) encode(compiler []string, properties []message, folders message) Encoded {
	command, root := a.command(compiler, properties), append(a.root(), folders...)
	var action message
	action.digest(1, cas.DigestOf(command))
	action.digest(2, cas.DigestOf(root))
	var duration message
	duration.number(1, timeout)
	action.message(6, duration)
	action.text(9, a.Toolchain)
	action.platform(10, properties)
	return Encoded{Key: cas.ActionKey(cas.DigestOf(action)), Action: action, Command: command, Root: root}
}

// platform writes the message Platform, unless there are no properties. Servers take it
// from the command or, since 2.2, from the action.
func (m *message) platform(field int, properties []message) {
	var platform message
	for _, property := range properties {
		platform.message(1, property)
	}
	if len(properties) > 0 {
		m.message(field, platform)
	}
}

// command names the outputs twice: as output_files for servers before 2.1, as
// output_paths for later ones.
func (a *Action) command(compiler []string, properties []message) message {
	var m message
	for _, arg := range compiler {
		m.element(1, arg)
	}
	for _, arg := range a.Args[1:] {
		m.element(1, arg)
	}
	for _, variable := range a.Env {
		name, value, _ := strings.Cut(variable, "=")
		var v message
		v.text(1, name)
		v.text(2, value)
		m.message(2, v)
	}
	outputs := slices.Sorted(slices.Values(a.Outputs))
	for _, output := range outputs {
		m.element(3, output)
	}
	m.platform(5, properties)
	for _, output := range outputs {
		m.element(7, output)
	}
	return m
}

func (a *Action) root() message {
	m := make(message, 0, 128*len(a.Inputs)+256) // about 90 bytes each
	for _, input := range a.Inputs {
		m.message(1, fileNode(TreeFile{Name: input.Name, Digest: input.Digest}))
	}
	return m
}

// String is all that went into the action's key, for people who wonder why two
// are not the same.
func (a *Action) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "action %s\n", a.Encode().Key)
	fmt.Fprintf(&b, "toolchain %s\n", a.Toolchain)
	for _, arg := range a.Args {
		fmt.Fprintf(&b, "arg %q\n", arg)
	}
	for _, variable := range a.Env {
		fmt.Fprintf(&b, "env %q\n", variable)
	}
	for _, input := range a.Inputs {
		fmt.Fprintf(&b, "input %s %s\n", input.Name, input.Digest)
	}
	for _, output := range a.Outputs {
		fmt.Fprintf(&b, "output %s\n", output)
	}
	return b.String()
}
