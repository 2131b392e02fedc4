// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// MakeThinArchive makes a GNU thin archive of files, in this order and without a
// symbol table: LLD takes it between --whole-archive and --no-whole-archive. The
// names are paths from the archive's folder; LLD shows them as they are
// ("libx.a(m.o)"), and so do its linker scripts match them.
//
// A name that is empty, given twice, longer than paths are, or has a byte that
// ends names in archives is an error.
func MakeThinArchive(names []string) ([]byte, error) {
	var table, headers bytes.Buffer
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if err := checkName(name); err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, fmt.Errorf("name %q: twice in a thin archive", name)
		}
		seen[name] = true
		// LLD 13 to 22 look at the file for its size, never at the header.
		headers.Write(memberHeader(longField(int64(table.Len())), 0))
		table.WriteString(name + nameEnd)
	}
	out := []byte(thinArchiveMagic)
	if len(names) > 0 {
		out = append(append(out, memberHeader("//", int64(table.Len()))...), padded(table.Bytes())...)
	}
	return append(out, headers.Bytes()...), nil
}

// nameEnd stands behind a name in the table of long names.
const nameEnd = "/\n"

// checkName refuses what cannot be in a table of long names: LLVM ends a name at
// a line's end, and nothing opens a path with a zero byte in it.
func checkName(name string) error {
	if name == "" || len(name) > maxName || strings.ContainsAny(name, "\x00\n") {
		return fmt.Errorf("name %.100q: cannot be written into an archive", name)
	}
	return nil
}

// longField is the name field of a member whose name is at an offset of the
// table. In thin archives all names are there, as ar and llvm-ar have it: LLVM
// ends a name in the field at its first slash.
func longField(offset int64) string {
	return "/" + strconv.FormatInt(offset, 10)
}

// memberHeader is the header of a member, made at no time and by nobody.
func memberHeader(field string, size int64) []byte {
	return fmt.Appendf(nil, "%-16s%-12s%-6s%-6s%-8s%-10d`\n", field, "0", "0", "0", "644", size)
}

// padded gives contents the even length that they have in archives.
func padded(b []byte) []byte {
	if len(b)&1 != 0 {
		b = append(b, '\n')
	}
	return b
}
