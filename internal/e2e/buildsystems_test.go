// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// pageFile is the page whose blocks are tried.
var pageFile = filepath.Join("..", "..", "docs", "build-systems.md")

// A pageTest says what the blocks of a section of the page are tried on, and what
// comes of it.
type pageTest struct {
	folders []string // of testdata/buildsystems, one over the other
	program string   // what is linked
	prints  string   // what it prints; "" for the usual
	links   []string // outputs that dtlto has to have linked
	llvms   []int    // besides 22, as which the page has it
	long    []int    // and those only under DTLTO_TEST_LONG
	prepare func(r *pageRun)
	then    func(r *pageRun)
}

// What the small program prints. The first line comes from the constructor of a member of
// an archive to which nothing refers after inlining.
const usualPrint = "started\nsum 42\n"

var pageTests = map[string]pageTest{
	"One flag/make":                 {folders: []string{"project", "make"}, program: "program", links: []string{"program"}, long: []int{14, 16, 19}},
	"One flag/Ninja":                {folders: []string{"project"}, program: "program", links: []string{"program"}, long: []int{14, 16, 19}},
	"One flag/CMake":                {folders: []string{"project", "cmake"}, program: "build/program", links: []string{"libsum.so", "program"}, long: []int{14, 16, 19}},
	"One flag/CMake: a preset":      {folders: []string{"project", "cmake"}, program: "build/program", links: []string{"libsum.so", "program"}, long: []int{19}},
	"One flag/Meson: a native file": {folders: []string{"project", "meson"}, program: "build/program", links: []string{"libsum.so", "program"}, long: []int{19}},
	"One flag/Meson":                {folders: []string{"project", "meson"}, program: "build/program", links: []string{"libsum.so", "program"}, long: []int{14, 16, 19}},
	"One flag/autotools":            {folders: []string{"project", "autotools"}, program: "program", links: []string{"libsum.so.0.0.0", "program"}, long: []int{14, 16, 19}},
	"One flag/cargo":                {folders: []string{"cargo"}, program: "target/release/program", prints: "sum 42\n", links: []string{"program"}, prepare: useCargo},
	"One flag/Bazel":                {folders: []string{"project", "bazel"}, program: "bazel-bin/program", links: []string{"program"}, long: []int{14, 16, 19}, prepare: useBazel},

	"LLD's own option": {folders: []string{"project", "make"}, program: "program", links: []string{"program"}},

	"Backends as edges/By hand":                                                 {folders: []string{"project"}, program: "program", llvms: []int{19}, long: []int{14, 16}},
	"Backends as edges/With make":                                               {folders: []string{"project"}, program: "program", llvms: []int{19}, long: []int{14, 16}, then: editMake},
	"Backends as edges/With make, nothing included":                             {folders: []string{"project"}, program: "program", llvms: []int{19}, long: []int{13, 14, 15, 16}, then: editMake},
	"Backends as edges/With Ninja":                                              {folders: []string{"project"}, program: "program", llvms: []int{19}, long: []int{14, 16}, then: editNinja},
	"Backends as edges/Bazel's own edges":                                       {folders: []string{"project", "bazel", "bazel_thinlto"}, program: "bazel-bin/program", prepare: useBazel},
	"Backends as edges/The map":                                                 {folders: []string{"project"}, llvms: []int{19}, long: []int{14, 16}},
	"Backends as edges/Minimised bitcode":                                       {folders: []string{"project"}, program: "program", llvms: []int{19}, long: []int{14, 16}},
	"Backends as edges/Without ld.dtlto: what a plain final link loses":         {folders: []string{"project"}, program: "program", llvms: []int{19}},
	"Backends as edges/Without a map: --thinlto-index-only and a response file": {program: "program", prints: "second\n", llvms: []int{19}, long: []int{14, 16}},
}

