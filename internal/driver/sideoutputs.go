// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/lld"
)

// translateFiles writes what the final link wrote about the link to where the user wants
// it, in the user's names.
func (l *staged) translateFiles(f *lld.FinalLink) error {
	side := l.side()
	for _, output := range []struct {
		option, from string
		translate    func(string) string
	}{
		{"dependency-file", side.Dependencies, func(text string) string { return l.dependencies(text, f) }},
		{"Map", side.Map, func(text string) string { return l.translate(f, text) }},
		{"time-trace", side.TimeTrace, func(text string) string { return l.translate(f, text) }},
		{"time-trace-file", side.TimeTrace, func(text string) string { return l.translate(f, text) }},
	} {
		path, ok := l.command.Last(output.option)
		text, err := os.ReadFile(output.from)
		if !ok || path == "" || errors.Is(err, os.ErrNotExist) {
			continue // or LLD printed it
		}
		if err == nil {
			err = os.WriteFile(path, []byte(output.translate(string(text))), 0o666)
		}
		if err != nil {
			return fmt.Errorf("--%s: %w", output.option, err)
		}
	}
	return l.translateTrace(f)
}

// translateTrace translates a time trace in the place that LLD chooses.
func (l *staged) translateTrace(f *lld.FinalLink) error {
	if path, ok := l.command.Last("time-trace"); !ok || path != "" || l.command.Has("time-trace-file") {
		return nil
	}
	path := l.command.Output() + ".time-trace"
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(l.translate(f, string(text))), 0o666)
	}
	return err
}

// dependencies is the dependency file that LLD would have written of the whole link:
// files in the order in which they are opened, in a rule for the output, then in
// rules of their own.
func (l *staged) dependencies(written string, f *lld.FinalLink) string {
	files := l.command.OpenedFiles()
	for i := range files {
		files[i] = path.Clean(files[i])
	}
	rule, _, _ := strings.Cut(written, "\n\n")
	_, list, _ := strings.Cut(rule, ": \\\n")
	var options []string // files that options name: LLD reads them first
	for line := range strings.Lines(list) {
		file := path.Clean(l.translate(f, unescape(strings.TrimSuffix(strings.TrimSpace(line), " \\"))))
		if !l.isOurs(file) && !slices.Contains(files, file) {
			options = append(options, file)
		}
	}
	files = slices.Concat(l.command.Values("remap-inputs-file"), options, files)
	target, _, _ := strings.Cut(rule, ": \\\n")
	var b strings.Builder
	b.WriteString(target + ":")
	for _, file := range files {
		b.WriteString(" \\\n " + escape(file))
	}
	b.WriteString("\n")
	for _, file := range files {
		b.WriteString("\n" + escape(file) + ":\n")
	}
	return b.String()
}

// isOurs says whether a translated name is of a file that the user does not know.
func (l *staged) isOurs(file string) bool {
	output := l.command.Output()
	return strings.HasPrefix(file, l.root+"/") || strings.HasPrefix(file, strings.ReplaceAll(l.root, `\`, "/")+"/") || file == path.Clean(output+".lto.o") || file == path.Clean(output+".hidden.o")
}

// escape writes a name as LLD does for make and ninja.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch name[i] {
		case '#':
			b.WriteByte('\\')
		case ' ':
			b.WriteByte('\\')
			for k := i - 1; k >= 0 && name[k] == '\\'; k-- {
				b.WriteByte('\\') // those before a space count twice
			}
		case '$':
			b.WriteByte('$')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// unescape undoes escape, but for backslashes in front of spaces.
func unescape(name string) string {
	return strings.NewReplacer("$$", "$", `\#`, "#", `\ `, " ").Replace(name)
}
