// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// Print prints each setting with its value and where that came from, and secrets
// hidden; first which files of settings there are. It is what dtlto config says.
func (s *Settings) Print(w io.Writer) error {
	var text bytes.Buffer
	for _, file := range s.files {
		fmt.Fprintf(&text, "# settings in %s\n", printable(file))
	}
	rows := s.rows()
	var widths [2]int
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], min(len(row[i]), maxWidth))
		}
	}
	for _, row := range rows {
		fmt.Fprintf(&text, "%-*s = %-*s  # %s\n", widths[0], row[0], widths[1], row[1], row[2])
	}
	_, err := w.Write(text.Bytes())
	return err
}

// maxWidth is how far the origins may be to the right because of one long value.
const maxWidth = 48

// rows are name, value and origin of all settings.
func (s *Settings) rows() (rows [][3]string) {
	for i := range All {
		setting := &All[i]
		values := s.values[setting.Name]
		if len(values) == 0 {
			text := setting.Default
			if text == "" {
				text = s.computed(setting.Name)
			}
			values = []value{{text: text, origin: "default"}}
		}
		for _, v := range values {
			rows = append(rows, [3]string{setting.Name, setting.printed(v.text), printable(v.origin)})
		}
	}
	return rows
}

// printed is a value as dtlto config shows it.
func (setting *Setting) printed(text string) string {
	if setting.Argument == "" {
		return strconv.FormatBool(text == "true")
	}
	return printable(setting.shown(text))
}

// printable is text as it can go to a terminal.
func printable(text string) string {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}
