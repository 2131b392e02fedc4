// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import "strings"

// A script is what a linker script says of inputs.
type script struct {
	names    []scriptName // in its INPUT and GROUP commands; nil if it has none
	includes []string     // other scripts that it INCLUDEs
	other    bool         // it has commands that are not about inputs or their format
	searches bool         // it has SEARCH_DIR, a folder for -l libraries
	folders  bool         // a pattern for names of files has a folder in it
	assigned []string     // symbols that it defines, whether or not anything refers to them
}

type scriptName struct {
	name     string
	asNeeded bool // in AS_NEEDED
}

// library is the NAME of -lNAME, or empty.
func (n scriptName) library() string {
	library, _ := strings.CutPrefix(n.name, "-l")
	if library == n.name {
		return ""
	}
	return library
}

// readScript reads loosely: text that is no linker script has no names.
func readScript(text string) script {
	var s script
	depth, wanted, asNeeded, excluded := 0, 0, 0, 0 // the depths at which these lists began
	previous := ""
	for token := range scriptTokens(text) {
		switch {
		case token == "(":
			depth++
			switch {
			case wanted == 0 && (previous == "INPUT" || previous == "GROUP"):
				wanted = depth
			case wanted > 0 && previous == "AS_NEEDED":
				asNeeded = depth
			case previous == "EXCLUDE_FILE":
				excluded = depth
			}
			s.searches = s.searches || previous == "SEARCH_DIR"
			s.folders = s.folders || hasFolder(previous)
		case token == ")":
			for _, list := range []*int{&wanted, &asNeeded, &excluded} {
				if depth == *list {
					*list = 0
				}
			}
			depth = max(depth-1, 0)
		case wanted > 0 && token != "AS_NEEDED" && token != ",":
			s.names = append(s.names, scriptName{strings.Trim(token, `"`), asNeeded > 0})
		case previous == "INCLUDE":
			s.includes = append(s.includes, strings.Trim(token, `"`))
		case excluded > 0:
			s.folders = s.folders || hasFolder(token)
		case depth == 0 && !aboutInputs[token]:
			s.other = true
			s.assign(previous, token)
		}
		previous = token
	}
	return s
}

// assign looks for an assignment in a word and the one in front of it.
func (s *script) assign(previous, token string) {
	name, _, ok := strings.Cut(token, "=")
	name = strings.TrimRight(name, "+-*/&|^<>")
	if name == "" {
		name = previous
	}
	if name = strings.Trim(name, `"`); ok && name != "" {
		s.assigned = append(s.assigned, name)
	}
}

// hasFolder says whether a word, which stands where a pattern for names of files may
// stand, is one with a folder in it. Arithmetic without blanks can look like that.
func hasFolder(token string) bool {
	return strings.Contains(token, "/") && len(token) > 1 && token != "/DISCARD/"
}

// aboutInputs are the commands of a script that names inputs and does nothing else.
var aboutInputs = map[string]bool{
	"INPUT": true, "GROUP": true, "OUTPUT_FORMAT": true, "OUTPUT_ARCH": true, "INCLUDE": true, ";": true, ",": true,
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
