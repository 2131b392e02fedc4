// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lists is a list of numbers for each module: its length, and each number as the
// difference to the one before it, as varints (the differences in zigzag), in base64.
// A link of 20,000 modules has a million imports: as JSON they would be three times as
// large, and slower to read than everything else.
type lists struct{ bytes []byte }

func (l *lists) add(numbers []int) {
	l.bytes = binary.AppendUvarint(l.bytes, uint64(len(numbers)))
	last := 0
	for _, n := range numbers {
		l.bytes = binary.AppendVarint(l.bytes, int64(n-last))
		last = n
	}
}

func (l *lists) text() string { return base64.StdEncoding.EncodeToString(l.bytes) }

// stringNumbers numbers strings that are printed many times.
type stringNumbers struct {
	numbers map[string]int
	strings []string // printable
}

func (s *stringNumbers) number(text string) int {
	n, ok := s.numbers[text]
	if !ok {
		n = len(s.strings)
		s.numbers[text] = n
		s.strings = append(s.strings, printable(text))
	}
	return n
}

// printable is text in which everything that is not visible, or changes how what is
// around it looks (control characters, marks of direction, bytes that are no UTF-8), is
// written as an escape.
func printable(text string) string {
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(rest[0]), 16))
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		rest = rest[size:]
	}
	return b.String()
}

func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
