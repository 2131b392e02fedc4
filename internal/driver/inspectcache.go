// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/report"
)

// entryFacts are what is known of a file as an entry of the cache.
type entryFacts struct {
	Kind   string `json:"kind"` // "blob" or "result"
	Digest string `json:"digest"`
	// Good says that its contents are what its name says.
	Good bool `json:"good"`
}

// resultFacts are what is known of an action's result.
type resultFacts struct {
	Action   string         `json:"action"` // the digest of the action
	Took     report.Seconds `json:"took"`
	Outputs  []outputFacts  `json:"outputs"`
	Messages string         `json:"messages,omitzero"` // of the compiler
}

// outputFacts are of one output of a result.
type outputFacts struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
	There  bool   `json:"there"` // the blob is in the same cache
}

// linkFacts are what is known of a link's record.
type linkFacts struct {
	Output    string         `json:"output"`
	Folder    string         `json:"folder"`
	Started   time.Time      `json:"started"`
	Wall      report.Seconds `json:"wall"`
	Tool      string         `json:"tool,omitzero"`
	Mode      string         `json:"mode,omitzero"`    // "native" or "staged"
	Cluster   string         `json:"cluster,omitzero"` // address
	Compiler  string         `json:"compiler"`
	Toolchain string         `json:"toolchain"` // the compiler's identity
	Files     int            `json:"files"`     // whose digests are remembered
	Jobs      int            `json:"jobs"`
	Outcomes  map[string]int `json:"outcomes"` // of the jobs
	Slowest   string         `json:"slowest,omitzero"`
	Took      report.Seconds `json:"slowest_took,omitzero"`
}

// digestName reads a digest, "hash/size" or the hash alone.
func digestName(name string) (hash [32]byte, ok bool) {
	text, number, sized := strings.Cut(name, "/")
	if _, err := strconv.ParseUint(number, 10, 63); sized && err != nil || len(text) != 2*len(hash) {
		return hash, false
	}
	_, err := hex.Decode(hash[:], []byte(text))
	return hash, err == nil
}

// entry looks at what the cache has under a hash: a result, if it is an action's, else
// a blob.
func (i *inspector) entry(name string, hash [32]byte) (*inspection, error) {
	folder, err := i.settings.CacheFolder()
	if err != nil {
		return nil, err
	}
	blob, result := cas.EntryPaths(storeFolder(folder), hash)
	for _, path := range []string{result, blob} {
		s, done, err := i.open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer done()
		return i.file(s), nil
	}
	return nil, &UsageError{fmt.Errorf("%s: neither a file nor in the cache in %s", plain(name), folder)}
}

// entryFile adds what the file's name says if it is that of an entry.
func (i *inspector) entryFile(found *inspection, s *source) {
	hash, result, ok := cas.ParseEntry(filepath.Base(s.path))
	if !ok {
		return
	}
	text := hex.EncodeToString(hash[:])
	if result {
		action, _, _ := strings.Cut(found.action(), "/")
		found.Entry = &entryFacts{"result", text, action == text}
		return
	}
	digest, err := cas.DigestOfReader(s.reader())
	found.Entry = &entryFacts{"blob", fmt.Sprintf("%s/%d", text, s.size), err == nil && digest.Hash == hash}
	if !found.Entry.Good && found.Problem == "" {
		found.Problem = "its contents are not what its name says: dtlto cache verify removes it"
	}
}

func (found *inspection) action() string {
	if found.Result == nil {
		return ""
	}
	return found.Result.Action
}

func (i *inspector) result(found *inspection, s *source) {
	const what = "result of an action: what a backend compile made, by digests"
	key, r, err := cas.ReadResult(s.reader())
	if err != nil {
		found.fail("result", what, err)
		return
	}
	found.is("result", what)
	facts := &resultFacts{Action: key.String(), Took: report.Seconds(r.Duration), Outputs: []outputFacts{}, Messages: string(r.Messages)}
	store := filepath.Dir(filepath.Dir(filepath.Dir(s.path))) // of v1/00/HASH.r
	for _, output := range r.Outputs {
		blob, _ := cas.EntryPaths(store, output.Digest.Hash)
		_, err := os.Lstat(blob)
		facts.Outputs = append(facts.Outputs, outputFacts{output.Name, output.Digest.String(), err == nil})
	}
	found.Result = facts
}

func (i *inspector) record(found *inspection, s *source) {
	const what = "record of a link: what the next link of the same output should know"
	link, err := record.ReadFile(s.path)
	if err != nil {
		found.fail("link-record", what, err)
		return
	}
	found.is("link-record", what)
	found.Link = factsOfLink(link)
}

func factsOfLink(link *record.Link) *linkFacts {
	facts := &linkFacts{
		Output: link.Output, Folder: link.Folder, Started: link.Started, Wall: report.Seconds(link.Wall),
		Tool: link.Tool, Mode: link.Mode, Cluster: link.Cluster,
		Compiler: link.Compiler, Toolchain: link.Toolchain, Files: len(link.Files), Jobs: len(link.Jobs), Outcomes: map[string]int{},
	}
	for k := range link.Jobs {
		j := &link.Jobs[k]
		facts.Outcomes[string(outcomes[j.Outcome])]++
		if !j.Outcome.FromCache() && report.Seconds(j.Duration) > facts.Took {
			facts.Slowest, facts.Took = record.Readable(j.Module), report.Seconds(j.Duration)
		}
	}
	return facts
}

// linked adds what is on record of a program that was linked here.
func (i *inspector) linked(found *inspection, s *source) {
	folder, err := i.settings.CacheFolder()
	if err != nil {
		return
	}
	output, err := filepath.Abs(s.path)
	if err != nil {
		return
	}
	if link, err := record.Load(recordFolder(folder), output); err == nil && link != nil {
		found.Link = factsOfLink(link)
		found.What += ", whose last link is on record"
	}
}
