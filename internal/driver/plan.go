// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/stage"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// planned is a job with all that is known of it before it is compiled.
type planned struct {
	job    *thinlto.Job
	number int                      // in the job file
	module string                   // its name for people
	real   func(path string) string // a module's name for people: LLD's, less what DTLTO added

	// command is what LLD asked for, with what we add: file names as in the job
	// file, to be run in the linker's working folder.
	command []string

	// action is the same as a pure function, to be run in a folder of its own. It is
	// nil if there is none, and inPlace then says why.
	action  *action.Action
	inPlace error
	modules []string          // paths, in the order of their names
	names   map[string]string // paths → names in the action
	shard   cas.Digest        // of the index in the action's form
	options bitcode.Options   // of the canonical form
	odd     string            // why the index could only be renamed; empty for a canonical one

	// key is the action's, if its result may be kept; uncached then is nil.
	key      cas.ActionKey
	uncached error
	miss     *cas.Miss // why the store did not have it

	// twinned says that the job may be under way here and on the cluster at once.
	twinned bool
	claimed atomic.Bool
}

// claim says whether an attempt at the job may put its outputs in place, or say that
// it failed: the first one may.
func (p *planned) claim() bool { return p.claimed.CompareAndSwap(false, true) }

// backendArgs stand between the arguments common to all jobs and a job's own, for
// the Clang of an LLVM version, 0 for the newest.
//
// Options in a Clang configuration file were meant for compiling sources;
// in-process LTO does not see them. (Before 16, Clang reads none by default.)
// Modules whose triples are spelled differently (Rust's has another vendor) are no
// reason for a warning: the linker took them. And the inputs are bitcode whatever
// their names end in: Clang takes a file with an ending that it does not know (.lo,
// none) for the linker's and makes no object.
func backendArgs(major int) []string {
	var args []string
	if major == 0 || major >= 16 {
		args = append(args, noDefaultConfig)
	}
	args = append(args, "-Wno-override-module")
	if major == 0 || major >= 14 {
		args = append(args, "-Wno-linker-warnings")
	}
	return append(args, "-x", "ir")
}

const noDefaultConfig = "--no-default-config"

// plan says what is to be done for a job: its command and, if it can be had, its
// action. An error ends the link; what only keeps a job from being an action
// does not.
func (b *backends) plan(number int) (*planned, error) {
	job := &b.jobs.Jobs[number]
	own, err := b.noteOf(job.Module())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", job.Module(), err)
	}
	p := &planned{
		job: job, number: number, real: b.real, module: b.real(job.Module()), uncached: b.uncached,
		options: bitcode.Options{KeepBlockCount: b.countsBlocks(job)},
	}
	common := slices.Clone(b.jobs.Args)
	if n := len(common); common[n-1] != "ir" { // else a staged link's, complete
		common = append(common, backendArgs(b.major)...)
	}
	if b.settings.ModulePIC {
		common = append(common, own.relocation())
	}
	if target := "--target=" + own.triple; own.triple != "" && !b.edge && !slices.Contains(b.jobs.Args, target) {
		common = append(common, target) // LTO compiles each module for its own; LLD names the first one's
	}
	p.command = slices.Concat(common, job.Args)
	index, err := os.ReadFile(job.Index())
	if err == nil && len(index) == 0 {
		return nil, fmt.Errorf("%s: the index is empty, with which a backend makes an object without ThinLTO and says nothing", job.Index())
	}
	if err == nil {
		err = b.makeAction(p, common, index)
	}
	if err != nil { // where it stands, the compiler may know better
		p.action, p.inPlace, p.uncached = nil, err, err
	}
	return p, nil
}

// makeAction gives p its action. The error is why it cannot have one.
func (b *backends) makeAction(p *planned, common []string, index []byte) error {
	p.modules = distinct(append([]string{p.job.Module()}, p.job.Imports()...))
	p.names = action.Names(p.modules, b.jobs.Output, b.pid)
	slices.SortFunc(p.modules, func(x, y string) int { return strings.Compare(p.names[x], p.names[y]) })
	shard, err := p.canonicalise(index)
	if err != nil {
		return fmt.Errorf("%s: %w", p.job.Index(), err)
	}
	p.odd = shard.Reason
	source := action.Source{
		Common: common, Args: p.job.Args, Outputs: p.job.Outputs, Index: p.job.Index(), Names: p.names,
	}
	if b.digests != nil {
		p.shard = cas.DigestOf(shard.Data)
	}
	source.Shard = p.shard
	if source.Modules, err = b.files(p.modules); err == nil {
		source.Extra, err = b.files(b.extra)
	}
	if err != nil {
		return err
	}
	identity, err := b.identity()
	if err != nil {
		return err // what a wrapper makes of names and folders is not known
	}
	source.Toolchain = identity.Digest + b.otherCompilers()
	p.action = action.Of(&source)
	for i, f := range source.Extra {
		p.names[f.Path] = action.ExtraName(i, f.Path)
	}
	if err := p.action.Check(); err != nil {
		return err
	}
	if p.uncached == nil {
		p.key = p.action.Encode().Key
	}
	return nil
}

