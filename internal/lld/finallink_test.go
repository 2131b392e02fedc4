// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/object"
)

// A syntheticLink is files to be made and linked. In a line of files the first
// word says how one is made, the second is its name; "|" between words lets them
// have blanks.
//
//	thin FILE FUNCTION CALLED…     bitcode; also native, full, split and fat
//	ar FILE MEMBER…                an archive; also thinar
//	so FILE FUNCTION SONAME        a shared library; SONAME may be missing
//	text FILE TEXT…                the other words, in a file
type syntheticLink struct {
	name  string
	files string
	args  string
	since int    // the first LLD that can do it
	why   string // it is done in-process, because
}

// linkVersions are the LLVM releases that the links are tried with: those of llvmtest
// and what else there is.
func linkVersions() []string {
	versions := slices.Clone(llvmtest.Versions)
	for _, version := range []string{"13", "15"} {
		complete := true
		for _, tool := range []string{"ld.lld-", "clang-", "llvm-ar-"} {
			_, err := exec.LookPath(tool + version)
			complete = complete && err == nil
		}
		if complete {
			versions = append(versions, version)
		}
	}
	if testing.Short() {
		return versions[:1]
	}
	slices.Sort(versions)
	return versions
}

// workshop makes files of one LLVM, each kind of contents once.
type workshop struct {
	t       *testing.T
	version string
	made    string // folder
}

// run makes a program do something in the working folder.
func (w *workshop) run(tool string, args ...string) string {
	w.t.Helper()
	return llvmtest.Run(w.t, ".", tool+"-"+w.version, args...)
}

// once makes a file unless one was made of the same.
func (w *workshop) once(to string, of string, make func(path string)) {
	w.t.Helper()
	path := filepath.Join(w.made, fmt.Sprintf("%x", sha256.Sum256([]byte(of))))
	if !exists(path) {
		make(path)
	}
	data, err := os.ReadFile(path)
	if err == nil {
		llvmtest.Write(w.t, filepath.Dir(to), filepath.Base(to), string(data))
	} else {
		w.t.Fatal(err)
	}
}

var unitFlags = map[string][]string{
	"native": nil, "thin": {"-flto=thin"}, "full": {"-flto"}, "fat": {"-flto=thin", "-ffat-lto-objects"},
	"split": {"-flto=thin", "-fsplit-lto-unit", "-fwhole-program-vtables"},
}

func unitSource(kind, function string, calls []string) string {
	var b strings.Builder
	sum := "1"
	for _, call := range calls {
		if lib, ok := strings.CutPrefix(call, "lib:"); ok {
			fmt.Fprintf(&b, "#pragma comment(lib, %q)\n", lib)
			continue
		}
		fmt.Fprintf(&b, "extern \"C\" int %s(void);\n", call)
		sum += "+" + call + "()"
	}
	if kind == "split" {
		fmt.Fprintf(&b, "struct [[clang::lto_visibility_public]] S_%s { virtual int f(); }; int S_%[1]s::f() { return 1; }\n", function)
	}
	fmt.Fprintf(&b, "extern \"C\" int %s(void) { return %s; }\n", function, sum)
	return b.String()
}

// make makes a file of a line.
func (w *workshop) make(line string) {
	w.t.Helper()
	words := strings.Fields(line)
	if strings.Contains(line, "|") {
		words = strings.Split(strings.TrimSpace(line), "|")
	}
	kind, file, rest := words[0], words[1], words[2:]
	llvmtest.Write(w.t, ".", file, "")
	switch kind {
	case "text":
		llvmtest.Write(w.t, ".", file, strings.Join(rest, " "))
	case "ar", "thinar":
		_ = os.Remove(file)
		flags := map[string]string{"ar": "rcs", "thinar": "rcsT"}[kind]
		w.run("llvm-ar", append([]string{strings.Replace(flags, "r", "q", 1), file}, rest...)...)
	case "so":
		w.unit("native", file+".o", rest[:1])
		args := []string{"-shared", file + ".o", "-o", file}
		for _, name := range rest[1:] {
			args = append(args, "-soname="+name)
		}
		w.run("ld.lld", args...)
	default:
		w.unit(kind, file, rest)
	}
}

