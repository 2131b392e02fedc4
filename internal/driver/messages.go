// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"

	"github.com/dtlto/dtlto/internal/action"
)

// said is what a compiler printed with the names of its action replaced by the real
// ones.
func (p *planned) said(text []byte) []byte {
	if len(text) == 0 || p.action == nil {
		return text
	}
	real := map[string]string{action.IndexName: p.job.Index()}
	for path, name := range p.names {
		real[name] = p.real(path)
	}
	for i, name := range p.action.Outputs {
		real[name] = p.job.Outputs[i]
	}
	return replaceNames(text, real)
}

// replaceNames replaces words that are names of files.
func replaceNames(text []byte, real map[string]string) []byte {
	var b []byte
	for len(text) > 0 {
		n := 0
		for n < len(text) && isNameByte(text[n]) {
			n++
		}
		word := text[:n]
		// A full stop may end a sentence.
		bare := bytes.TrimRight(word, ".")
		if path, ok := real[string(bare)]; ok {
			b = append(append(b, path...), word[len(bare):]...)
		} else {
			b = append(b, word...)
		}
		if text = text[n:]; len(text) > 0 {
			b, text = append(b, text[0]), text[1:]
		}
	}
	return b
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' || c == '/'
}
