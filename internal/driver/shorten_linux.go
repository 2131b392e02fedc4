// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// longCommand is how many bytes of arguments go on a command line. The kernel
// takes 128 KiB for one and a quarter of the stack limit, 2 MiB as a rule, for
// all with the environment.
const longCommand = 512 << 10

// shorten puts arguments that are too many for a command line into a response
// file that exists only as an open descriptor, which the next program inherits:
// there is nothing to remove afterwards.
func shorten(words []string) ([]string, error) {
	size := 0
	for _, word := range words {
		size += len(word) + 1
	}
	if size <= longCommand {
		return words, nil
	}
	fd, err := unix.MemfdCreate("ld.dtlto response file", 0)
	if err != nil {
		return nil, fmt.Errorf("no memory for a response file: %w", err)
	}
	var text strings.Builder
	for _, word := range words {
		text.WriteString(quoteGNU(word))
		text.WriteByte('\n')
	}
	// Through a second descriptor: closing a file must not close the one that
	// the next program inherits.
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return nil, fmt.Errorf("the response file cannot be written: %w", err)
	}
	return []string{"@" + path}, nil
}

// quoteGNU is a word as a response file in GNU style has it.
func quoteGNU(word string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(word) {
		if word[i] == '"' || word[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(word[i])
	}
	b.WriteByte('"')
	return b.String()
}
