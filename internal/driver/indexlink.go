// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/object"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/stage"
	"github.com/dtlto/dtlto/internal/thinlto"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// indexLink is a thin link for a build system that runs the backends itself
// (--thinlto-index=MAP): it leaves an index for each module, and a map that says which
// object takes the place of which input in the final link.
type indexLink struct {
	*staged
	mapFile string
	places  *lld.Places
	load    *lld.Load
	plan    *indexPlan
	changed atomic.Int64 // indexes that are not what they were
}

// linkIndexes does such a link and returns the linker's exit code. If it fails, the map
// is what it was.
func linkIndexes(ctx context.Context, c *lld.Command, path string, s *settings.Settings, program *Program) (code int, err error) {
	l, err := newIndexLink(c, path, s, program)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.stage.Remove()) }()
	if code, err = l.thinLink(ctx); code != 0 || err != nil {
		return code, err
	}
	if err := l.checkExcluded(); err != nil {
		return 0, err
	}
	if l.plan, err = planIndexes(l.places, l.load, l.mapFile, l.combinedObject(), l.readFiles()); err != nil {
		return 0, err
	}
	for _, step := range []func(context.Context) error{l.addObjects, l.readIndexes, l.write} {
		if err := step(ctx); err != nil {
			return 0, err
		}
	}
	if err = l.writeMap(); err == nil && s.Summary {
		l.summarise()
	}
	return 0, err
}

func newIndexLink(c *lld.Command, path string, s *settings.Settings, program *Program) (*indexLink, error) {
	l := &indexLink{staged: beginStaged(c, path, s, program)}
	l.mapFile, _ = c.IndexMap()
	var err error
	switch {
	case l.mapFile == "":
		return nil, errors.New("--thinlto-index= names no file")
	case !c.Whole:
		return nil, errors.New("versions of LLD differ in how they read one of the response files")
	case c.Has("thinlto-index-only"):
		return nil, errors.New("--thinlto-index= and --thinlto-index-only are two ways of the same")
	case c.Has("remap-inputs", "remap-inputs-file"):
		return nil, errors.New("--thinlto-index= makes a map, and --remap-inputs= and --remap-inputs-file= use one")
	}
	if info, err := os.Stat(filepath.Dir(l.mapFile)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--thinlto-index=%s: there is no such folder for it", l.mapFile)
	}
	if info, err := os.Stat(l.mapFile); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("--thinlto-index=%s: is no regular file", l.mapFile)
	}
	if l.places, err = c.Places(); err != nil {
		return nil, err
	}
	version, err := toolchain.LLDVersion(path)
	if err != nil {
		return nil, err
	}
	if l.major = version.Major; l.major < lld.FirstStaged {
		return nil, fmt.Errorf("%s is LLD %s, and --thinlto-index= needs %d or newer", path, version, lld.FirstStaged)
	}
	if err := cmp.Or(c.OnceOnly(), c.IndexObstacle()); err != nil {
		return nil, err
	}
	if os.Getenv("LLD_REPRODUCE") != "" {
		return nil, errors.New("LLD_REPRODUCE is set, which packs one link up, and these are two")
	}
	beside, err := filepath.Abs(l.mapFile)
	l.stage = stage.For(beside)
	return l, err
}

