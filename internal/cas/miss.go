// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import "fmt"

// Reason says why something is not to be had from a store.
type Reason uint8

// The reasons for a [Miss].
const (
	Absent       Reason = iota + 1 // was never there, or was removed
	Corrupt                        // was not what its name says, and was removed
	OtherVersion                   // was written by another version of dtlto
	Unreadable                     // is there and could not be read
	Unfit                          // names other outputs than the action has
)

var reasons = [...]string{
	Absent:       "absent",
	Corrupt:      "corrupt and removed",
	OtherVersion: "of another version",
	Unreadable:   "unreadable",
	Unfit:        "unfit",
}

// String is the reason in words.
func (r Reason) String() string {
	if int(r) < len(reasons) && r != 0 {
		return reasons[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Miss is the error for what a store does not have. It is never a reason to
// fail, only to compute.
type Miss struct {
	Blob   bool   // a blob is missing, else a result
	Digest Digest // of the blob, or the action's key
	Reason Reason
	Err    error // what was found, may be nil
}

// Error names the object first.
func (m *Miss) Error() string {
	what := "result"
	if m.Blob {
		what = "blob"
	}
	if m.Err == nil {
		return fmt.Sprintf("%s %v: %v", what, m.Digest, m.Reason)
	}
	return fmt.Sprintf("%s %v: %v: %v", what, m.Digest, m.Reason, m.Err)
}

// Unwrap gives what was found.
func (m *Miss) Unwrap() error { return m.Err }
