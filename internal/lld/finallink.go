// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"path"
	"slices"
	"strconv"
	"strings"
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
	root    string             // of the folders
	made    map[string]*folder // by path
	open    map[string]*folder // the last one in the place of a prefix
	mapped  map[string]bool    // files in the place of inputs; nil until isMapped
	last    State              // that the user's command line ends with
	state   State              // that the words end with
	dynamic bool               // the words turned -Bdynamic on
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
	path   string
	prefix string          // what stood in its place
	used   map[string]bool // names of files, whole and members'
	// shown are members of thin archives as LLD calls them, "ARCHIVE(MEMBER)", where the
	// user's name of the member has a folder in it, by what we call them.
	shown map[string]string
}

// Refusal is an LTO pass that there is none of. LLD stops, with its name, when it
// would do LTO on anything.
const Refusal = "dtlto-refuses-bitcode-that-the-thin-link-did-not-load"

// noFortranCommon keeps a common symbol from extracting a definition out of a rest. The
// thin link did that where the archive stood behind the symbol; all rests stand behind.
const noFortranCommon = "--no-fortran-common"

// notInFinalLink are options of the thin link's alone.
var notInFinalLink = map[string]bool{
	"warn-backrefs": true, "warn-backrefs-exclude": true, "why-extract": true, "print-archive-stats": true,
	"remap-inputs": true, "remap-inputs-file": true, // the inputs are those already
}

// SideOutputs are the files that the final link writes about the link, if it is to
// write them: the user's may be pipes, and must be written once.
type SideOutputs struct{ Dependencies, Map, TimeTrace string }

// words is an option that has such a file as its value with another file; ok is false
// for other options.
func (o SideOutputs) words(arg Arg) (word string, ok bool) {
	switch {
	case arg.Name == "dependency-file":
		return "--dependency-file=" + o.Dependencies, true
	case arg.Name == "Map" && arg.Value != "-" && arg.Value != "":
		return "-Map=" + o.Map, true
	case (arg.Name == "time-trace" || arg.Name == "time-trace-file") && arg.Value != "-" && arg.Value != "":
		return "--" + arg.Name + "=" + o.TimeTrace, true
	}
	return "", false
}

// FinalLink plans the link. Its folders are made below root; combined is the object
// of what is regular LTO. An error is an *Inexact.
func (l *Load) FinalLink(root, combined string, side SideOutputs) (*FinalLink, error) {
	f := &FinalLink{command: l.command, load: l, root: root, made: map[string]*folder{}, open: map[string]*folder{}, last: l.command.FinalState()}
	l.combined = combined
	inputs, err := f.inputs(combined)
	if err != nil {
		return nil, err
	}
	var state stateReader
	placed := false
	for _, arg := range l.command.Args {
		other, isSide := side.words(arg)
		switch {
		case state.read(arg) || notInFinalLink[arg.Name] || !l.command.ForFinalLink(arg):
		case arg.IsInput() || arg.Name == "library" || arg.Name == "just-symbols":
			if !placed {
				f.Words, placed = append(f.Words, inputs...), true
			}
		case isSide:
			f.Words = append(f.Words, other)
		default:
			f.Words = append(f.Words, l.command.Words[arg.First:arg.Last+1]...)
		}
	}
	if !placed {
		f.Words = append(f.Words, inputs...)
	}
	f.Words = append(f.Words, "--lto-newpm-passes="+Refusal, noFortranCommon)
	return f, nil
}

