// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"strings"
)

// splitWords splits a command as a POSIX shell does, quotes and backslashes
// understood; nothing is expanded, and no character is an operator.
func splitWords(v string) (words []string, err error) {
	if strings.ContainsRune(v, 0) {
		return nil, errors.New("must not have a null character in it")
	}
	for {
		v = strings.TrimLeft(v, " \t\n")
		if v == "" {
			return words, nil
		}
		word, rest, begun, err := firstWord(v)
		if err != nil {
			return nil, err
		}
		if begun {
			words = append(words, word)
		}
		v = rest
	}
}

// firstWord reads a word at the start of v. It has not begun if there were only
// continued lines.
func firstWord(v string) (word, rest string, begun bool, err error) {
	var text strings.Builder
	for i := 0; i < len(v); i++ {
		switch c := v[i]; c {
		case ' ', '\t', '\n':
			return text.String(), v[i:], begun, nil
		case '\\':
			if i++; i == len(v) {
				return "", "", false, errors.New("must not end with a backslash")
			}
			if v[i] != '\n' { // else a continued line
				text.WriteByte(v[i])
				begun = true
			}
		case '\'', '"':
			n := quoted(&text, v[i+1:], c)
			if n < 0 {
				return "", "", false, errors.New("must have an end of each quotation")
			}
			i += n
			begun = true
		default:
			text.WriteByte(c)
			begun = true
		}
	}
	return text.String(), "", begun, nil
}

// quoted adds what is in quotes and says how long that is with the last quote, or -1 if
// there is none.
func quoted(text *strings.Builder, v string, quote byte) int {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == quote:
			return i + 1
		case c == '\\' && quote == '"' && i+1 < len(v) && strings.IndexByte("$`\"\\\n", v[i+1]) >= 0:
			if i++; v[i] != '\n' {
				text.WriteByte(v[i])
			}
		default:
			text.WriteByte(c)
		}
	}
	return -1
}
