// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// A pageBlock is a block of lines in a page. Of the words after ```, the first says what
// it is, the second which file:
//
//	sh         commands that are run
//	text       what the commands before have printed
//	text FILE  what is in FILE now
//	LANG FILE  the contents of FILE
type pageBlock struct {
	line       int
	lang, file string
	text       string
}

// A pageSection has what is below one heading, up to the next one of any level.
type pageSection struct {
	name   string // of the headings that it is below, "Chapter/Section"
	blocks []pageBlock
}

var fenceLine = regexp.MustCompile("^```([a-z]*) ?(.*)$")

// readPage takes a page apart. A block that does not say what it is is an error.
func readPage(t *testing.T, file string) (sections []pageSection) {
	t.Helper()
	var chapter string
	var block *pageBlock
	n := 0
	for line := range strings.Lines(string(read(t, file))) {
		n++
		fence := fenceLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		level := len(line) - len(strings.TrimLeft(line, "#"))
		switch {
		case block != nil && fence != nil:
			last := &sections[len(sections)-1]
			last.blocks, block = append(last.blocks, *block), nil
		case block != nil:
			block.text += line
		case fence != nil:
			block = &pageBlock{line: n, lang: fence[1], file: fence[2]}
			if block.lang == "" || block.file == "" && block.lang != "sh" && block.lang != "text" {
				t.Errorf("%s:%d: says neither sh, nor text, nor which file it is", file, n)
			}
		case level > 0:
			name := strings.TrimSpace(line[level:])
			if level <= 2 {
				chapter = name
			} else {
				name = chapter + "/" + name
			}
			sections = append(sections, pageSection{name: name})
		}
	}
	if block != nil {
		t.Errorf("%s:%d: has no end", file, block.line)
	}
	return sections
}

// A pageRun is a folder in which the blocks of a section are tried.
type pageRun struct {
	t    *testing.T
	llvm int // what the page says, 22, or what is put in its place
	dir  string
	home string
	env  []string // besides the usual
	said string   // by the last commands
}

func newPageRun(t *testing.T, llvm int, folders ...string) *pageRun {
	t.Helper()
	r := &pageRun{t: t, llvm: llvm, dir: t.TempDir(), home: t.TempDir()}
	for _, folder := range folders {
		if err := os.CopyFS(r.dir, os.DirFS(filepath.Join("testdata", "buildsystems", folder))); err != nil {
			t.Fatal(err)
		}
	}
	shareToolchain(t, filepath.Join(r.home, ".cache", "dtlto"))
	return r
}

// shareToolchain makes a cache folder in which only what is known of compilers is known.
func shareToolchain(t *testing.T, cache string) {
	t.Helper()
	known := filepath.Join(bin, "cache", "dtlto", "toolchain")
	for _, dir := range []string{known, cache} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	symlink(t, known, filepath.Join(cache, "toolchain"))
}

func (r *pageRun) path(name string) string { return filepath.Join(r.dir, name) }

// environ is that of a user whose home folder is the test's.
func (r *pageRun) environ() (env []string) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "XDG_") && name != "MAKEFLAGS" {
			env = append(env, v)
		}
	}
	env = append(env, "HOME="+r.home, "LC_ALL=C.UTF-8", "RUSTUP_HOME="+rustupHome())
	return append(env, r.env...)
}

var llvmName = regexp.MustCompile(`\b((?:clang|clang\+\+|lld|llvm-[a-z]+))-22\b`)

// version puts another LLVM in the place of the page's.
func (r *pageRun) version(text string) string {
	if r.llvm == 22 {
		return text
	}
	text = strings.ReplaceAll(text, `"llvm":22`, fmt.Sprintf(`"llvm":%d`, r.llvm))
	return llvmName.ReplaceAllString(text, fmt.Sprintf("${1}-%d", r.llvm))
}

func (r *pageRun) try(blocks []pageBlock) {
	r.t.Helper()
	for _, b := range blocks {
		text := r.version(b.text)
		switch {
		case b.lang == "sh":
			r.said = r.sh(text)
		case b.lang == "text" && b.file == "":
			wantPageText(r.t, fmt.Sprintf("line %d, what is printed", b.line), r.said, text)
		case b.lang == "text":
			wantPageText(r.t, fmt.Sprintf("line %d, %s", b.line, b.file), string(read(r.t, r.path(b.file))), text)
		default:
			llvmtest.Write(r.t, r.dir, b.file, text)
		}
	}
}

// sh runs commands and returns what they print on both outputs.
func (r *pageRun) sh(commands string) string {
	r.t.Helper()
	cmd := exec.Command("sh", "-e", "-c", commands)
	cmd.Dir, cmd.Env = r.dir, r.environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", commands, err, out)
	}
	return string(out)
}

// wantPageText wants exactly this text, in which … stands for any text in a line and, where
// it is a line, for any lines.
func wantPageText(t *testing.T, what, got, want string) {
	t.Helper()
	pattern := regexp.QuoteMeta(want)
	pattern = strings.ReplaceAll("\n"+pattern, "\n…\n", "\n(?s:.*\n)?")
	pattern = strings.ReplaceAll(pattern, "…", ".*")
	if !regexp.MustCompile("^" + pattern[1:] + "$").MatchString(got) {
		t.Errorf("%s is\n%s\nand not, as the page has it,\n%s", what, got, want)
	}
}

// linked says whether dtlto has a link of an output on record, wherever that was.
func (r *pageRun) linked(name string) bool {
	r.t.Helper()
	records, err := filepath.Glob(filepath.Join(r.home, ".cache", "dtlto", "links", "*.link"))
	if err != nil {
		r.t.Fatal(err)
	}
	return slices.ContainsFunc(records, func(record string) bool {
		text := read(r.t, record) // the output's path is at the beginning
		return bytes.Contains(text[:min(len(text), 4096)], []byte("/"+name))
	})
}
