// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"unicode/utf16"
)

// maxExpansions bounds the number of response files one command line may
// open, nested ones included, so that files naming each other end.
const maxExpansions = 2000

// maxExpandedBytes bounds the text of all response files together.
const maxExpandedBytes = 256 << 20

// Expand replaces each "@file" of a linker's arguments by the words in the
// file, as LLD does: recursively, names relative to the working directory,
// and words whose file cannot be read left as they are (LLD then reports them
// as inputs). whole is false when a limit was reached or a file names itself;
// the arguments are then not what LLD would see.
//
// readFile is os.ReadFile; tests and fuzzing replace it.
func Expand(args []string, readFile func(string) ([]byte, error)) (expanded []string, whole bool) {
	e := &expander{read: readFile, tokenize: tokenizeGNU, open: map[string]bool{}}
	if quotingStyle(args) == "windows" {
		e.tokenize = tokenizeWindows
	}
	whole = true
	for _, arg := range args {
		whole = e.add(arg) && whole
	}
	return e.out, whole
}

// ExpandFiles is Expand with the response files of the file system.
func ExpandFiles(args []string) (expanded []string, whole bool) {
	return Expand(args, os.ReadFile)
}

// quotingStyle is the last --rsp-quoting outside of response files: LLD looks
// for it before it expands any. Both spellings of an option take effect.
func quotingStyle(args []string) string {
	style := ""
	for i, arg := range args {
		if v, ok := strings.CutPrefix(arg, "--rsp-quoting="); ok {
			style = v
		} else if arg == "--rsp-quoting" && i+1 < len(args) {
			style = args[i+1]
		}
	}
	return style
}

type expander struct {
	read     func(string) ([]byte, error)
	tokenize func(string) (words []string, whole bool)
	open     map[string]bool // files being expanded, to notice cycles
	files    int
	bytes    int
	out      []string
}

func (e *expander) add(arg string) bool {
	name, ok := strings.CutPrefix(arg, "@")
	if !ok {
		e.out = append(e.out, arg)
		return true
	}
	if e.open[name] || name == "" { // LLD 19 stops at "@", 14 opens a file of that name
		return false
	}
	if e.files++; e.files > maxExpansions {
		return false
	}
	text, err := e.read(name)
	if err != nil {
		e.out = append(e.out, arg)
		return true
	}
	if e.bytes += len(text); e.bytes > maxExpandedBytes {
		return false
	}
	e.open[name] = true
	defer delete(e.open, name)
	words, whole := e.tokenize(decode(text))
	for _, word := range words {
		word, _, _ = strings.Cut(word, "\x00") // LLD keeps words as C strings
		whole = e.add(word) && whole
	}
	return whole
}

// decode turns a response file's bytes into text: UTF-16 if a byte order mark
// says so, else the bytes themselves without a UTF-8 mark.
func decode(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		return decodeUTF16(b[2:], binary.LittleEndian)
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return decodeUTF16(b[2:], binary.BigEndian)
	}
	return string(bytes.TrimPrefix(b, []byte{0xef, 0xbb, 0xbf}))
}

func decodeUTF16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n'
}

// tokenizeGNU splits text as llvm::cl::TokenizeGNUCommandLine does. A
// backslash escapes the next byte everywhere, inside both kinds of quotes
// too; there are no comments; a word that is only empty quotes is no word.
func tokenizeGNU(text string) (words []string, whole bool) {
	var word []byte
	flush := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = word[:0]
		}
	}
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			word = append(word, text[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word = append(word, c)
		case c == '"' || c == '\'':
			quote = c
		case isSpace(c):
			flush()
		default:
			word = append(word, c)
		}
	}
	flush()
	return words, true
}

// tokenizeWindows splits text as llvm::cl::TokenizeWindowsCommandLine does,
// for --rsp-quoting=windows: 2n backslashes and a quote are n backslashes and
// a delimiter, 2n+1 are n backslashes and a quote, other backslashes are
// themselves, "" inside quotes is a quote, empty words are left out. What
// becomes of an unfinished quote depends on the version: whole is false then.
func tokenizeWindows(text string) (words []string, whole bool) {
	var word []byte
	quoted := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\':
			n := 1
			for i+n < len(text) && text[i+n] == '\\' {
				n++
			}
			i += n - 1
			if i+1 < len(text) && text[i+1] == '"' {
				word = append(word, bytes.Repeat([]byte{'\\'}, n/2)...)
				if n%2 == 1 {
					word = append(word, '"')
					i++
				}
				continue
			}
			word = append(word, bytes.Repeat([]byte{'\\'}, n)...)
		case c == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			word = append(word, '"')
			i++
		case c == '"':
			quoted = !quoted
		case (isSpace(c) || c == 0) && !quoted:
			if len(word) > 0 {
				words = append(words, string(word))
				word = word[:0]
			}
		default:
			word = append(word, c)
		}
	}
	if len(word) > 0 {
		words = append(words, string(word))
	}
	return words, !quoted
}