// otherCompilers are what else may make the objects, as part of the toolchain's identity:
// behind a launcher, or on the workers of a cluster, another compiler may lie at the same
// path.
func (b *backends) otherCompilers() (identity string) {
	if b.launcher != nil {
		identity = " by " + exec.CommandLine(b.launcher.words)
	}
	if path := b.settings.RemoteCompiler; b.cluster != nil && path != "" {
		properties := slices.Sorted(slices.Values(b.settings.RemoteExecProperties))
		identity += " or " + exec.CommandLine(append([]string{path}, properties...))
	}
	return identity
}

// indexIn is the job's index with modules' names in a folder.
func (p *planned) indexIn(folder *stage.Folder) ([]byte, error) {
	index, err := os.ReadFile(p.job.Index())
	if err != nil {
		return nil, err
	}
	rename := func(path string) (string, bool) { name, ok := p.names[path]; return folder.In(name), ok }
	shard, err := bitcode.Canonicalise(index, rename, p.options)
	return shard.Data, err
}

func (p *planned) canonicalise(index []byte) (bitcode.Shard, error) {
	rename := func(path string) (string, bool) { name, ok := p.names[path]; return name, ok }
	return bitcode.Canonicalise(index, rename, p.options)
}

// index is the job's index in the action's form. It is made again for those who
// compile: in memory the indexes of a whole link would be gigabytes.
func (b *backends) index(p *planned) ([]byte, error) {
	index, err := os.ReadFile(p.job.Index())
	if err != nil {
		return nil, err
	}
	shard, err := p.canonicalise(index)
	if err == nil && b.digests != nil && cas.DigestOf(shard.Data) != p.shard {
		err = errors.New("was changed during the link")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.job.Index(), err)
	}
	return shard.Data, nil
}

// files digests files, unless nothing is kept anyway.
func (b *backends) files(paths []string) ([]action.File, error) {
	files := make([]action.File, len(paths))
	for i, path := range paths {
		files[i].Path = path
		if b.digests == nil {
			continue
		}
		var err error
		if files[i].Digest, err = b.digests.Of(path); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// unchanged says whether the files of p are those that were digested, and the
// compiler the one that was identified: of an object made while they were being
// changed, nobody knows of what it was made.
func (b *backends) unchanged(p *planned) bool {
	if identity, err := b.identity(); err != nil || !identity.Current() {
		return false
	}
	for path := range p.names {
		if !b.digests.Unchanged(path) {
			return false
		}
	}
	return true
}

// String is all that goes into the job's digest.
func (p *planned) String() string {
	if p.action == nil {
		return "module " + p.module + "\nno action: " + p.inPlace.Error() + "\n"
	}
	return "module " + p.module + "\n" + p.action.String()
}

func (p *planned) places() []cas.Place {
	places := make([]cas.Place, len(p.job.Outputs))
	for i, path := range p.job.Outputs {
		places[i].Path = path
		if p.action != nil { // else nobody asks for the name
			places[i].Name = p.action.Outputs[i]
		}
	}
	return places
}

// sourceOf is what a module was compiled from, as its compiler was told.
func (b *backends) sourceOf(path string) (source string) {
	b.parts.look(path, func(r io.ReaderAt, size int64) {
		if identity, _ := bitcode.IdentifyAt(r, size); len(identity.Modules) > 0 {
			source = identity.Modules[0].SourceFileName
		}
	})
	return source
}

// distinct removes repetitions, keeping the order.
func distinct(words []string) []string {
	seen := make(map[string]bool, len(words))
	return slices.DeleteFunc(words, func(word string) bool {
		again := seen[word]
		seen[word] = true
		return again
	})
}
