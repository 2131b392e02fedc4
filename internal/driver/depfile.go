// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// The endings of what a thin link writes for a module, which is named like its object.
const (
	importsEnding = ".imports"
	indexEnding   = ".thinlto.bc"
)

// A Depfile is a call of dtlto depfile.
type Depfile struct {
	Format thinlto.Fragment
	Inputs []string // maps, and import lists, which are known by their ending
	Object string   // of the one input, an import list; "" if it is named like the list
	Output string   // "" for standard output
}

// Write says for a build system which files the backends of a thin link read and write.
// Names are the thin link's, so it has to run in the same folder. Of what cannot be used it
// writes nothing.
func (d *Depfile) Write(stdout io.Writer) error {
	var backends []thinlto.Backend
	for _, input := range d.Inputs {
		if sameFile(input, d.Output) {
			return &UsageError{fmt.Errorf("%s: is the output, too", input)}
		}
		of, err := d.read(input)
		if err != nil {
			return &UsageError{err}
		}
		backends = append(backends, of...)
	}
	var text strings.Builder
	if err := d.Format.Write(&text, backends); err != nil {
		return &UsageError{err}
	}
	if d.Output == "" {
		_, err := io.WriteString(stdout, text.String())
		return err
	}
	return renewDepfile(d.Output, []byte(text.String()), d.Format == thinlto.Make)
}

func sameFile(one, other string) bool {
	a, err := os.Stat(one)
	if err != nil {
		return false
	}
	b, err := os.Stat(other)
	return err == nil && os.SameFile(a, b)
}

// read is the backends of one input, whose modules are all there.
func (d *Depfile) read(input string) ([]thinlto.Backend, error) {
	f, err := os.Open(input)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", input, withoutPath(err))
	}
	defer f.Close()
	stem, isList := strings.CutSuffix(input, importsEnding)
	if !isList {
		return d.readMap(f, input)
	}
	imports, err := thinlto.ReadImports(f, input)
	if err != nil {
		return nil, err
	}
	b := thinlto.Backend{Object: stem, Imports: imports}
	if d.Object != "" {
		b.Object = d.Object
	}
	if err := checkModules(input, imports, map[string]bool{}); err != nil {
		return nil, err
	}
	err = addIndex(&b, stem+indexEnding, input)
	return []thinlto.Backend{b}, err
}

func (d *Depfile) readMap(f *os.File, input string) ([]thinlto.Backend, error) {
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	if !thinlto.HasRecord(text) {
		return nil, fmt.Errorf("%s: neither a map that a thin link of dtlto wrote nor an import list (*%s)", input, importsEnding)
	}
	m, err := thinlto.ReadMap(bytes.NewReader(text), input)
	switch {
	case err != nil:
		return nil, err
	case d.Object != "":
		return nil, fmt.Errorf("%s: a map, which names objects itself: --object= is for an import list", input)
	}
	known := map[string]bool{}
	var backends []thinlto.Backend
	for _, j := range m.Jobs {
		if err := checkModules(input, append([]string{j.Module}, j.Imports...), known); err != nil {
			return nil, err
		}
		backends = append(backends, thinlto.Backend{Object: j.Object, Module: j.Module, Index: j.Index, Imports: j.Imports, Unused: j.Unused})
	}
	return backends, nil
}

// checkModules makes sure that modules are files. Those in known were checked before.
func checkModules(input string, modules []string, known map[string]bool) error {
	for _, module := range modules {
		if known[module] {
			continue
		}
		info, err := os.Stat(module)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s: names %s, which is not there", input, printable(module))
		case err != nil:
			return fmt.Errorf("%s: names %s: %w", input, printable(module), withoutPath(err))
		case info.IsDir():
			return fmt.Errorf("%s: names %s, which is a folder", input, printable(module))
		}
		known[module] = true
	}
	return nil
}

// addIndex adds what the index beside an import list says: the module itself, or that the
// link has no use for it. An index that is not there yet, or is empty as that of a module
// which is not ThinLTO, says nothing.
func addIndex(b *thinlto.Backend, index, list string) error {
	shard, err := os.ReadFile(index)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", index, withoutPath(err))
	}
	b.Index, b.Unused = index, bitcode.IsSkipIndex(shard)
	if b.Unused || len(shard) == 0 {
		return nil
	}
	modules, err := bitcode.IndexModules(shard)
	if err != nil {
		return fmt.Errorf("%s: %w", index, err)
	}
	imports := map[string]bool{}
	for _, module := range b.Imports {
		imports[module] = true
	}
	own := slices.DeleteFunc(modules, func(m string) bool { return imports[m] })
	if len(own) != 1 {
		return fmt.Errorf("%s: names %d modules besides those of %s, not one: they are of different thin links", index, len(own), list)
	}
	b.Module = own[0]
	return checkModules(index, own, map[string]bool{})
}
