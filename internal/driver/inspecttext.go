// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// jobFacts are what is known of a job file.
type jobFacts struct {
	Output   string     `json:"output"`
	Compiler string     `json:"compiler"`
	Args     []string   `json:"args"`   // of all jobs
	Inputs   []string   `json:"inputs"` // of all jobs
	Jobs     int        `json:"jobs"`
	Imports  int        `json:"imports"` // of all jobs together
	List     []jobEntry `json:"list"`
	LeftOff  int        `json:"left_off,omitzero"`
}

// jobEntry is a job of a job file.
type jobEntry struct {
	Module  string   `json:"module"`
	Index   string   `json:"index"`
	Object  string   `json:"object"`
	Imports int      `json:"imports"`
	Args    []string `json:"args"`
}

// mapFacts are what is known of a map.
type mapFacts struct {
	Version int        `json:"version,omitzero"` // of dtlto's record; 0 of a plain one, which has entries only
	LLVM    int        `json:"llvm,omitzero"`
	Options []string   `json:"options,omitzero"` // of the thin link, that the final link must have too
	Entries int        `json:"entries"`
	Jobs    int        `json:"jobs"`
	Unused  int        `json:"unused"` // of the jobs: modules that the link does not use
	Loaded  int        `json:"loaded"` // files and members that the thin link loaded
	Added   []string   `json:"added,omitzero"`
	List    []mapEntry `json:"list,omitzero"`
	LeftOff int        `json:"left_off,omitzero"`
}

// mapEntry is a job of a map.
type mapEntry struct {
	Module  string `json:"module"`
	Index   string `json:"index"`
	Object  string `json:"object"`
	Imports int    `json:"imports"`
	Unused  bool   `json:"unused"`
}

// other looks at what is no object: our own files, and text.
func (i *inspector) other(found *inspection, s *source, head []byte) {
	text := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case s.size == 0:
		found.is("empty", "empty file: as an index shard, that of an input that is not ThinLTO bitcode; as an object, that of a compile that failed")
	case record.IsRecord(head):
		i.record(found, s)
	case cas.IsResult(head):
		i.result(found, s)
	case bytes.HasPrefix(text, []byte(`{"event":`)):
		i.events(found, s)
	case bytes.HasPrefix(text, []byte(`{"traceEvents"`)):
		found.is("trace", "Chrome trace: ui.perfetto.dev and chrome://tracing show it")
	case bytes.HasPrefix(text, []byte("{")):
		i.jobFile(found, s)
	case thinlto.HasRecord(head):
		i.mapFile(found, s)
	case strings.HasSuffix(s.path, ".imports"):
		i.imports(found, s)
	case isText(head) && bytes.IndexByte(head, '=') > 0 && !bytes.HasPrefix(text, []byte("#!")):
		i.plainMap(found, s)
	case isText(head):
		found.is("unknown", strangeText)
	default:
		found.is("unknown", strangeBinary)
	}
}

// What is said of files that are nothing of ours.
const (
	strangeText   = "text that is nothing of a distributed link: no job file, map, list of imports or events"
	strangeBinary = "nothing that is known here: no bitcode, object, archive, job file, map, record or entry of the cache"
)

// isText says whether the head of a file has nothing that is not printed.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 && len(head) >= utf8.UTFMax || r < ' ' && r != '\n' && r != '\t' && r != '\r' {
			return false
		}
		head = head[n:]
	}
	return true
}

func (i *inspector) jobFile(found *inspection, s *source) {
	found.is("json", "JSON")
	if found.tooLarge(s, maxText) {
		return
	}
	jobs, err := thinlto.Read(s.path, s.reader())
	if err != nil {
		found.fail("json", "JSON that is no job file", err)
		return
	}
	found.is("job-file", "job file, which LLD gives its distributor")
	facts := &jobFacts{Output: jobs.Output, Args: []string{}, Inputs: append([]string{}, jobs.Inputs...), Jobs: len(jobs.Jobs), List: []jobEntry{}}
	if len(jobs.Args) > 0 {
		facts.Compiler, facts.Args = jobs.Args[0], jobs.Args[1:]
	}
	for k := range jobs.Jobs {
		j := &jobs.Jobs[k]
		facts.Imports += len(j.Imports())
		if len(facts.List) == maxListed {
			facts.LeftOff++
			continue
		}
		facts.List = append(facts.List, jobEntry{j.Module(), j.Index(), j.Object(), len(j.Imports()), append([]string{}, j.Args...)})
	}
	found.Jobs = facts
}

func (i *inspector) mapFile(found *inspection, s *source) {
	found.is("map", "map of a thin link (--thinlto-index=), which the final link takes as --remap-inputs-file=")
	if found.tooLarge(s, maxText) {
		return
	}
	m, err := thinlto.ReadMap(s.reader(), s.path)
	if err != nil {
		found.Problem = err.Error()
		return
	}
	found.Map = factsOfMap(m)
}

// plainMap takes a text for a map without dtlto's record if all of it is one.
func (i *inspector) plainMap(found *inspection, s *source) {
	found.is("unknown", strangeText)
	if s.size > maxText {
		return
	}
	if m, err := thinlto.ReadMap(s.reader(), s.path); err == nil && len(m.Entries) > 0 {
		found.is("map", "list of inputs to replace (--remap-inputs-file=), without what dtlto's thin links add to it")
		found.Map = factsOfMap(m)
	}
}

func factsOfMap(m *thinlto.Map) *mapFacts {
	facts := &mapFacts{
		Version: m.Version, LLVM: m.LLVM, Options: m.Options, Entries: len(m.Entries),
		Jobs: len(m.Jobs), Loaded: len(m.Load), Added: m.Add,
	}
	for k := range m.Jobs {
		j := &m.Jobs[k]
		if j.Unused {
			facts.Unused++
		}
		if len(facts.List) == maxListed {
			facts.LeftOff++
			continue
		}
		facts.List = append(facts.List, mapEntry{j.Module, j.Index, j.Object, len(j.Imports), j.Unused})
	}
	return facts
}

func (i *inspector) imports(found *inspection, s *source) {
	found.is("imports", "list of the modules that a module imports from")
	if found.tooLarge(s, maxText) {
		return
	}
	list, err := thinlto.ReadImports(s.reader(), s.path)
	if err != nil {
		found.Problem = err.Error()
		return
	}
	found.Imports = list[:min(len(list), maxListed)]
}
