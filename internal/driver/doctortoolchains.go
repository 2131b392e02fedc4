// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// toolchainFacts are what is known of an ld.lld, and of the clang that fits it.
type toolchainFacts struct {
	Version string `json:"version"` // of LLVM
	LLD     string `json:"lld,omitzero"`
	Clang   string `json:"clang,omitzero"`
	// Way is how links with it are done: "native" (LLD distributes), "staged" (dtlto does,
	// in steps) or "none" (not distributed).
	Way     string `json:"way"`
	Default bool   `json:"default"` // of links that say nothing else
	Problem string `json:"problem,omitzero"`

	version toolchain.Version
}

// Where LLVM is installed besides the folders of PATH, by distributions, by hand and by
// Homebrew.
var usualFolders = []string{
	"/usr/lib/llvm-*/bin", "/usr/lib/llvm*/bin", "/usr/lib64/llvm*/bin", "/usr/local/bin", "/usr/local/llvm*/bin", "/usr/local/opt/llvm*/bin",
	"/opt/*/bin", "/opt/*/llvm*/bin", "/opt/homebrew/opt/llvm*/bin", "/opt/homebrew/opt/lld*/bin",
}

// maxPrograms is how many programs of a kind are asked for their versions, which takes
// up to 30 ms each the first time.
const maxPrograms = 64

// toolchains finds out which toolchains there are.
func (d *doctor) toolchains() {
	d.says.Toolchains = []toolchainFacts{}
	usual, _ := toolchain.FindLLD(toolchain.Hints{Explicit: d.settings.LLD})
	linkers := programs("ld.lld")
	if usual != "" {
		linkers = distinctFiles(append([]string{usual}, linkers...))
	}
	for _, path := range linkers {
		if d.ctx.Err() != nil {
			return
		}
		if facts, ok := factsOfLLD(path); ok {
			facts.Default = path == usual
			d.says.Toolchains = append(d.says.Toolchains, facts)
		}
	}
	d.lonelyCompilers()
	slices.SortStableFunc(d.says.Toolchains, func(a, b toolchainFacts) int {
		return cmp.Or(cmp.Compare(b.version.Major, a.version.Major), cmp.Compare(b.version.Minor, a.version.Minor), cmp.Compare(b.version.Patch, a.version.Patch))
	})
	for _, facts := range d.says.Toolchains {
		d.sayToolchain(facts)
	}
}

// factsOfLLD asks an ld.lld what it is. dtlto itself under that name is none.
func factsOfLLD(path string) (toolchainFacts, bool) {
	if _, err := toolchain.FindLLD(toolchain.Hints{Explicit: path}); err != nil {
		return toolchainFacts{}, false
	}
	facts := toolchainFacts{LLD: path, Way: "none"}
	version, err := toolchain.LLDVersion(path)
	if err != nil {
		facts.Version, facts.Problem = "unknown", err.Error()
		return facts, true
	}
	facts.version, facts.Version = version, version.String()
	facts.pair()
	return facts, true
}

// pair finds the clang that fits, and how links are done with both.
func (f *toolchainFacts) pair() {
	major := f.version.Major
	if major < lld.FirstStaged {
		f.Problem = fmt.Sprintf("links are distributed from LLVM %d on: they are left to ld.lld", lld.FirstStaged)
		return
	}
	clang, err := toolchain.FindClang(f.LLD)
	if err != nil {
		f.Problem = fmt.Sprintf("%v, which compiles what is distributed: install clang-%d of the same release, or clang beside it", err, major)
		return
	}
	f.Clang, f.Way = clang, "staged"
	if major >= lld.FirstNative {
		f.Way = "native"
	}
	if err := toolchain.CompilesItself(clang); err != nil {
		f.Problem = fmt.Sprintf("%v: what it compiles is neither kept nor done elsewhere; have the real clang beside ld.lld or first on PATH", err)
	}
}

// lonelyCompilers adds the clangs that have no ld.lld of their version.
func (d *doctor) lonelyCompilers() {
	known := map[toolchain.Version]bool{}
	for _, facts := range d.says.Toolchains {
		known[facts.version] = true
	}
	for _, path := range programs("clang") {
		version, err := toolchain.ClangVersion(path)
		if err != nil || known[version] || d.ctx.Err() != nil {
			continue
		}
		known[version] = true
		d.says.Toolchains = append(d.says.Toolchains, d.factsOfClang(path, version))
	}
}

// factsOfClang are those of a clang whose ld.lld is not among those that were found.
func (d *doctor) factsOfClang(path string, version toolchain.Version) toolchainFacts {
	linker, err := linkerOf(path, version, d.settings.LLD)
	if err == nil {
		if facts, ok := factsOfLLD(linker); ok { // it lies beside the real clang, in a folder of no usual name
			return facts
		}
	}
	facts := toolchainFacts{Version: version.String(), Clang: path, Way: "none", version: version}
	if err != nil {
		facts.Problem = err.Error()
	}
	return facts
}

func (d *doctor) sayToolchain(f toolchainFacts) {
	programs := strings.Join(slices.DeleteFunc([]string{f.LLD, f.Clang}, func(path string) bool { return path == "" }), " with ")
	what := map[string]string{"native": "LLD distributes links (native)", "staged": "dtlto distributes links, in steps (staged)"}[f.Way]
	if what != "" && !slices.Contains(bitcode.Tried[:], f.version.Major) {
		what += "; indexes of this LLVM were not tried, which may cost compiles"
	}
	if f.Default {
		what = strings.TrimPrefix(what+"; the default", "; ")
	}
	if f.Problem != "" {
		d.say("note", "LLVM "+f.Version, programs+": "+strings.TrimPrefix(what+": "+f.Problem, ": "))
		return
	}
	d.say("ok", "LLVM "+f.Version, programs+": "+what)
}

// programs are those of a name, or of that and a major version, each once, those on PATH
// first.
func programs(name string) []string {
	folders := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range usualFolders {
		found, _ := filepath.Glob(pattern) // sorted
		folders = append(folders, found...)
	}
	var paths []string
	for _, folder := range folders {
		if !filepath.IsAbs(folder) {
			continue // another program wherever one stands
		}
		found, _ := filepath.Glob(filepath.Join(escapePattern(folder), name+"*"))
		for _, path := range found {
			if isProgram(path, name) {
				paths = append(paths, path)
			}
		}
	}
	paths = distinctFiles(paths)
	return paths[:min(len(paths), maxPrograms)]
}

// escapePattern makes a pattern that a folder's name alone fits.
func escapePattern(folder string) string {
	if os.PathSeparator == '\\' {
		return folder // where patterns have no escapes
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(folder)
}

// isProgram says whether a path is of a program that is called name, name-15, or either
// with .exe.
func isProgram(path, name string) bool {
	rest := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), name), ".exe")
	if version, ok := strings.CutPrefix(rest, "-"); ok {
		if _, err := strconv.Atoi(version); err != nil {
			return false
		}
	} else if rest != "" {
		return false
	}
	_, err := exec.LookPath(path)
	return err == nil
}

// distinctFiles leaves out paths that lead to a file that an earlier one leads to.
func distinctFiles(paths []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool {
		real, err := filepath.EvalSymlinks(path)
		if err != nil || seen[real] {
			return true
		}
		seen[real] = true
		return false
	})
}
