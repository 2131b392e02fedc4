// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"fmt"
	"io"
)

// An Error says that a file is malformed. A failure to read it is not an Error.
type Error struct {
	Offset int64 // where, in bytes; for an archive the header of the member concerned
	Msg    string
}

func (e *Error) Error() string {
	return fmt.Sprintf("offset %d: %s", e.Offset, e.Msg)
}

func malformed(offset int64, format string, args ...any) error {
	return &Error{offset, fmt.Sprintf(format, args...)}
}

// readAt fills b from r; a file that ends too soon is io.ErrUnexpectedEOF.
func readAt(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("offset %d: %w", offset+int64(n), err)
}
