// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/internal/object"
)

// A FinalLink is the link of a staged link's objects. It takes what the thin link
// loaded, in LLD's order and eagerly, whether or not anything still refers to it,
// then, as archives, what native members are left.
//
// What replaces a file keeps its name, in a folder of its own: an archive's name
// counts for --exclude-libs and in linker scripts, and what LLD prints can be
// translated back (Translate).
type FinalLink struct {
	// Words are the linker's argv.
	Words []string
	// Objects are where the objects of the modules belong, in the order of the load.
	Objects []string
	// Archives are thin archives to be written.
	Archives []Substitute
	// Copies are native members to be put where they say.
	Copies []Copy
	// Rests are archives to be written without some of their members.
	Rests []RestCopy
	// Folders are to be made.
	Folders []string

	command *Command
	load    *Load
	root    string            // of the folders
	from    map[string]string // folder → what stood in its place
	open    map[string]*folder
	state   State
}

// Substitute is a thin archive of files in its folder.
type Substitute struct {
	Path    string
	Members []string
}

// Copy is a part of a file that becomes a file; of a whole file (Size < 0) a link.
type Copy struct {
	To, From     string
	Offset, Size int64
}

// RestCopy is a copy of an archive's rest.
type RestCopy struct {
	To   string
	Rest Rest
}

// folder is one that files are put into.
type folder struct {
	path string
	used map[string]bool
}

// Refusal is an LTO pass that there is none of. LLD stops, with its name, when it
// would do LTO on anything.
const Refusal = "dtlto-refuses-bitcode-that-the-thin-link-did-not-load"

// notInFinalLink are options of the thin link's alone.
var notInFinalLink = map[string]bool{
	"warn-backrefs": true, "warn-backrefs-exclude": true, "why-extract": true, "print-archive-stats": true,
}

// FinalLink plans the link. Its folders are made below root; combined is the object
// of what is regular LTO, dependencies where LLD's dependency file goes, if it is
// to write one. An error is an *Inexact.
func (l *Load) FinalLink(root, combined, dependencies string) (*FinalLink, error) {
	f := &FinalLink{command: l.command, load: l, root: root, from: map[string]string{}, open: map[string]*folder{}}
	inputs, err := f.inputs(combined)
	if err != nil {
		return nil, err
	}
	var state stateReader
	placed := false
	for _, arg := range l.command.Args {
		switch {
		case state.read(arg) || notInFinalLink[arg.Name] || !l.command.ForFinalLink(arg):
		case arg.IsInput() || arg.Name == "library" || arg.Name == "just-symbols":
			if !placed {
				f.Words, placed = append(f.Words, inputs...), true
			}
		case arg.Name == "dependency-file":
			f.Words = append(f.Words, "--dependency-file="+dependencies)
		default:
			f.Words = append(f.Words, l.command.Words[arg.First:arg.Last+1]...)
		}
	}
	f.Words = append(f.Words, "--lto-newpm-passes="+Refusal)
	return f, nil
}

// inputs are the words for all that is linked.
func (f *FinalLink) inputs(combined string) ([]string, error) {
	var words []string
	add := func(w ...string) { words = append(words, w...) }
	data := f.untraced()
	loaded := f.load.Loaded
	for i := 0; i < len(loaded); {
		one := &loaded[i]
		if combined != "" && (one.Kind == Module || one.Kind == Regular) {
			add(combined)
			combined = ""
		}
		for len(data) > 0 && one.Input != nil && f.before(data[0], one.Input) {
			add(f.data(data[0])...)
			data = data[1:]
		}
		if one.Member != nil {
			n := runLength(loaded[i:])
			run, err := f.members(loaded[i : i+n])
			if err != nil {
				return nil, err
			}
			add(run...)
			i += n
			continue
		}
		add(f.file(one)...)
		i++
	}
	for _, in := range data {
		add(f.data(in)...)
	}
	add(f.rests()...)
	return append(words, f.lastState()...), nil
}

// untraced are linker scripts, and data, which LLD before 19 does not print for
// --trace either.
func (f *FinalLink) untraced() []*Input {
	traced := map[*Input]bool{}
	for i := range f.load.Loaded {
		traced[f.load.Loaded[i].Input] = true
	}
	var data []*Input
	for i := range f.load.Inputs {
		if in := &f.load.Inputs[i]; (in.Binary || in.Script && !in.Lists) && !traced[in] {
			data = append(data, in)
		}
	}
	return data
}

// before says whether one input stands before another. Both are in load.Inputs.
func (f *FinalLink) before(a, b *Input) bool {
	for i := range f.load.Inputs {
		switch &f.load.Inputs[i] {
		case a:
			return true
		case b:
			return false
		}
	}
	return false
}

// data is the words for data, or for a linker script.
func (f *FinalLink) data(in *Input) []string {
	if in.Script {
		return []string{in.Path}
	}
	return []string{"--format=binary", in.Path, "--format=default"}
}

// file is the words for a file that is loaded.
func (f *FinalLink) file(l *Loaded) []string {
	switch {
	case l.Kind == Regular:
		return nil
	case l.Kind == Module:
		prefix, base := path.Split(l.Path)
		object := path.Join(f.folderFor(prefix, base).path, base)
		f.Objects = append(f.Objects, object)
		return []string{object}
	case l.Input == nil:
		return []string{l.Path}
	case l.Input.Binary:
		return f.data(l.Input)
	case l.Input.JustSymbols:
		return []string{"--just-symbols=" + l.Path}
	case l.Kind == Shared:
		return f.shared(l)
	}
	return []string{l.Path}
}

