// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "fmt"

// An Error says that the input is not well-formed bitcode. A failure to read
// the input is not an Error.
type Error struct {
	Offset uint64 // where, in bits from the magic number (behind a wrapper header)
	Msg    string
}

func (e *Error) Error() string {
	return fmt.Sprintf("bitcode at bit %d: %s", e.Offset, e.Msg)
}