func (w *workshop) unit(kind, file string, rest []string) {
	w.t.Helper()
	source := unitSource(kind, rest[0], rest[1:])
	w.once(file, kind+source, func(path string) {
		llvmtest.Write(w.t, ".", "source.cpp", source)
		args := []string{"-c", "-O1", "-fPIC", "-fno-rtti", "source.cpp", "-o", path}
		w.run("clang", append(args, unitFlags[kind]...)...)
	})
}

// object makes the object of a module, as it is without an index.
func (w *workshop) object(m *Loaded, to string) {
	w.t.Helper()
	data := read(w.t, m.File)[m.Offset : m.Offset+m.Size]
	w.once(to, "object"+string(data), func(path string) {
		llvmtest.Write(w.t, ".", "module.bc", string(data))
		w.run("clang", "-c", "-fPIC", "-O2", "-x", "ir", "--target="+m.Triple, "-Wno-override-module", "-fthinlto-index=/dev/null", "module.bc", "-o", path)
	})
}

// lay writes what a final link wants, as the driver does.
func (w *workshop) lay(load *Load, f *FinalLink) {
	w.t.Helper()
	check := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for _, folder := range f.Folders {
		check(os.MkdirAll(folder, 0o755))
	}
	objects := f.Objects
	for i := range load.Loaded {
		if m := &load.Loaded[i]; m.Kind == Module {
			w.object(m, objects[0])
			objects = objects[1:]
		}
	}
	for _, c := range f.Copies {
		if c.Size >= 0 {
			check(object.Part{File: c.From, Offset: c.Offset, Size: c.Size}.Extract(c.To))
			continue
		}
		from, err := filepath.Abs(c.From)
		check(err)
		check(os.Symlink(from, c.To))
	}
	for _, archive := range f.Archives {
		data, err := object.MakeThinArchive(archive.Members)
		check(err)
		check(os.WriteFile(archive.Path, data, 0o600))
	}
	for _, rest := range f.Rests {
		w.rest(rest)
	}
}

func (w *workshop) rest(rest RestCopy) {
	w.t.Helper()
	from, err := os.Open(rest.Rest.Path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		w.t.Fatal(err)
	}
	to, err := os.Create(rest.To)
	if err != nil {
		w.t.Fatal(err)
	}
	defer to.Close()
	path, _ := filepath.Abs(rest.Rest.Path)
	if err := object.Filter(to, from, info.Size(), rest.Rest.Keep, func(m object.Member) string { return object.ThinPath(path, m) }); err != nil {
		w.t.Fatal(err)
	}
}

// staged does a link in steps and returns the thin link's trace, and the final
// link's in the user's names. The combined object is "combined" in both.
func (w *workshop) staged(c *Command, root string) (thin, final []string, f *FinalLink, err error) {
	w.t.Helper()
	link := ThinLink{List: filepath.Join(root, "list"), Prefix: filepath.Join(root, "index/up/up/up/up") + strings.Repeat("/up", c.DeepestClimb()) + "/", Combined: filepath.Join(root, "combined.o")}
	trace := lines(llvmtest.Output(w.t, ".", "ld.lld-"+w.version, link.Words(c)...))
	list, err := os.ReadFile(link.List)
	if err != nil {
		w.t.Fatal(err)
	}
	ids, err := link.IDs(string(list))
	if err != nil {
		return nil, nil, nil, err
	}
	load, err := c.ReadLoad(trace, ids)
	if err != nil {
		return nil, nil, nil, err
	}
	combined := ""
	for i := range load.Loaded {
		l := &load.Loaded[i]
		if l.Kind == Regular || l.Split {
			combined = link.Combined
		}
	}
	f, err = load.FinalLink(filepath.Join(root, "final"), combined, SideOutputs{Dependencies: filepath.Join(root, "dependencies")})
	if err != nil {
		return nil, nil, nil, err
	}
	w.lay(load, f)
	hidden, err := load.Hidden(2)
	if err != nil {
		return nil, nil, nil, err
	}
	source, err := hidden.Assembly(f.Objects)
	if err != nil {
		return nil, nil, nil, err
	}
	words := append(slices.Clone(f.Words), "--trace")
	if source != "" {
		llvmtest.Write(w.t, root, "hidden.s", source)
		w.run("clang", "-c", "--target="+hidden.triple, filepath.Join(root, "hidden.s"), "-o", filepath.Join(root, "hidden.o"))
		words = append(words, filepath.Join(root, "hidden.o"))
	}
	seen := false
	for i, line := range trace {
		l := &load.Loaded[i]
		if combined != "" && !seen && (l.Kind == Module || l.Kind == Regular) {
			thin, seen = append(thin, "combined"), true
		}
		if l.Kind != Regular {
			thin = append(thin, line)
		}
	}
	out := lines(f.Translate(llvmtest.Output(w.t, ".", "ld.lld-"+w.version, words...)))
	for _, line := range out {
		switch line {
		case link.Combined:
			line = "combined"
		case filepath.Join(root, "hidden.o"):
			continue
		}
		if strings.HasSuffix(line, ".so") && slices.Contains(final, line) && !slices.Contains(c.OpenedFiles(), line) {
			continue // a dependent-library record names again what is in the words
		}
		final = append(final, line)
	}
	return thin, final, f, nil
}

