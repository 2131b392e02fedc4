// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxImport bounds a line of an import list. Linux opens no path of more than 4096 bytes.
const maxImport = 64 << 10

// ReadImports reads an import list, the modules that a module imports from, as LLD writes
// it: a path to a line, in which every character but the line's end stands for itself. name
// is what errors call the list.
func ReadImports(r io.Reader, name string) ([]string, error) {
	var imports []string
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxImport)
	lines.Split(splitLines)
	number := 1
	for ; lines.Scan(); number++ {
		line := lines.Bytes()
		if bytes.IndexByte(line, 0) >= 0 {
			return nil, fmt.Errorf("%s:%d: %w", shown(name), number, errNUL)
		}
		if len(line) > 0 {
			imports = append(imports, string(line))
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s:%d: a line of more than %d bytes", shown(name), number, maxImport)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(name), withoutPath(err))
	}
	return imports, nil
}

// splitLines is [bufio.ScanLines] for lines that may end in a carriage return.
func splitLines(data []byte, atEOF bool) (advance int, line []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
