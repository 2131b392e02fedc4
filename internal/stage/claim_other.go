// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !unix || solaris || aix

package stage

import (
	"errors"
	"os"
)

// errTaken says that another link has the stage; it is never so here.
var errTaken = errors.New("in use by another link")

// Without locks nobody can tell a dead link's stage from a running one's: what a
// killed link leaves stays, and costs the next one another name.

type claimed struct{}

func claim(string) (*claimed, error)       { return new(claimed), nil }
func sweep(string)                         {}
func (*claimed) discard(path string) error { return os.RemoveAll(path) }
