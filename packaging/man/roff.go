// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"fmt"
	"strings"
)

// page is a manual page in mdoc, the language that man of every Unix formats.
type page struct{ strings.Builder }

// macro writes a line that begins with a macro. Its words are macros and what argument
// and escape have made.
func (p *page) macro(words ...string) { p.WriteString("." + strings.Join(words, " ") + "\n") }

// heading begins a section.
func (p *page) heading(name string) { p.macro("Sh", name) }

// item begins an item of a list.
func (p *page) item(words ...string) { p.macro(append([]string{"It"}, words...)...) }

func (p *page) beginList() { p.macro("Bl", "-tag", "-width", "Ds") }
func (p *page) endList()   { p.macro("El") }

// prose writes what help says: paragraphs between empty lines, and indented lines as
// they stand.
func (p *page) prose(text string) {
	for i, block := range blocks(text) {
		if strings.HasPrefix(block[0], " ") {
			p.macro("Bd", "-literal", "-offset", "indent")
			p.lines(unindent(block))
			p.macro("Ed")
			continue
		}
		if i > 0 {
			p.macro("Pp")
		}
		p.fill(strings.Join(block, " "))
	}
}

// width is where lines of prose are broken, for whoever reads the source.
const width = 76

// fill writes prose, each sentence from the beginning of a line: roff puts the space
// between sentences only where a line ends.
func (p *page) fill(text string) {
	var line string
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width || endsSentence(line, word):
			p.lines([]string{line})
			line = word
		default:
			line += " " + word
		}
	}
	if line != "" {
		p.lines([]string{line})
	}
}

func endsSentence(line, next string) bool {
	return strings.HasSuffix(strings.TrimRight(line, ")"), ".") && strings.ToLower(next[:1]) != next[:1]
}

// lines writes lines of text, none of which is taken for a macro.
func (p *page) lines(lines []string) {
	for _, line := range lines {
		line = escape(line)
		if strings.HasPrefix(line, ".") {
			line = `\&` + line
		}
		p.WriteString(line + "\n")
	}
}

// blocks are paragraphs and runs of indented lines.
func blocks(text string) [][]string {
	var all [][]string
	fresh := true
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if line == "" {
			fresh = true
			continue
		}
		last := len(all) - 1
		if fresh || strings.HasPrefix(line, " ") != strings.HasPrefix(all[last][0], " ") {
			all = append(all, []string{line})
		} else {
			all[last] = append(all[last], line)
		}
		fresh = false
	}
	return all
}

// unindent takes from all lines what the first is indented by.
func unindent(lines []string) []string {
	indent := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], " "))]
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimPrefix(line, indent)
	}
	return out
}

// escape makes characters stand for themselves: what is copied out of a manual page must
// be what was written, and roff makes typographic quotes and hyphens of ASCII ones.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r == '`':
			b.WriteString(`\(ga`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r == '"':
			b.WriteString(`\(dq`)
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// argument is text as one argument of a macro, never taken for a macro or for
// punctuation.
func argument(text string) string {
	text = `\&` + escape(text)
	if strings.Contains(text, " ") {
		text = `"` + text + `"`
	}
	return text
}

// sentence makes a sentence of the words that help has for an option.
func sentence(words string) string {
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:] + "."
}
