// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// A linker is a way to link: what Clang is told, and where the outputs go.
type linker struct {
	flag, folder string
	env          []string
}

var (
	plainLLD  = linker{flag: "-fuse-ld=lld", folder: "lld"}
	stagedLLD = linker{flag: "-fuse-ld=dtlto", folder: "dtlto", env: []string{"DTLTO_MODE=staged", "DTLTO_SUMMARY=1"}}
	nativeLLD = linker{flag: "-fuse-ld=dtlto", folder: "native", env: []string{"DTLTO_MODE=native", "DTLTO_SUMMARY=1"}}
)

// A staging is a folder in which one LLVM compiles, and links both in-process and
// in staged mode.
type staging struct {
	t      *testing.T
	llvm   int
	dir    string
	driver string // Clang's, to link with
}

// withEachLLVM runs a test once with each LLVM.
func withEachLLVM(t *testing.T, test func(s *staging)) {
	t.Helper()
	for _, llvm := range versions(t) {
		t.Run(strconv.Itoa(llvm), func(t *testing.T) {
			t.Parallel()
			test(newStaging(t, llvm))
		})
	}
}

func newStaging(t *testing.T, llvm int) *staging {
	t.Helper()
	return &staging{t: t, llvm: llvm, dir: t.TempDir(), driver: fmt.Sprintf("clang-%d", llvm)}
}

// shared puts files into the folder that are made once for each LLVM.
func (s *staging) shared(name string, make func(s *staging)) {
	s.t.Helper()
	made := *s
	made.dir = filepath.Join(bin, s.tool(name))
	once, _ := sharedOnce.LoadOrStore(made.dir, new(sync.Once))
	once.(*sync.Once).Do(func() {
		if err := os.Mkdir(made.dir, 0o755); err != nil {
			s.t.Fatal(err)
		}
		make(&made)
	})
	if err := os.CopyFS(s.dir, os.DirFS(made.dir)); err != nil {
		s.t.Fatal(err)
	}
}

var sharedOnce sync.Map // from folder to *sync.Once

// tool is the name of one of LLVM's programs.
func (s *staging) tool(name string) string { return fmt.Sprintf("%s-%d", name, s.llvm) }

func (s *staging) path(name string) string { return filepath.Join(s.dir, name) }

// write writes files, given as name, text, name, text.
func (s *staging) write(files ...string) {
	s.t.Helper()
	llvmtest.Write(s.t, s.dir, files...)
}

// compile makes OBJECT of the C source that has its name.
func (s *staging) compile(object string, flags ...string) {
	s.t.Helper()
	source := strings.TrimSuffix(object, ".o") + ".c"
	llvmtest.Run(s.t, s.dir, s.tool("clang"), slices.Concat([]string{"-O2", "-Wno-everything"}, flags, []string{"-c", source, "-o", object})...)
}

// bitcode compiles for ThinLTO, given as name of the object, C text and so on.
func (s *staging) bitcode(files ...string) {
	s.t.Helper()
	s.compileAll([]string{"-flto=thin", "-fPIC"}, files)
}

// native compiles without LTO.
func (s *staging) native(files ...string) {
	s.t.Helper()
	s.compileAll([]string{"-fPIC"}, files)
}

func (s *staging) compileAll(flags, files []string) {
	s.t.Helper()
	for i := 0; i+1 < len(files); i += 2 {
		s.write(strings.TrimSuffix(files[i], ".o")+".c", files[i+1])
		s.compile(files[i], flags...)
	}
}

// archive makes a regular archive.
func (s *staging) archive(name string, members ...string) {
	s.t.Helper()
	llvmtest.Run(s.t, s.dir, s.tool("llvm-ar"), append([]string{"qcS", name}, members...)...)
	llvmtest.Run(s.t, s.dir, s.tool("llvm-ar"), "s", name)
}

// A product is what a link made, and what it said less dtlto's own line.
type product struct {
	dir  string
	said string
	jobs int // -1 if there was no line about jobs
}

func (p product) file(name string) string { return filepath.Join(p.dir, name) }

var summaryLine = regexp.MustCompile(`(?m)^dtlto: (\d+) jobs?, .*\n`)

// try links with Clang's driver. OUT in the arguments is the folder for outputs,
// which is emptied before.
func (s *staging) try(l linker, args ...string) (product, error) {
	s.t.Helper()
	p := product{dir: s.path(l.folder), jobs: -1}
	if err := errors.Join(os.RemoveAll(p.dir), os.Mkdir(p.dir, 0o755)); err != nil {
		s.t.Fatal(err)
	}
	words := []string{"-O2", "-flto=thin", l.flag}
	for _, arg := range args {
		words = append(words, strings.ReplaceAll(arg, "OUT", l.folder))
	}
	cmd := exec.Command(llvmtest.Tool(s.t, s.driver), words...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), l.env...)
	out, err := cmd.CombinedOutput()
	p.takeSummary(string(out))
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", cmd.Path, strings.Join(words, " "), err, out)
	}
	return p, err
}