// inputs are the words for all that is linked.
func (f *FinalLink) inputs(combined string) ([]string, error) {
	var words []string
	at := map[*Input]int{} // where inputs are among each other
	for i := range f.load.Inputs {
		at[&f.load.Inputs[i]] = i
	}
	data := f.untraced()
	for loaded := f.load.Loaded; len(loaded) > 0; {
		one := &loaded[0]
		if combined != "" && (one.Kind == Module || one.Kind == Regular) {
			words = append(words, combined)
			combined = ""
		}
		for len(data) > 0 && one.Input != nil && at[data[0]] < at[one.Input] {
			words = append(words, f.data(data[0])...)
			data = data[1:]
		}
		n := runLength(loaded)
		more, err := f.run(loaded[:n])
		if err != nil {
			return nil, err
		}
		words = append(words, more...)
		loaded = loaded[n:]
	}
	for _, in := range data {
		words = append(words, f.data(in)...)
	}
	words = append(words, f.rests()...)
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

// data is the words for data, or for a linker script.
func (f *FinalLink) data(in *Input) []string {
	if in.Script {
		return []string{in.Path}
	}
	return []string{"--format=binary", in.Path, "--format=default"}
}

// run is the words for a file, or a run of members of one archive.
func (f *FinalLink) run(run []Loaded) ([]string, error) {
	if run[0].Member == nil {
		return f.file(&run[0]), nil
	}
	return f.members(run)
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
	case l.Kind == Shared:
		return f.shared(l)
	case l.Input != nil && l.Input.Binary:
		return f.data(l.Input)
	case l.Input != nil && l.Input.JustSymbols:
		return []string{"--just-symbols=" + l.Path}
	}
	return []string{l.Path}
}

// shared is the words for a shared library, found in the way in which it was found.
// One of a dependent-library record stands under the options that came last.
func (f *FinalLink) shared(l *Loaded) []string {
	state, word := f.last, l.Path
	if l.Input != nil {
		state = l.Input.State
		if l.Input.Library != "" {
			word = "-l" + l.Input.Library
		}
	}
	words := f.turn(state.AsNeeded)
	if !f.dynamic { // -N and -n, which stay where they are, turn it off
		words = append(words, "-Bdynamic")
		f.dynamic = true
	}
	return append(words, word)
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
// dependent-library records name come behind it. Archives among them do not come
// whole: what the thin link loaded of them is here already.
func (f *FinalLink) lastState() []string {
	words := f.turn(f.last.AsNeeded)
	if f.last.Static {
		return append(words, "-Bstatic")
	}
	return append(words, "-Bdynamic")
}

// runLength is how many of loaded, from the first on, are members of one archive; 1 for
// a file.
func runLength(loaded []Loaded) int {
	n := 1
	for n < len(loaded) && loaded[0].Member != nil && loaded[n].Member != nil && loaded[n].Path == loaded[0].Path {
		n++
	}
	return n
}

// rests is the words for what may be loaded yet.
func (f *FinalLink) rests() []string {
	var words []string
	for _, rest := range f.load.Rests {
		switch {
		case rest.keep == nil:
			words = append(words, "--start-lib", rest.Path, "--end-lib")
		case rest.files != nil && !f.command.Excludes(rest.Path):
			words = slices.Concat(words, []string{"--start-lib"}, rest.files, []string{"--end-lib"})
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
		at = &folder{path.Join(f.root, strconv.Itoa(len(f.Folders))), prefix, map[string]bool{}, map[string]string{}}
		f.open[prefix] = at
		f.made[at.path] = at
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
		number, after, slash := strings.Cut(rest, "/")
		at, ours := f.made[f.root+"/"+number]
		if !ours || !slash {
			b.WriteString(f.root + "/")
			text = rest
			continue
		}
		b.WriteString(at.prefix)
		name, n := at.shownAs(after)
		b.WriteString(name)
		text = after[n:]
	}
}

// maxShown is more than an archive's name and a path can have in bytes.
const maxShown = 1 << 13

// shownAs is what takes the place of the first n bytes of a text that begins with a file
// in the folder.
func (at *folder) shownAs(text string) (name string, n int) {
	if len(at.shown) == 0 {
		return "", 0
	}
	line, _, _ := strings.Cut(text[:min(len(text), maxShown)], "\n")
	for i := range len(line) {
		if line[i] != ')' {
			continue
		}
		if name, ok := at.shown[line[:i+1]]; ok {
			return name, i + 1
		}
	}
	return "", 0
}
