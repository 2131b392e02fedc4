// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package remote

import "strings"

// Error is a failure of a cluster, or on the way to it; never one of a compile.
type Error struct {
	// What was being done and where, without secrets: "execute on grpcs://host:443".
	What string
	// Err is what happened, in one line.
	Err error
	// Hint says what to do, naming the settings to change; may be empty.
	Hint string
	// Final says that the cluster, as it is set up, will be of no use to this link:
	// everything asked of it would fail alike.
	Final bool
	// Refused says that the server understood the call, and would answer it so again.
	Refused bool
}

// Error is one line.
func (e *Error) Error() string {
	text := e.What + ": " + strings.Join(strings.Fields(e.Err.Error()), " ")
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Unwrap gives what happened.
func (e *Error) Unwrap() error { return e.Err }