// TestBuildSystemsPage runs every block of docs/build-systems.md as it stands, and then
// with other LLVMs in the place of the page's.
func TestBuildSystemsPage(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: runs real build systems")
	}
	tried := map[string]bool{}
	for _, section := range readPage(t, pageFile) {
		if len(section.blocks) == 0 {
			continue
		}
		test, ok := pageTests[section.name]
		if tried[section.name] = true; !ok {
			t.Errorf("%s: has blocks of lines, and no test", section.name)
		}
		llvms := append([]int{22}, test.llvms...)
		if os.Getenv(testLong) != "" {
			llvms = append(llvms, test.long...)
		}
		for _, llvm := range llvms {
			t.Run(section.name+"/"+strconv.Itoa(llvm), func(t *testing.T) {
				t.Parallel()
				test.run(t, llvm, section)
			})
		}
	}
	for name := range pageTests {
		if !tried[name] {
			t.Errorf("%s: not in the page, or without a block of lines", name)
		}
	}
}

func (p pageTest) run(t *testing.T, llvm int, section pageSection) {
	llvmtest.Tool(t, fmt.Sprintf("clang-%d", llvm))
	r := newPageRun(t, llvm, p.folders...)
	if p.prepare != nil {
		p.prepare(r)
	}
	r.try(section.blocks)
	if p.program != "" {
		if got, want := string(output(t, r.path(p.program))), cmp.Or(p.prints, usualPrint); got != want {
			t.Errorf("%s prints %q, want %q", p.program, got, want)
		}
	}
	if p.then != nil {
		p.then(r)
	}
	for _, name := range p.links {
		if !r.linked(name) {
			t.Errorf("dtlto has no link of %s on record; what the build said last:\n%s", name, r.said)
		}
	}
}

func rustupHome() string {
	return cmp.Or(os.Getenv("RUSTUP_HOME"), filepath.Join(os.Getenv("HOME"), ".rustup"))
}

// inPath puts a program under another name, perhaps, where this run's commands look first.
func (r *pageRun) inPath(name, file string) {
	r.t.Helper()
	dir := filepath.Join(r.home, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	symlink(r.t, file, filepath.Join(dir, name))
	r.env = append(r.env, "PATH="+dir+":"+os.Getenv("PATH"))
}

// useCargo takes Debian's cargo, which rustup's may hide.
func useCargo(r *pageRun) {
	rustc := rustcOf(r.t, "14")
	r.inPath("cargo", filepath.Join(filepath.Dir(rustc), "cargo"))
	r.env = append(r.env, "RUSTC="+rustc)
}

// useBazel takes Debian's Bazel, and ends its server.
func useBazel(r *pageRun) {
	r.inPath("bazel", llvmtest.Tool(r.t, "bazel-4"))
	r.env = append(r.env, "USER=somebody")
	writeFile(r.t, filepath.Join(r.home, ".bazelrc"), "startup --max_idle_secs=60\n") // should the test be killed
	r.t.Cleanup(func() { r.sh("bazel shutdown 2>/dev/null") })
}

func editMake(r *pageRun)  { r.editTwice("make -j4", "make: 'program' is up to date.\n") }
func editNinja(r *pageRun) { r.editTwice("ninja -v", "ninja: no work to do.\n") }

// editTwice wants a build of which nothing is left to do, which notices a change of a
// function that is inlined elsewhere in all backends, and one that is not in one.
func (r *pageRun) editTwice(command, idle string) {
	r.t.Helper()
	for _, edit := range []struct {
		commands, prints string
		backends         int
	}{
		{"true", usualPrint, 0},
		{"echo '/* a comment */' >>twice.c", usualPrint, 0},
		{"sed -i 's/n \\* 2/n * 3/' twice.c", "started\nsum 63\n", 3},
		{"echo 'int other(int n) { return n; }' >>main.c", "started\nsum 63\n", 1},
	} {
		said := r.sh(edit.commands + "; " + command)
		if got := len(backendEdge.FindAllString(said, -1)); got != edit.backends {
			r.t.Errorf("%s: %d backends, want %d:\n%s", edit.commands, got, edit.backends, said)
		}
		if got := string(output(r.t, r.path("program"))); got != edit.prints {
			r.t.Errorf("%s: the program prints %q, want %q", edit.commands, got, edit.prints)
		}
		if said := r.sh(command); said != idle {
			r.t.Errorf("%s: and again: %s", edit.commands, said)
		}
	}
}
