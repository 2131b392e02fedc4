// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/stage"
)

// noteForExplain keeps what those will ask who wonder why a job was compiled. It is
// done now since the modules, where symbols have their names, may be gone after
// the link. That something cannot be kept is no error.
func (b *backends) noteForExplain(ctx context.Context, p *planned, folder *stage.Folder) {
	if b.store == nil {
		return
	}
	job := &b.done[p.number]
	job.Source = b.sourceOf(p.job.Module())
	if p.uncached == nil {
		job.IndexChanges = b.indexChanges(ctx, p, folder)
		_, _ = b.store.Put(ctx, folder.In(action.IndexName)) // for the next link
	}
}

// maxIndexChanges is how many changes of an index the record tells of.
const maxIndexChanges = 12

// indexChanges says in words what has changed in a job's index since it was
// compiled last; nothing if the index of then is not in the store any more.
func (b *backends) indexChanges(ctx context.Context, p *planned, folder *stage.Folder) []string {
	job := &b.done[p.number]
	if job.Before == nil || job.Before.Index == p.shard {
		return nil
	}
	path := folder.In("before.thinlto.bc")
	if b.store.Materialise(ctx, job.Before.Index, path) != nil {
		return nil
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	now, err := os.ReadFile(folder.In(action.IndexName))
	if err != nil {
		return nil
	}
	changes, err := bitcode.Differences(
		bitcode.Side{Shard: before, Name: moduleNames(job.Before.Modules)},
		bitcode.Side{Shard: now, Name: moduleNames(job.Action.Modules)})
	if err != nil {
		return nil
	}
	changes = slices.DeleteFunc(changes, func(d bitcode.Difference) bool {
		return d.Aspect == bitcode.ModuleHash || d.Aspect == bitcode.ImportedModule // said of the modules themselves
	})
	symbols := symbolNames{paths: p.modules, parts: &b.parts}
	var words []string
	for i, change := range changes {
		if i == maxIndexChanges {
			return append(words, "and "+count(len(changes)-i, "change")+" more")
		}
		words = append(words, change.Text(symbols.name))
	}
	return words
}

// moduleNames gives modules in an action their names for people. Two that have
// the same keep their archive offsets.
func moduleNames(modules []*record.Input) func(path string) string {
	seen := map[string]int{}
	for _, m := range modules {
		seen[record.Readable(m.Path)]++
	}
	names := map[string]string{}
	for rank, m := range modules {
		name := record.Readable(m.Path)
		if seen[name] > 1 {
			name = m.Path
		}
		names[action.RankName(rank, len(modules))] = name
	}
	return func(path string) string { return names[path] }
}

// symbolNames finds the names of symbols in modules, which it reads when it is
// asked for the first.
type symbolNames struct {
	paths []string
	parts *moduleFiles
	names map[uint64]string
}

func (s *symbolNames) name(guid uint64) string {
	if s.names == nil {
		s.names = map[uint64]string{}
		for _, path := range s.paths {
			s.parts.look(path, func(r io.ReaderAt, size int64) {
				found, _ := bitcode.SymbolNames(r, size) // as many as there are
				maps.Copy(s.names, found)
			})
		}
	}
	if name, ok := s.names[guid]; ok {
		return name
	}
	return fmt.Sprintf("a symbol (%#x)", guid)
}