// shared is the words for a shared library. One without a name of its own (DT_SONAME)
// gets the one that LLD found it by.
func (f *FinalLink) shared(l *Loaded) []string {
	words := f.turn(l.Input.AsNeeded)
	if l.Input.Library != "" {
		return append(words, "-Bdynamic", "-l"+l.Input.Library)
	}
	return append(words, l.Path)
}

// turn changes --as-needed if it has to.
func (f *FinalLink) turn(asNeeded bool) []string {
	if f.state.AsNeeded == asNeeded {
		return nil
	}
	f.state.AsNeeded = asNeeded
	if asNeeded {
		return []string{"--as-needed"}
	}
	return []string{"--no-as-needed"}
}

// lastState leaves the options as the user's command line does: libraries that
// dependent-library records name come behind it.
func (f *FinalLink) lastState() []string {
	last := f.command.FinalState()
	words := f.turn(last.AsNeeded)
	if last.Whole {
		words = append(words, "--whole-archive")
	}
	if last.Static {
		return append(words, "-Bstatic")
	}
	return append(words, "-Bdynamic")
}

// runLength is how many of loaded, from the first on, are members of one archive.
func runLength(loaded []Loaded) int {
	n := 0
	for n < len(loaded) && loaded[n].Member != nil && loaded[n].Path == loaded[0].Path {
		n++
	}
	return n
}

// members is the words for a run of members of one archive.
func (f *FinalLink) members(run []Loaded) ([]string, error) {
	archive := f.load.archives[run[0].Path]
	if f.isAll(archive, run) {
		return []string{"--whole-archive", archive.path, "--no-whole-archive"}, nil
	}
	prefix, base := path.Split(archive.path)
	var words []string
	var to *folder
	var members []string
	end := func() {
		if len(members) > 0 {
			substitute := Substitute{path.Join(to.path, base), members}
			f.Archives = append(f.Archives, substitute)
			words = append(words, substitute.Path)
		}
		to, members = nil, nil
	}
	for i := range run {
		l := &run[i]
		if l.Kind == Regular {
			if f.command.Has("exclude-libs") {
				return nil, &Inexact{l.Name(), "is regular LTO in an archive, and --exclude-libs may mean it"}
			}
			continue
		}
		name := path.Base(l.Member.Name)
		if name == base {
			return nil, &Inexact{l.Name(), "has its archive's name"}
		}
		if to == nil || to.used[name] {
			end()
			to = f.folderFor(prefix, base, name)
		}
		to.used[name] = true
		members = append(members, name)
		f.place(l, path.Join(to.path, name))
	}
	end()
	if len(words) == 0 {
		return nil, nil
	}
	return slices.Concat([]string{"--whole-archive"}, words, []string{"--no-whole-archive"}), nil
}

// place has a member put at a path: as an object that is still to be made, or a copy.
func (f *FinalLink) place(l *Loaded, to string) {
	switch {
	case l.Kind == Module:
		f.Objects = append(f.Objects, to)
	case l.Member.Thin:
		f.Copies = append(f.Copies, Copy{To: to, From: l.File, Size: -1})
	default:
		f.Copies = append(f.Copies, Copy{to, l.File, l.Offset, l.Size})
	}
}

// isAll says whether a run is an archive without bitcode from its beginning to its
// end.
func (f *FinalLink) isAll(a *archiveFile, run []Loaded) bool {
	return len(run) == len(a.all) && slices.EqualFunc(run, a.all, func(l Loaded, m object.Member) bool {
		return l.Kind == Native && l.Member.HeaderOffset == m.HeaderOffset
	})
}

// rests is the words for what may be loaded yet.
func (f *FinalLink) rests() []string {
	var words []string
	for _, rest := range f.load.Rests {
		switch {
		case rest.keep == nil:
			words = append(words, "--start-lib", rest.Path, "--end-lib")
		case rest.Mixed:
			prefix, base := path.Split(rest.Path)
			to := path.Join(f.folderFor(prefix, base).path, base)
			f.Rests = append(f.Rests, RestCopy{to, rest})
			words = append(words, to)
		default:
			words = append(words, rest.Path)
		}
	}
	return words
}

// folderFor is a folder in the place of the one that prefix names, in which there are
// no files of these names yet.
func (f *FinalLink) folderFor(prefix string, names ...string) *folder {
	at := f.open[prefix]
	if at == nil || slices.ContainsFunc(names, func(name string) bool { return at.used[name] }) {
		at = &folder{path.Join(f.root, strconv.Itoa(len(f.Folders))), map[string]bool{}}
		f.open[prefix] = at
		f.from[at.path+"/"] = prefix
		f.Folders = append(f.Folders, at.path)
	}
	for _, name := range names {
		at.used[name] = true
	}
	return at
}

// Translate puts the user's names in the place of ours in what LLD prints.
func (f *FinalLink) Translate(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, f.root+"/")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		number, after, _ := strings.Cut(rest, "/")
		prefix, ours := f.from[f.root+"/"+number+"/"]
		if !ours {
			b.WriteString(f.root + "/")
			text = rest
			continue
		}
		b.WriteString(prefix)
		text = after
	}
}
