// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/object"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// An indexPlan says where a thin link's files belong, and what the map has.
type indexPlan struct {
	*claims
	places  *lld.Places
	modules []indexed
	parts   map[string]object.Part // modules that are no files, by LLD's names
	copies  []indexCopy            // native members of archives with bitcode, and what LTO made
	added   []string               // objects that are in the place of no input
	entries []thinlto.MapEntry
	load    []thinlto.MapLoad

	archives []indexArchive
	combined string // where the object of regular LTO belongs; empty if there is none

	names   map[string]string       // LLD's names of modules → those as files
	members map[string]mappedMember // members of archives with bitcode, by key
	mapped  map[string]string       // inputs → what takes their place
	unused  []unusedMember          // of archives
	empty   []string                // files for what is no ThinLTO

	modulesByFile map[string]bool // modules that are there

	hasCombined bool // the object of regular LTO has the place of an input
}

// indexed is a module with the files that a build system knows it by.
type indexed struct {
	id        string // LLD's name for it
	loaded    *lld.Loaded
	job       thinlto.MapJob
	imports   string      // the file for the list of imports
	made      thinlto.Job // LLD's index and imports
	extracted bool        // the module has to be made a file
}

// indexArchive is a thin archive that takes the place of one with bitcode.
type indexArchive struct {
	to      string
	members []string // paths from its folder
}

type indexCopy struct {
	to   string
	part object.Part
}

// unusedMember is a member of an archive that the link has no use for.
type unusedMember struct {
	indexed
	stem string
}

// mappedMember is what a member is in the archive that takes the place of its own.
type mappedMember struct{ archive, name string }

// planIndexes finds a place for everything; combined is that of the object of regular
// LTO, and read are files that nothing may be written over. An error names what cannot
// have a place, or what would have another's.
func planIndexes(places *lld.Places, load *lld.Load, mapFile, combined string, read []string) (*indexPlan, error) {
	p := &indexPlan{
		places: places, parts: map[string]object.Part{}, names: map[string]string{}, claims: newClaims(read),
		members: map[string]mappedMember{}, mapped: map[string]string{}, modulesByFile: map[string]bool{},
	}
	err := p.claim(mapFile, "the map")
	if slices.ContainsFunc(load.Loaded, func(l lld.Loaded) bool { return l.Kind == lld.Regular || l.Split }) {
		p.combined = combined
		err = cmp.Or(err, p.claim(combined, "regular LTO"))
	}
	for _, step := range []func(*lld.Load) error{p.addFiles, p.addArchives, p.addUnused} {
		if err == nil {
			err = step(load)
		}
	}
	p.addLoad(load)
	return p, err
}

// nameOf is what a module is called as a file.
func (p *indexPlan) nameOf(id string) (string, bool) { name, ok := p.names[id]; return name, ok }

