// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"bytes"
	"fmt"
)

// IsRecord says whether a file begins as a record does.
func IsRecord(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }

// ReadFile reads a record by its own path, wherever it lies. One of another version is
// an error.
func ReadFile(path string) (*Link, error) {
	b, err := readRecord(path)
	if err != nil {
		return nil, err
	}
	l, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}