// thinLink has LLD do the thin link. What LLD says is the user's, and so is its exit
// code.
func (l *indexLink) thinLink(ctx context.Context) (code int, err error) {
	if err := l.makeRoom(); err != nil {
		return 0, err
	}
	collectLittle(len(l.command.Args))
	l.files.add(l.command.ReadFiles()...)
	since := fileTime(l.root)
	var out bytes.Buffer
	code, err = l.runLLD(ctx, l.coloured(l.thin.Words(l.command)), &out, l.program.Err)
	if code != 0 || err != nil {
		return code, err
	}
	if l.command.Has("trace") {
		_, _ = l.program.Out.Write(out.Bytes())
	}
	l.traced = strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if l.load, err = l.readLoad(); err != nil {
		return 0, err
	}
	for i := range l.load.Loaded {
		if err := l.files.addOld(l.load.Loaded[i].File, since); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

func (l *indexLink) summarise() {
	jobs := l.theMap().Jobs
	fmt.Fprintf(l.program.Err, "dtlto: %s: %s, %d of them not used, %s changed, %s\n",
		l.mapFile, count(len(jobs), "module"), countUnused(jobs), count(int(l.changed.Load()), "index file"), seconds(time.Since(l.started)))
}

// readIndexes finds out what each module imports, and whether the map can say all, before
// anything is written.
func (l *indexLink) readIndexes(ctx context.Context) error {
	err := inParallel(l.settings.Jobs, len(l.plan.modules), func(i int) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m := &l.plan.modules[i]
		if m.job.Unused {
			return nil
		}
		var err error
		if m.made, err = l.job(m.loaded, m.job.Object); err != nil {
			return err
		}
		for _, id := range m.made.Imports() {
			name, ok := l.plan.nameOf(id)
			if !ok {
				return fmt.Errorf("%s: is to import from %s, which the link did not load", m.id, id)
			}
			m.job.Imports = append(m.job.Imports, name)
		}
		return nil
	})
	if err == nil {
		_, err = l.theMap().WriteTo(io.Discard)
	}
	return err
}

// write puts every file in its place but the map.
func (l *indexLink) write(ctx context.Context) error {
	blocks := &backends{settings: l.settings, major: l.major, parts: moduleFiles{parts: l.plan.parts}}
	err := inParallel(l.settings.Jobs, len(l.plan.modules), func(i int) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return l.writeModule(i, blocks)
	})
	if err != nil {
		return err
	}
	for i, file := range l.plan.empty {
		if _, err := l.stage.Renew(file, "empty"+strconv.Itoa(i), nil); err != nil {
			return err
		}
	}
	for i, copied := range l.plan.copies {
		if err := l.extract(copied.to, "copy"+strconv.Itoa(i), copied.part); err != nil {
			return err
		}
	}
	for i, archive := range l.plan.archives {
		data, err := object.MakeThinArchive(archive.members)
		if err == nil {
			_, err = l.stage.Renew(archive.to, "archive"+strconv.Itoa(i), data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeModule puts a module's index, its list of imports and, if it is no file, the
// module itself in place.
func (l *indexLink) writeModule(number int, blocks *backends) error {
	m := &l.plan.modules[number]
	index, err := l.indexOf(m, blocks)
	if err != nil {
		return fmt.Errorf("%s: %w", m.id, err)
	}
	name := strconv.Itoa(number)
	m.job.Digest = indexDigest(index)
	changed, err := l.stage.Renew(m.job.Index, name+".thinlto.bc", index)
	if err != nil {
		return err
	}
	if changed {
		l.changed.Add(1)
	}
	if l.command.Has("thinlto-emit-imports-files") {
		if _, err := l.stage.Renew(m.imports, name+".imports", []byte(lines(m.job.Imports))); err != nil {
			return err
		}
	}
	if m.extracted {
		if err := l.extract(m.job.Module, name+".bc", l.plan.parts[m.id]); err != nil {
			return err
		}
	}
	return os.MkdirAll(filepath.Dir(m.job.Object), 0o777)
}

// indexDigest tells an index from another in a map.
func indexDigest(index []byte) string {
	digest := cas.DigestOf(index)
	return hex.EncodeToString(digest.Hash[:16])
}

func lines(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, "\n") + "\n"
}

// indexOf is a module's index with the names that modules have as files. Freed of what
// belongs to the link as a whole it changes only if the backend's work does.
func (l *indexLink) indexOf(m *indexed, blocks *backends) ([]byte, error) {
	if m.job.Unused {
		return bitcode.SkipIndex(), nil
	}
	index, err := os.ReadFile(m.made.Index())
	if err != nil {
		return nil, err
	}
	shard, err := bitcode.Canonicalise(index, l.plan.nameOf, bitcode.Options{KeepBlockCount: blocks.countsBlocks(&m.made)})
	return shard.Data, err
}

// extract makes a file of a part of another, unless it is there.
func (l *indexLink) extract(to, name string, part object.Part) error {
	r, err := part.Open()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	if int64(len(data)) != part.Size {
		return wasChanged(part.File)
	}
	_, err = l.stage.Renew(to, name, data)
	return err
}

// theMap is the map of what was planned.
func (l *indexLink) theMap() *thinlto.Map {
	m := &thinlto.Map{LLVM: l.major, Options: l.command.Resolution(), Entries: l.plan.entries, Load: l.plan.load, Add: l.plan.added}
	for i := range l.plan.modules {
		m.Jobs = append(m.Jobs, l.plan.modules[i].job)
	}
	return m
}

// writeMap writes the map, after everything that it speaks of.
func (l *indexLink) writeMap() error {
	if err := l.files.check(); err != nil {
		return err
	}
	var text bytes.Buffer
	if _, err := l.theMap().WriteTo(&text); err != nil {
		return err
	}
	return l.stage.Write(l.mapFile, "map", text.Bytes())
}

// readFiles are the files that the link reads, and its output, which the final link writes.
func (l *indexLink) readFiles() []string {
	files := slices.Collect(maps.Keys(l.files))
	for i := range l.load.Loaded {
		files = append(files, l.load.Loaded[i].Path)
	}
	return slices.Concat(files, l.command.OptionFiles(), []string{l.command.Output()})
}

// checkExcluded refuses what --exclude-libs, and linker scripts, mean by the name of an
// archive, if that is in another archive in the final link or in none: regular LTO is in an
// object of its own.
func (l *indexLink) checkExcluded() error {
	for i := range l.load.Loaded {
		loaded := &l.load.Loaded[i]
		if loaded.Member != nil && (loaded.Kind == lld.Regular || loaded.Split) && l.command.Excludes(loaded.Path) {
			return &lld.Inexact{File: loaded.Name(), Why: "is regular LTO in an archive that --exclude-libs means"}
		}
	}
	scripts := l.command.Has("script", "default-script") ||
		slices.ContainsFunc(l.load.Inputs, func(in lld.Input) bool { return in.Script && !in.Lists })
	for i := range l.load.Archives {
		from := l.load.Archives[i].Path
		to, err := l.places.Object(from)
		if err != nil {
			return err
		}
		if path.Base(from) != path.Base(to) && (scripts || l.command.Excludes(from) != l.command.Excludes(to)) {
			return fmt.Errorf("%s: would be called %s in the final link, and --exclude-libs and linker scripts go by names of archives", from, path.Base(to))
		}
	}
	return nil
}

// combinedObject is where the object of what is regular LTO belongs.
func (l *indexLink) combinedObject() string {
	if file, _ := l.command.Last("lto-obj-path"); file != "" {
		return file
	}
	return l.mapFile + ".lto.o"
}

// addObjects adds the objects that no backend makes to what is to be written: that of
// regular LTO, and one that hides symbols.
func (l *indexLink) addObjects(ctx context.Context) error {
	if l.plan.combined == "" {
		return l.hideSymbols(ctx, "")
	}
	if n, ok := l.command.Last("lto-partitions"); ok && n != "1" {
		return fmt.Errorf("--lto-partitions=%s makes several objects of regular LTO", n)
	}
	if err := l.plan.addCopy(l.plan.combined, l.thin.Combined); err != nil {
		return err
	}
	return l.hideSymbols(ctx, l.thin.Combined)
}

// hideSymbols adds an object to the link that hides what bitcode hides, if there is
// anything. combined is the object of regular LTO, if any.
func (l *indexLink) hideSymbols(ctx context.Context, combined string) error {
	hidden, err := l.load.Hidden(l.settings.Jobs)
	if err != nil {
		return err
	}
	source, err := hidden.EarlyAssembly(combined)
	if err != nil || source == "" {
		return err
	}
	if l.clang, err = backendCompiler(l.command, l.lld); err != nil {
		return fmt.Errorf("symbols are to be hidden, by an object that clang makes: %w", err)
	}
	if err := l.assemble(ctx, source, "--target="+hidden.Triple()); err != nil {
		return err
	}
	object := l.mapFile + ".hidden.o"
	if err := l.plan.claim(object, "symbols that bitcode hides"); err != nil {
		return err
	}
	l.plan.added = append(l.plan.added, object)
	return l.plan.addCopy(object, l.hiddenObject())
}

// ownError is an error of a link that nobody else can do instead.
func ownError(err error) error {
	var reason *inProcess
	if errors.As(err, &reason) {
		return reason.error
	}
	return err
}