// addFiles adds the bitcode that is inputs itself and was loaded.
func (p *indexPlan) addFiles(load *lld.Load) error {
	for i := range load.Loaded {
		if l := &load.Loaded[i]; l.Member == nil {
			if err := p.addFile(l, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// addUnused adds the bitcode that the link has no use for, unless it has in another
// place: a file may be given twice, and be in a thin archive as well.
func (p *indexPlan) addUnused(load *lld.Load) error {
	for _, m := range p.unused {
		if err := p.addOnce(m.indexed, m.stem); err != nil {
			return err
		}
	}
	for i := range load.Unused {
		if l := &load.Unused[i]; p.mapped[l.Path] == "" {
			if err := p.addFile(l, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// addOnce adds an unused module if no other has its files.
func (p *indexPlan) addOnce(m indexed, stem string) error {
	if !m.extracted && p.modulesByFile[path.Clean(m.job.Module)] {
		return nil
	}
	return p.addModule(m, stem)
}

// addFile adds a file if it is bitcode. What the link has no use for is nothing to the
// final link, and has an index all the same: what is used, a build system cannot know.
func (p *indexPlan) addFile(l *lld.Loaded, unused bool) error {
	to := os.DevNull
	switch l.Kind {
	case lld.Module:
		// The bitcode in an ELF object (FatLTO) becomes a file, as members of archives do.
		m := indexed{id: l.ID, loaded: l, extracted: l.Offset != 0}
		m.job.Module, m.job.Unused = l.ID, unused
		if unused {
			if err := p.addOnce(m, l.ID); err != nil {
				return err
			}
			break
		}
		if err := p.addModule(m, l.ID); err != nil {
			return err
		}
		to = p.modules[len(p.modules)-1].job.Object
	case lld.Regular:
		if !unused && !p.hasCombined {
			to, p.hasCombined = p.combined, true
		}
		if err := p.addRegular(l.Path); err != nil {
			return err
		}
	default:
		return nil
	}
	p.mapTo(l.Path, to)
	return nil
}

// addRegular finds the places of empty files for what is no ThinLTO: LLD makes them, too,
// and clang takes an empty index to mean that.
func (p *indexPlan) addRegular(file string) error {
	index, err := p.places.Index(file)
	for _, ending := range []string{indexEnding, importsEnding} {
		if err == nil {
			err = p.claim(index+ending, file)
			p.empty = append(p.empty, index+ending)
		}
	}
	return err
}

func (p *indexPlan) mapTo(from, to string) {
	if p.mapped[from] == "" {
		p.mapped[from] = to
		p.entries = append(p.entries, thinlto.MapEntry{From: from, To: to})
	}
}

// addModule finds the places of a module's files: those for a file called stem.
func (p *indexPlan) addModule(m indexed, stem string) error {
	index, err := p.places.Index(stem)
	if err == nil {
		m.job.Object, err = p.places.Object(stem)
	}
	if err != nil {
		return err
	}
	m.job.Index, m.imports = index+indexEnding, index+importsEnding
	files := []string{m.job.Object, m.job.Index, m.imports}
	if m.extracted {
		m.job.Module = index + ".bc"
		files = append(files, m.job.Module)
		p.parts[m.id] = object.Part{File: m.loaded.File, Offset: m.loaded.Offset, Size: m.loaded.Size}
	} else {
		if err := p.read(m.job.Module); err != nil { // minimized bitcode's whole
			return err
		}
		p.parts[m.id] = object.Part{File: m.job.Module, Size: m.loaded.Size}
	}
	for _, file := range files {
		if err := p.claim(file, m.job.Module); err != nil {
			return err
		}
	}
	if !lld.IsASCII(m.job.Module) {
		return fmt.Errorf("%s: is not ASCII, and LLVM damages such names of modules in index files", m.job.Module)
	}
	p.names[m.id] = m.job.Module
	p.modulesByFile[path.Clean(m.job.Module)] = true
	p.modules = append(p.modules, m)
	return nil
}

// addArchives adds the archives with bitcode.
func (p *indexPlan) addArchives(load *lld.Load) error {
	for i := range load.Archives {
		a := &load.Archives[i]
		to, err := p.places.Object(a.Path)
		if err == nil {
			err = p.claim(to, a.Path)
		}
		if err != nil {
			return err
		}
		archive := indexArchive{to: to}
		stems := map[string]bool{}
		for i := range a.Members {
			file, err := p.addMember(a, &a.Members[i], stems)
			if err != nil {
				return err
			}
			if file == "" {
				continue
			}
			name, err := pathFrom(filepath.Dir(to), file)
			if err != nil {
				return err
			}
			archive.members = append(archive.members, name)
			p.members[memberKey(&a.Members[i])] = mappedMember{to, name}
		}
		p.archives = append(p.archives, archive)
		p.mapTo(a.Path, to)
	}
	return nil
}

// memberKey tells members apart.
func memberKey(l *lld.Loaded) string {
	return l.Path + "\x00" + strconv.FormatInt(l.Member.HeaderOffset, 10)
}

// pathFrom is how a thin archive in a folder names a file.
func pathFrom(folder, file string) (string, error) {
	if filepath.IsAbs(file) != filepath.IsAbs(folder) {
		return filepath.Abs(file)
	}
	return filepath.Rel(folder, file)
}

// addMember finds a place for a member of an archive and says what file the final link
// has instead of it, if any.
func (p *indexPlan) addMember(a *lld.BitcodeArchive, l *lld.Loaded, stems map[string]bool) (file string, err error) {
	if l.Kind == lld.Regular || l.Kind == lld.Shared {
		return "", nil
	}
	stem, extracted := l.File, false
	if !l.Member.Thin {
		if stem, err = memberStem(a.Path, l, stems); err != nil {
			return "", err
		}
		extracted = true
	}
	if l.Kind == lld.Native {
		return p.addNative(l, stem)
	}
	m := indexed{id: l.ID, loaded: l, extracted: extracted || l.Offset != 0}
	m.job.Module, m.job.Unused = l.File, !a.Used(l)
	if m.job.Unused {
		p.unused = append(p.unused, unusedMember{m, stem})
		return "", nil
	}
	if err := p.addModule(m, stem); err != nil {
		return "", err
	}
	return p.modules[len(p.modules)-1].job.Object, nil
}

// addNative is a native member as a file.
func (p *indexPlan) addNative(l *lld.Loaded, stem string) (file string, err error) {
	if l.Member.Thin {
		return l.File, nil
	}
	to, err := p.places.Object(stem)
	if err == nil {
		err = p.claim(to, l.Name())
	}
	p.copies = append(p.copies, indexCopy{to, object.Part{File: l.File, Offset: l.Offset, Size: l.Size}})
	return to, err
}

// addCopy adds a copy of a whole file.
func (p *indexPlan) addCopy(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	p.copies = append(p.copies, indexCopy{to, object.Part{File: from, Size: info.Size()}})
	return nil
}

// memberStem is what a member of a regular archive is called as a file, but for endings:
// ARCHIVE.d/MEMBER, the second of a name ARCHIVE.d/MEMBER.2 before the member's own ending.
// Offsets, which LLD tells members apart by, change with every edit.
func memberStem(archive string, l *lld.Loaded, taken map[string]bool) (string, error) {
	name := path.Base(l.Member.Name)
	ext := path.Ext(name)
	stem := name
	for n := 2; taken[stem]; n++ {
		stem = strings.TrimSuffix(name, ext) + "." + strconv.Itoa(n) + ext
	}
	if !lld.IsFileName(name) || !lld.IsFileName(stem+indexEnding) {
		return "", fmt.Errorf("%s: has a name that no file can have", l.Name())
	}
	taken[stem] = true
	return archive + ".d/" + stem, nil
}

// addLoad records what was loaded, in terms of what takes its place.
func (p *indexPlan) addLoad(load *lld.Load) {
	combined := p.combined
	names := map[string]map[string]int{}
	named := map[string]bool{}
	for i := range load.Inputs {
		named[load.Inputs[i].Path] = true
	}
	for i := range load.Loaded {
		l := &load.Loaded[i]
		bitcode := l.Kind == lld.Module || l.Kind == lld.Regular
		if combined != "" && bitcode { // where in-process LTO has it
			p.load = append(p.load, thinlto.MapLoad{File: combined, Unnamed: !p.hasCombined})
			combined = ""
		}
		if l.Kind == lld.Regular {
			continue
		}
		record := thinlto.MapLoad{File: l.Path, Unnamed: l.Input == nil}
		if bitcode && l.Member == nil {
			record.File = p.mapped[l.Path]
		}
		if l.Member != nil {
			record = thinlto.MapLoad{File: l.Path, Member: l.Member.Name, Unnamed: !named[l.Path]}
			if names[l.Path] == nil {
				names[l.Path] = load.MemberNames(l.Path)
			}
			if names[l.Path][l.Member.Name] > 1 {
				record.Offset = l.Member.HeaderOffset
			}
			if m, ok := p.members[memberKey(l)]; ok {
				record.File, record.Member, record.Offset = m.archive, m.name, 0
			}
		}
		p.load = append(p.load, record)
	}
}
