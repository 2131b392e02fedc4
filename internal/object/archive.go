// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"io"
	"iter"
	"path/filepath"
	"strconv"
	"strings"
)

// headerSize is the length of a member's header: name 16, time 12, user 6,
// group 6, mode 8, size 10 bytes, all text padded with spaces, then "`\n".
const headerSize = 60

// maxName is the longest member name taken, that of a path on Linux.
const maxName = 4096

// A Member is a member of an archive. Names need not be unique; HeaderOffset is.
type Member struct {
	Name         string // in a thin archive a path, see ThinPath
	HeaderOffset int64  // of its header: the number in LLD's "libx.a(m.o at 6720)"
	Offset       int64  // of its contents in the archive; 0 if Thin
	Size         int64  // of its contents; if Thin, what it was when it was added
	Thin         bool   // the contents are in a file of their own
}

// ThinPath returns the path of the file that holds the contents of a thin
// archive's member: relative to the archive's folder unless absolute. As LLVM
// does, it puts the two together and resolves nothing in them.
func ThinPath(archive string, m Member) string {
	if filepath.IsAbs(m.Name) {
		return m.Name
	}
	slash := strings.LastIndexByte(archive, '/')
	if slash < 0 {
		return m.Name
	}
	return strings.TrimRight(archive[:slash], "/") + "/" + m.Name
}

// Members iterates over the members of the archive in the first size bytes of
// r, regular or thin, as GNU, BSD, Darwin and COFF tools write them. Symbol and
// name tables are left out. An error is the last thing delivered.
func Members(r io.ReaderAt, size int64) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		a := archive{r: r, size: size}
		err := a.open()
		for err == nil && a.next < size {
			var m Member
			var ok bool
			if m, ok, err = a.member(); ok && err == nil && !yield(m, nil) {
				return
			}
		}
		if err != nil {
			yield(Member{}, err)
		}
	}
}

// An archive is the state of a walk.
type archive struct {
	r     io.ReaderAt
	size  int64
	thin  bool
	next  int64  // where the next header is
	names string // GNU's and COFF's table of long names
	buf   [headerSize]byte
}

func (a *archive) open() error {
	var magic [len(archiveMagic)]byte
	if a.size < int64(len(magic)) {
		return malformed(0, "not an archive")
	}
	if err := readAt(a.r, magic[:], 0); err != nil {
		return err
	}
	switch string(magic[:]) {
	case archiveMagic:
	case thinArchiveMagic:
		a.thin = true
	default:
		return malformed(0, "not an archive")
	}
	a.next = int64(len(magic))
	return nil
}

// member reads the next member; ok is false for a table, whose name is given all
// the same.
func (a *archive) member() (m Member, ok bool, err error) {
	at := a.next
	field, size, err := a.header(at)
	if err != nil {
		return m, false, err
	}
	m = Member{Name: field, HeaderOffset: at, Offset: at + headerSize, Size: size}
	table := isTable(field)
	switch {
	case a.thin && !table:
		m.Offset, m.Thin = 0, true
		a.next += headerSize
	case size > a.size-m.Offset:
		return m, false, malformed(at, "%s of %d bytes runs past the end of the archive", field, size)
	default:
		a.next = m.Offset + size + size&1
	}
	if field == "//" {
		return m, false, a.readNames(m)
	}
	if table {
		return m, false, nil
	}
	return a.named(m, field)
}

// header returns the name field, without padding, and the size.
func (a *archive) header(at int64) (field string, size int64, err error) {
	if a.size-at < headerSize {
		return "", 0, malformed(at, "archive ends inside of a member's header")
	}
	if err := readAt(a.r, a.buf[:], at); err != nil {
		return "", 0, err
	}
	h := string(a.buf[:])
	if h[58:] != "`\n" {
		return "", 0, malformed(at, "no member header")
	}
	field = nameField(h[:16])
	digits := strings.TrimRight(h[48:58], " ")
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return "", 0, malformed(at, "%s: size %q is not a number", field, digits)
	}
	return field, int64(n), nil
}

// nameField takes the padding from a name field. One that only refers to a name
// ends at the first space: GNU ar leaves the "/" of a name of 15 bytes at the
// end of the field.
func nameField(field string) string {
	if field[0] == '/' || field[0] == '#' {
		field, _, _ = strings.Cut(field, " ")
	}
	return strings.TrimRight(field, " ")
}

// isTable reports whether a name field is that of a table for tools: GNU's and
// COFF's symbol tables and table of long names, and COFF's tables such as
// /<ECSYMBOLS>/.
func isTable(field string) bool {
	switch field {
	case "/", "//", "/SYM64/":
		return true
	}
	return strings.HasPrefix(field, "/<")
}

// maxNames bounds a table of long names, in bytes: a hundred times that of the largest
// thin archives. A sparse file would make a larger one for nothing.
const maxNames = 256 << 20

func (a *archive) readNames(m Member) error {
	if m.Size > maxNames {
		return malformed(m.HeaderOffset, "table of names of %d bytes", m.Size)
	}
	b := make([]byte, m.Size)
	if err := readAt(a.r, b, m.Offset); err != nil {
		return err
	}
	a.names = string(b)
	return nil
}

// named completes m from its name field; ok is false for BSD's symbol tables,
// which have ordinary names.
func (a *archive) named(m Member, field string) (_ Member, ok bool, err error) {
	switch {
	case strings.HasPrefix(field, "#1/") && !m.Thin:
		err = a.bsdName(&m, field[3:])
	case strings.HasPrefix(field, "/"):
		m.Name, err = a.longName(m.HeaderOffset, field[1:])
	default:
		m.Name = strings.TrimSuffix(field, "/")
	}
	if err == nil && m.Name == "" {
		err = malformed(m.HeaderOffset, "member without a name")
	}
	return m, !isBSDTable(m.Name), err
}

func isBSDTable(name string) bool {
	switch name {
	case "__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64", "__.SYMDEF_64 SORTED":
		return true
	}
	return false
}

// bsdName takes the name from the beginning of the contents, where BSD and
// Darwin put it, padded with zero bytes.
func (a *archive) bsdName(m *Member, length string) error {
	n, err := strconv.ParseUint(length, 10, 63)
	if err != nil || n > maxName || int64(n) > m.Size {
		return malformed(m.HeaderOffset, "name of %s bytes in a member of %d", length, m.Size)
	}
	b := make([]byte, n)
	if err := readAt(a.r, b, m.Offset); err != nil {
		return err
	}
	m.Name = string(bytes.TrimRight(b, "\x00"))
	m.Offset += int64(n)
	m.Size -= int64(n)
	return nil
}

// longName takes the name from the table: up to "/\n" as GNU writes it, or up to
// a zero byte, as COFF does.
func (a *archive) longName(at int64, offset string) (string, error) {
	n, err := strconv.ParseUint(offset, 10, 63)
	if err != nil || n >= uint64(len(a.names)) {
		return "", malformed(at, "name at %q of a table of %d bytes", offset, len(a.names))
	}
	rest := a.names[n:min(n+maxName+2, uint64(len(a.names)))]
	end := strings.IndexAny(rest, "\x00\n")
	if end < 0 {
		return "", malformed(at, "name at %s of the table has no end", offset)
	}
	if rest[end] == '\n' {
		return strings.TrimSuffix(rest[:end], "/"), nil
	}
	return rest[:end], nil
}
