// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/stage"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// readMap reads the map of a thin link that the command is the final link of; nil if it
// is none's: maps without a record are LLD's.
func readMap(c *lld.Command) (m *thinlto.Map, file string, err error) {
	files := c.Values("remap-inputs-file")
	for _, name := range files {
		one, err := readRecord(name)
		if err != nil {
			return nil, "", err
		}
		if one != nil {
			m, file = one, name
		}
	}
	if m != nil && len(files)+len(c.Values("remap-inputs")) > 1 {
		return nil, "", fmt.Errorf("%s: is the map of a thin link, besides which nothing else can be remapped", file)
	}
	return m, file, nil
}

// readRecord reads a map that has a record; nil for what else there may be, which is LLD's
// to read, and once if it is a pipe.
func readRecord(name string) (*thinlto.Map, error) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil //nolint:nilerr // LLD will say so
	}
	text, err := os.ReadFile(name)
	if err != nil || !thinlto.HasRecord(text) {
		return nil, err
	}
	return thinlto.ReadMap(bytes.NewReader(text), name)
}

// linkMapped does the final link of a thin link with --thinlto-index=: it takes what that
// loaded, in its order and whether or not anything still refers to it, with objects in the
// place of bitcode. It returns the linker's exit code.
func linkMapped(ctx context.Context, c *lld.Command, path string, s *settings.Settings, program *Program, m *thinlto.Map, file string) (code int, err error) {
	l := beginStaged(c, path, s, program)
	if err := l.checkMapped(m, file); err != nil {
		return 0, err
	}
	output, err := filepath.Abs(c.Output())
	if err != nil {
		return 0, err
	}
	l.stage = stage.For(output)
	defer func() { err = errors.Join(err, l.stage.Remove()) }()
	if _, err := l.openStage(); err != nil {
		return 0, err
	}
	final, err := l.planMapped(m, file)
	if err == nil {
		err = l.lay(final)
	}
	if err != nil {
		return 0, err
	}
	if code, err = l.finalLink(ctx, final); code == 0 && err == nil && s.Summary {
		used := count(len(m.Jobs)-countUnused(m.Jobs), "object")
		fmt.Fprintf(program.Err, "dtlto: %s: %s in the place of bitcode, %s\n", file, used, seconds(time.Since(l.started)))
	}
	return code, err
}

// checkMapped refuses a link that is not the final one of the map's thin link.
func (l *staged) checkMapped(m *thinlto.Map, file string) error {
	if !l.command.Whole {
		return errors.New("versions of LLD differ in how they read one of the response files")
	}
	if err := cmp.Or(l.checkFiles(), l.command.IndexObstacle(), l.checkOutput(m, file)); err != nil {
		return err
	}
	options := l.command.Resolution()
	for _, option := range options {
		if !slices.Contains(m.Options, option) {
			return fmt.Errorf("%s: this link has %s, and its thin link had not: symbols would be resolved otherwise", file, option)
		}
	}
	for _, option := range m.Options {
		if !slices.Contains(options, option) {
			return fmt.Errorf("%s: its thin link had %s, and this link has not: symbols would be resolved otherwise", file, option)
		}
	}
	for _, added := range m.Add {
		if info, err := os.Stat(added); err != nil || !info.Mode().IsRegular() || strings.HasPrefix(added, "-") || strings.HasPrefix(added, "@") {
			return fmt.Errorf("%s: is not there, and %s has it in the link: do the thin link again", added, file)
		}
	}
	old := 0
	var oldest *thinlto.MapJob
	for i := range m.Jobs {
		job := &m.Jobs[i]
		if err := checkMade(job, file); err != nil {
			return err
		}
		if !job.Unused && isOlder(job.Object, job.Index) {
			old++
			oldest = cmp.Or(oldest, job)
		}
	}
	if old > 0 {
		fmt.Fprintf(l.program.Err, "ld.dtlto: warning: %s is older than its index, %s (so are %d of %d objects): was the backend compile run since the thin link?\n",
			oldest.Object, oldest.Index, old, len(m.Jobs))
	}
	return nil
}

// isOlder says whether a file was last changed before another. Caches and sandboxes may
// give files any times: it is a sign, no proof.
func isOlder(file, other string) bool {
	one, err := os.Stat(file)
	if err != nil {
		return false
	}
	two, err := os.Stat(other)
	return err == nil && one.ModTime().Before(two.ModTime())
}

func countUnused(jobs []thinlto.MapJob) (n int) {
	for i := range jobs {
		if jobs[i].Unused {
			n++
		}
	}
	return n
}

// nameOfInput is the input of which a file has the place.
func nameOfInput(m *thinlto.Map, file string) string {
	for _, entry := range m.Entries {
		if entry.To == file {
			return entry.From
		}
	}
	return file
}

// checkMade makes sure that a backend has run, and not by another link's index: the index
// need not be there any more.
func checkMade(job *thinlto.MapJob, file string) error {
	if job.Unused {
		return nil
	}
	if _, err := os.Stat(job.Object); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: is not there, and %s has it in the place of %s: run the backend compile of that, in this folder", job.Object, file, job.Module)
	}
	index, err := os.ReadFile(job.Index)
	if err == nil && indexDigest(index) != job.Digest {
		return fmt.Errorf("%s: is not the index that the thin link of %s wrote: each link needs a place of its own for indexes and objects", job.Index, file)
	}
	return nil
}

// checkOutput refuses an output that the link or a backend reads.
func (l *staged) checkOutput(m *thinlto.Map, file string) error {
	if l.before == nil {
		return nil
	}
	read := append([]string{file}, m.Add...)
	for i := range m.Jobs {
		read = append(read, m.Jobs[i].Module, m.Jobs[i].Index, m.Jobs[i].Object)
	}
	for i := range m.Load {
		read = append(read, m.Load[i].File)
	}
	for _, path := range read {
		if info, err := os.Stat(path); err == nil && os.SameFile(info, l.before) {
			return fmt.Errorf("%s is the output, too", path)
		}
	}
	return nil
}

// planMapped plans the link of what was loaded.
func (l *staged) planMapped(m *thinlto.Map, file string) (*lld.FinalLink, error) {
	entries := make([]lld.RemapEntry, len(m.Entries))
	for i, entry := range m.Entries {
		entries[i] = lld.RemapEntry{From: entry.Pattern(), To: entry.To}
	}
	remap, err := lld.NewRemap(entries)
	if err != nil {
		return nil, err
	}
	l.command.SetRemap(remap)
	collectLittle(len(m.Load))
	l.files.add(l.command.ReadFiles()...)
	records := make([]lld.Recorded, len(m.Load))
	for i, r := range m.Load {
		records[i] = lld.Recorded(r)
	}
	load, err := l.command.Recall(records)
	var final *lld.FinalLink
	if err == nil {
		final, err = load.FinalLink(filepath.Join(l.root, "final"), "", l.side())
	}
	if inexact, ok := errors.AsType[*lld.Inexact](err); ok && inexact.Why == lld.NotNamed {
		inexact.File = nameOfInput(m, inexact.File)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: do the thin link again", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	final.Words = append(final.Words, m.Add...)
	return final, nil
}
