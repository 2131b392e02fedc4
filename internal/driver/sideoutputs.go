// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/lld"
)

// translateFiles puts the user's names into the files that the final link wrote.
func (l *staged) translateFiles(f *lld.FinalLink) error {
	for _, path := range l.writtenFiles() {
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(l.translate(f, string(text))), 0o666)
		}
		if err != nil {
			return err
		}
	}
	if path, ok := l.command.Last("dependency-file"); ok {
		text, err := os.ReadFile(filepath.Join(l.root, "thin", "dependencies"))
		if err == nil {
			err = os.WriteFile(path, []byte(l.dependencies(string(text), f)), 0o666)
		}
		if err != nil {
			return fmt.Errorf("cannot write the dependency file: %w", err)
		}
	}
	return nil
}

// writtenFiles are the map and the time trace, if the final link wrote them.
func (l *staged) writtenFiles() (files []string) {
	if path, ok := l.command.Last("Map"); ok && path != "-" && path != "" {
		files = append(files, path)
	}
	trace, ok := l.command.Last("time-trace")
	if file, older := l.command.Last("time-trace-file"); older && trace == "" { // LLD 13 and 14
		trace = file
	}
	switch {
	case !ok || trace == "-":
	case trace == "":
		files = append(files, l.command.Output()+".time-trace")
	default:
		files = append(files, trace)
	}
	return files
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
	files = append(options, files...)
	target, _, _ := strings.Cut(rule, ":")
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
	return strings.HasPrefix(file, l.root+"/") || file == path.Clean(output+".lto.o") || file == path.Clean(output+".hidden.o")
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
