// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWords bounds what is repeated of a server's or a program's message, in bytes.
const maxWords = 500

// cut shortens a text to at most n bytes and three dots, at the end of a character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "..."
}

// oneLine makes a stranger's text fit for a line on a terminal: no escape sequences,
// no line breaks, bounded.
func oneLine(text string) string {
	text = cut(strings.ToValidUTF8(cut(text, 16*maxWords), "?"), 16*maxWords)
	text = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c):
			return -1
		}
		return c
	}, text)
	return cut(strings.Join(strings.Fields(text), " "), maxWords)
}

// secrets are values that no message may have in it.
type secrets []string

// minSecret is how long a value must be to be worth hiding, in bytes: "1" or "main"
// would black out half of every message.
const minSecret = 6

// add adds a header's value, and its parts: a server that complains of
// "Bearer TOKEN" may repeat TOKEN only.
func (s secrets) add(value string) secrets {
	for _, part := range append([]string{value}, strings.Fields(value)...) {
		if len(part) >= minSecret && !strings.EqualFold(part, "bearer") {
			s = append(s, part)
		}
	}
	return s
}

// hide replaces secrets in a text.
func (s secrets) hide(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, "[hidden]")
	}
	return text
}
