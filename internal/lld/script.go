// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import "strings"

// scriptInputs are the names in a linker script's INPUT and GROUP commands,
// AS_NEEDED's among them, and the other scripts that it INCLUDEs. It reads
// loosely: text that is no linker script has none.
func scriptInputs(text string) (names, includes []string) {
	depth, wanted := 0, 0 // wanted is the depth at which an INPUT's list began
	previous := ""
	for token := range scriptTokens(text) {
		switch {
		case token == "(":
			depth++
			if wanted == 0 && (previous == "INPUT" || previous == "GROUP") {
				wanted = depth
			}
		case token == ")":
			if depth == wanted {
				wanted = 0
			}
			depth = max(depth-1, 0)
		case wanted > 0 && token != "AS_NEEDED" && token != ",":
			names = append(names, strings.Trim(token, `"`))
		case previous == "INCLUDE":
			includes = append(includes, strings.Trim(token, `"`))
		}
		previous = token
	}
	return names, includes
}

// scriptTokens splits a script at blanks, with parentheses, commas and
// semicolons as tokens of their own, quoted names whole, comments left out.
func scriptTokens(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for text != "" {
			switch {
			case strings.HasPrefix(text, "/*"):
				_, text, _ = strings.Cut(text[2:], "*/")
				continue
			case isSpace(text[0]):
				text = text[1:]
				continue
			}
			n := tokenLength(text)
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

func tokenLength(text string) int {
	if strings.IndexByte("(),;", text[0]) >= 0 {
		return 1
	}
	if text[0] == '"' {
		if end := strings.IndexByte(text[1:], '"'); end >= 0 {
			return end + 2
		}
		return len(text)
	}
	n := 1
	for n < len(text) && !isSpace(text[n]) && strings.IndexByte(`(),;"`, text[n]) < 0 {
		n++
	}
	return n
}
