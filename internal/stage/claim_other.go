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

func claim(string) (*os.File, error)        { return nil, nil }
func sweep(string)                          {}
func discard(path string, _ *os.File) error { return os.RemoveAll(path) }
