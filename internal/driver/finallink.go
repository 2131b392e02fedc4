// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/object"
)

// lay puts everything in its place that the final link takes, beside the objects.
func (l *staged) lay(f *lld.FinalLink) error {
	for _, folder := range f.Folders {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
	}
	for _, c := range f.Copies {
		if err := place(c); err != nil {
			return err
		}
	}
	for _, archive := range f.Archives {
		data, err := object.MakeThinArchive(archive.Members)
		if err == nil {
			err = os.WriteFile(archive.Path, data, 0o666)
		}
		if err != nil {
			return err
		}
	}
	for _, rest := range f.Rests {
		if err := writeRest(rest); err != nil {
			return err
		}
	}
	return nil
}

func place(c lld.Copy) error {
	if c.Size >= 0 {
		return object.Part{File: c.From, Offset: c.Offset, Size: c.Size}.Extract(c.To)
	}
	return link(c.From, c.To)
}

// link makes a symbolic link to a file.
func link(from, to string) error {
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	return os.Symlink(from, to)
}

// writeRest writes an archive without the members that must not come again.
func writeRest(c lld.RestCopy) (err error) {
	from, err := os.Open(c.Rest.Path)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	archive, err := filepath.Abs(c.Rest.Path)
	if err != nil {
		return err
	}
	to, err := os.Create(c.To)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	return object.Filter(to, from, info.Size(), c.Rest.Keep, func(m object.Member) string { return object.ThinPath(archive, m) })
}

// hide adds an object to the link that hides the symbols that bitcode hides.
func (l *staged) hide(ctx context.Context, f *lld.FinalLink, common []string) error {
	source, err := l.hidden.Assembly(f.Objects)
	if err != nil {
		return &inProcess{err, true}
	}
	if source == "" {
		return nil
	}
	target := common[slices.IndexFunc(common, func(arg string) bool { return strings.HasPrefix(arg, "--target=") })]
	if err := l.assemble(ctx, source, target); err != nil {
		return err
	}
	f.Words = append(f.Words, l.hiddenObject())
	return nil
}

// assemble makes the object that hides symbols.
func (l *staged) assemble(ctx context.Context, source, target string) error {
	text, err := l.stage.Path("hidden", "hidden.s")
	if err == nil {
		err = os.WriteFile(text, []byte(source), 0o666)
	}
	if err != nil {
		return err
	}
	object := l.hiddenObject()
	args := []string{"-c", target, "-x", "assembler", text, "-o", object}
	if slices.Contains(backendArgs(l.major), noDefaultConfig) {
		args = append(args, noDefaultConfig)
	}
	var said bytes.Buffer
	code, err := exec.Tool(ctx, l.clang, args, compilerEnvironment(), &said, &said)
	if err != nil {
		return err
	}
	if reason := checkObject(object); code != 0 || reason != "" {
		return &inProcess{fmt.Errorf("symbols cannot be hidden: %s%s", reason, said.String()), true}
	}
	return nil
}

// finalLink links the objects and says what LLD said, in the user's names and without
// what the thin link has said already.
func (l *staged) finalLink(ctx context.Context, f *lld.FinalLink) (code int, err error) {
	if err := l.files.check(); err != nil {
		return 0, err
	}
	var out, messages bytes.Buffer
	ended := l.view.phase("final link")
	code, err = l.runLLD(ctx, l.coloured(f.Words), &out, &messages)
	if ended(); err != nil {
		return 0, err
	}
	if bytes.Contains(messages.Bytes(), []byte(lld.Refusal)) {
		return 0, &inProcess{errors.New("the objects need bitcode that the thin link did not load"), true}
	}
	if err := l.files.check(); err != nil {
		return 0, err
	}
	l.view.clear()
	_, _ = io.WriteString(l.view.messages, l.said+l.news(l.translate(f, messages.String())))
	if _, err := io.WriteString(l.program.Out, l.output(l.translate(f, out.String()))); err != nil || code != 0 {
		return code, err
	}
	return 0, l.translateFiles(f)
}

// translate puts the user's names into what LLD prints. The objects that stand for no
// file in particular are called as LLD 22 calls its own.
func (l *staged) translate(f *lld.FinalLink, text string) string {
	output := l.command.Output()
	text = strings.NewReplacer(l.thin.Combined, output+".lto.o", l.hiddenObject(), output+".hidden.o").Replace(text)
	return f.Translate(text)
}

// hiddenObject is the path of the object that hides symbols.
func (l *staged) hiddenObject() string { return filepath.Join(l.root, "hidden", "hidden.o") }

// coloured keeps LLD's messages coloured where it would colour them itself.
func (l *staged) coloured(words []string) []string {
	term := os.Getenv("TERM")
	if file, ok := l.program.Err.(*os.File); !ok || term == "" || term == "dumb" {
		return words
	} else if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return words
	}
	return append([]string{"--color-diagnostics=always"}, words...)
}

// output is what both links print to standard output: under --trace first what the
// thin link loaded, then what else was needed.
func (l *staged) output(text string) string {
	if !l.command.Has("trace") {
		return text
	}
	var b strings.Builder
	known := map[string]bool{}
	for _, line := range l.traced {
		b.WriteString(line + "\n")
		known[line] = true
	}
	for line := range strings.Lines(text) {
		if file := strings.TrimSuffix(line, "\n"); !known[file] && !l.isOurs(file) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// news is what LLD says in the final link and did not say in the thin link.
func (l *staged) news(text string) string {
	name := filepath.Base(l.lld) + ": "
	said := messagesOf(l.said, name)
	var b strings.Builder
	for _, message := range messagesOf(text, name) {
		if !slices.Contains(said, message) {
			b.WriteString(message)
		}
	}
	return b.String()
}

// messagesOf splits what a program has printed into messages, each of which begins
// with the program's name.
func messagesOf(text, name string) []string {
	var messages []string
	for line := range strings.Lines(text) {
		if n := len(messages); n > 0 && !strings.HasPrefix(line, name) {
			messages[n-1] += line
			continue
		}
		messages = append(messages, line)
	}
	return messages
}