// takeSummary takes dtlto's own line, of which there is one, out of what a link said.
func (p *product) takeSummary(said string) {
	p.said = said
	if lines := summaryLine.FindAllStringSubmatch(said, -1); len(lines) == 1 {
		p.jobs, _ = strconv.Atoi(lines[0][1])
		p.said = strings.Replace(said, lines[0][0], "", 1)
	}
}

// link is try for a link that must succeed, and be distributed if it is dtlto's.
func (s *staging) link(l linker, args ...string) product {
	s.t.Helper()
	p, err := s.try(l, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	if l.flag == stagedLLD.flag && p.jobs <= 0 {
		s.t.Errorf("%d: not distributed: the link says %q", s.llvm, p.said)
	}
	return p
}

// same links both ways and wants the same messages and the same files with the same
// symbols. It returns both.
func (s *staging) same(args ...string) (inProcess, staged product) {
	s.t.Helper()
	inProcess, staged = s.link(plainLLD, args...), s.link(stagedLLD, args...)
	s.wantSame(inProcess, staged)
	return inProcess, staged
}

func (s *staging) wantSame(inProcess, staged product) {
	s.t.Helper()
	if got, want := staged.says(), inProcess.says(); got != want {
		s.t.Errorf("the link says\n%q\nin-process\n%q", got, want)
	}
	if got, want := names(s.t, staged.dir), names(s.t, inProcess.dir); !slices.Equal(got, want) {
		s.t.Errorf("the link makes %q, in-process %q", got, want)
	}
	for _, name := range names(s.t, inProcess.dir) {
		if isELF(s.t, inProcess.file(name)) {
			wantSameSymbols(s.t, inProcess.file(name), staged.file(name))
		}
	}
}

// says is what the link said, less what must differ: the folder of the outputs, and
// the names of objects, which come from LLD itself in an in-process link. Some of
// LLD's warnings come in another order each time.
func (p product) says() string {
	return sorted(referrer.ReplaceAllString(p.in(p.said), "$1*:("))
}

var referrer = regexp.MustCompile(`(?m)^(>>> +|removing unused section )\S.*:\(`)

// in puts OUT for the folder of outputs in a text.
func (p product) in(text string) string {
	return strings.ReplaceAll(text, filepath.Base(p.dir)+"/", "OUT/")
}

// sameRun is same for a link of OUT/program, which must print the same and exit with
// the same code both ways. It returns what the program prints.
func (s *staging) sameRun(args ...string) string {
	s.t.Helper()
	inProcess, staged := s.same(append(args, "-o", "OUT/program")...)
	want, got := s.run(inProcess.file("program")), s.run(staged.file("program"))
	if got != want {
		s.t.Errorf("the program prints\n%s\nin-process\n%s", got, want)
	}
	return got
}

// run is what a program prints, and then how it ends.
func (s *staging) run(program string) string {
	s.t.Helper()
	cmd := exec.Command(program)
	cmd.Dir = s.dir
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Error(err)
	}
	return string(out) + cmd.ProcessState.String() + "\n"
}

func isELF(t *testing.T, file string) bool {
	t.Helper()
	return strings.HasPrefix(string(read(t, file)), elf.ELFMAG)
}

// wantSameSymbols compares whole sets of symbols: those of the program, those of its
// dynamic table, exported and imported, and the libraries that it needs.
func wantSameSymbols(t *testing.T, inProcess, staged string) {
	t.Helper()
	want, got := symbolSets(t, inProcess), symbolSets(t, staged)
	for name := range want {
		lost, added := less(want[name], got[name]), less(got[name], want[name])
		if len(lost) > 0 || len(added) > 0 {
			t.Errorf("%s: of %d %s, %q are lost and %q added", staged, len(want[name]), name, lost, added)
		}
	}
}

// symbolSets has a line for each symbol: all by which one could tell two links
// apart, except for addresses and sizes.
func symbolSets(t *testing.T, file string) map[string][]string {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	defer f.Close()
	describe := func(symbols []elf.Symbol, err error) (all []string) {
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			t.Fatalf("%s: %v", file, err)
		}
		for _, s := range symbols {
			if s.Name == "ld-temp.o" && elf.ST_TYPE(s.Info) == elf.STT_FILE {
				continue // in-process, regular LTO makes an object even if it has nothing to compile
			}
			section := s.Section.String()
			if int(s.Section) < len(f.Sections) {
				section = f.Sections[s.Section].Name
			}
			all = append(all, fmt.Sprintf("%s@%s %v %v %v in %s", s.Name, s.Version, elf.ST_BIND(s.Info), elf.ST_TYPE(s.Info), elf.ST_VISIBILITY(s.Other), section))
		}
		return all
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return map[string][]string{"symbols": describe(f.Symbols()), "dynamic symbols": describe(f.DynamicSymbols()), "libraries": libraries}
}

// less is what is in a more often than in b.
func less(a, b []string) (rest []string) {
	left := map[string]int{}
	for _, x := range b {
		left[x]++
	}
	for _, x := range a {
		if left[x]--; left[x] < 0 {
			rest = append(rest, x)
		}
	}
	return rest
}