func lines(text string) []string {
	if text = strings.TrimSuffix(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// needed are the names of the shared libraries that a program needs.
func (w *workshop) needed(path string) []string {
	var names []string
	for _, line := range lines(w.run("llvm-readelf", "-d", path)) {
		if _, name, ok := strings.Cut(line, "(NEEDED)"); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

func TestFinalLinks(t *testing.T) {
	for _, version := range linkVersions() {
		made := t.TempDir()
		for _, link := range syntheticLinks {
			if version < fmt.Sprint(max(10, link.since)) {
				continue
			}
			t.Run(version+"/"+strings.ReplaceAll(link.name, " ", "_"), func(t *testing.T) {
				(&workshop{t, version, made}).try(link)
			})
		}
	}
}

// try does a link in steps and in-process and compares.
func (w *workshop) try(link syntheticLink) {
	t := w.t
	folder := t.TempDir()
	t.Chdir(folder)
	for _, line := range lines(strings.TrimSpace(link.files)) {
		if line = strings.TrimSpace(line); line != "" {
			w.make(line)
		}
	}
	if info, err := os.Stat("work"); err == nil && info.IsDir() {
		t.Chdir("work")
	}
	words := strings.Fields(link.args)
	if strings.Contains(link.args, "|") {
		words = strings.Split(link.args, "|")
	}
	c := ReadCommand(append(words, "-o", "out"))
	thin, final, f, err := w.staged(c, t.TempDir())
	if link.why != "" {
		if !refuses(err) || !strings.Contains(err.Error(), link.why) {
			t.Fatalf("error %v, want one with %q", err, link.why)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("words: %q", f.Words)
	if diff := cmp.Diff(thin, final); diff != "" {
		t.Errorf("the thin link loaded (-), the final link (+):\n%s\n%q", diff, f.Words)
	}
	got, exports := w.needed("out"), w.exports("out")
	w.run("ld.lld", c.Words...)
	if diff := cmp.Diff(w.needed("out"), got); diff != "" {
		t.Errorf("libraries in-process (-):\n%s", diff)
	}
	if diff := cmp.Diff(w.exports("out"), exports); diff != "" {
		t.Errorf("exports in-process (-):\n%s", diff)
	}
}

func refuses(err error) bool {
	var inexact *Inexact
	var untranslatable *Untranslatable
	return errors.As(err, &inexact) || errors.As(err, &untranslatable)
}

// exports are the dynamic symbols, with their types.
func (w *workshop) exports(path string) []string {
	symbols := lines(w.run("llvm-nm", "-D", "--format=posix", path))
	for i, line := range symbols {
		if words := strings.Fields(line); len(words) > 1 {
			symbols[i] = words[0] + " " + words[1]
		}
	}
	slices.Sort(symbols)
	return slices.Compact(symbols)
}
