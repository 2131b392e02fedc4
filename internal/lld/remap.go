// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A Remap says which files LLD 17 and newer opens in the place of others, for
// --remap-inputs=GLOB=FILE and --remap-inputs-file=FILE.
//
// LLD looks a path up once, as it spells it when it opens the file: after the search for
// -l and with the system root in front. What it looks up are inputs, also those that
// linker scripts and dependent-library records name, and what options name (opensFile).
// What it only searches for must exist there under its own name. Members of thin archives,
// profiles and all that LLVM opens are not looked up.
//
// What is in an archive is called by the archive's own name, everything else by the new one.
//
// It does not change after it is made; nil is one without entries.
type Remap struct {
	names    map[string]string
	patterns []remapPattern
}

type remapPattern struct {
	from glob
	to   string
}

// RemapEntry is one GLOB=FILE.
type RemapEntry struct{ From, To string }

// NewRemap makes a Remap of entries in LLD's order, which is --remap-inputs= first, then
// what is in files. Of two for one name the last counts, of patterns the first that
// matches, and names before patterns.
func NewRemap(entries []RemapEntry) (*Remap, error) {
	r := &Remap{names: make(map[string]string, len(entries))}
	for _, e := range entries {
		if err := r.add(e); err != nil {
			return nil, fmt.Errorf("%s=%s: %w", e.From, e.To, err)
		}
	}
	return r, nil
}

// To is the file that LLD opens in the place of a path. Where there is none, it is the path.
func (r *Remap) To(path string) (to string, ok bool) {
	if r == nil {
		return path, false
	}
	if to, ok := r.names[path]; ok {
		return to, true
	}
	for _, p := range r.patterns {
		if p.from.match(path) {
			return p.to, true
		}
	}
	return path, false
}

// remapWildcards make LLD take an entry for a pattern. Without them a backslash is itself.
const remapWildcards = "?*["

var errNoEntry = errors.New("parse error, not 'from-glob=to-file'")

func (r *Remap) add(e RemapEntry) error {
	if e.To == "" || strings.Contains(e.From+e.To, "=") {
		return errNoEntry
	}
	if !strings.ContainsAny(e.From, remapWildcards) {
		r.names[e.From] = e.To
		return nil
	}
	pattern, err := newGlob(e.From)
	r.patterns = append(r.patterns, remapPattern{pattern, e.To})
	return err
}

// addLine adds an entry as it stands in an option or a file.
func (r *Remap) addLine(line string) error {
	from, to, _ := strings.Cut(line, "=")
	return r.add(RemapEntry{from, to})
}

// addText adds what is in a file: blanks around lines, empty lines and those that begin
// with '#' do not count. (LLD does not count them in its messages either.)
func (r *Remap) addText(name, text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.Trim(line, " \t\n\v\f\r")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.addLine(line); err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	return nil
}

// maxRemap is how large a file of entries may be, in bytes: a link of 100,000 files of
// long names has one of 40 MB.
const maxRemap = 256 << 20

var errTooLarge = errors.New("too large")

// addFile adds what is in the file that an option names. LLD looks that up, too.
func (r *Remap) addFile(name string) error {
	file, _ := r.To(name)
	if file == os.DevNull {
		return nil
	}
	f, size, err := openFile(file)
	if err != nil {
		return fmt.Errorf("%s: cannot be read: %w", name, err)
	}
	defer f.Close()
	if size > maxRemap {
		return fmt.Errorf("%s: cannot be read: %w", name, errTooLarge)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxRemap))
	if err != nil {
		return fmt.Errorf("%s: cannot be read: %w", name, err)
	}
	return r.addText(name, string(text))
}

// ReadRemap reads the options of the command; nil if there are none. A file must be a
// regular one. Errors name the option or the file and its line.
func (c *Command) ReadRemap() (*Remap, error) {
	if !c.hasAny(isRemap) {
		return nil, nil
	}
	r := &Remap{names: map[string]string{}}
	for _, value := range c.Values("remap-inputs") {
		if err := r.addLine(value); err != nil {
			return nil, fmt.Errorf("--remap-inputs=%s: %w", value, err)
		}
	}
	for _, file := range c.Values("remap-inputs-file") {
		if err := r.addFile(file); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func isRemap(arg Arg) bool { return arg.Name == "remap-inputs" || arg.Name == "remap-inputs-file" }

// SetRemap makes the command mean other files: from then on, what it is asked about its
// inputs is about those that LLD opens. They have no Library, and those that are mapped to
// /dev/null, an empty linker script to LLD, are not there at all.
func (c *Command) SetRemap(r *Remap) {
	c.inputs = nil
	c.remapped = r
}

// opened is the file that LLD opens for a path.
func (c *Command) opened(path string) string {
	if path != "" {
		path, _ = c.remapped.To(path)
	}
	return path
}

// open makes of an input the file that LLD opens for it, and says whether that is
// anything.
func (c *Command) open(in *Input) bool {
	if to, ok := c.remapped.To(in.Path); ok && in.Path != "" {
		in.Path, in.Library = to, ""
	}
	return in.Path != "" && (in.Path != os.DevNull || in.Binary || in.JustSymbols)
}
