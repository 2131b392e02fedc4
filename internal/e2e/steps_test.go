// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// The two linkers of a final link. Only LLD 17 and newer can do it without dtlto.
var (
	mapDTLTO = linker{flag: "-fuse-ld=dtlto", folder: "steps"}
	mapLLD   = linker{flag: "-fuse-ld=lld", folder: "plain"}
)

// everyLLVM is also those that other tests leave out.
var everyLLVM = []int{13, 14, 15, 16, 19, 22}

func withLLVMs(t *testing.T, all []int, test func(s *staging)) {
	t.Helper()
	for _, llvm := range all {
		t.Run(fmt.Sprint(llvm), func(t *testing.T) {
			t.Parallel()
			test(newStaging(t, llvm))
		})
	}
}

// remaps says whether this LLD has --remap-inputs-file= itself.
func (s *staging) remaps() bool { return s.llvm >= 17 }

// A stepJob is a backend compile as the map has it.
type stepJob struct {
	Module, Index, Object string
	Imports               []string
	Unused                bool
}

// A stepMap is what a map says. dtlto's own reader has no part in this.
type stepMap struct {
	file    string // below the folder of the test
	lines   []string
	entries map[string]string // what takes the place of which input
	jobs    []stepJob
	loads   []string // "file", "archive(member)"
	add     []string
}

// readMap reads a map as LLD does, and dtlto's record in its comments.
func (s *staging) readMap(file string) *stepMap {
	s.t.Helper()
	m := &stepMap{file: file, entries: map[string]string{}}
	for line := range strings.Lines(string(read(s.t, s.path(file)))) {
		line = strings.TrimSpace(line)
		if record, ok := strings.CutPrefix(line, "#dtlto "); ok {
			m.record(s.t, record)
		} else if line != "" && line[0] != '#' {
			m.lines = append(m.lines, line)
			from, to, ok := strings.Cut(line, "=")
			if !ok || to == "" || strings.Contains(to, "=") || m.entries[literal(from)] != "" {
				s.t.Errorf("%s: %q", file, line)
			}
			m.entries[literal(from)] = to
		}
	}
	return m
}

func (m *stepMap) record(t *testing.T, text string) {
	t.Helper()
	var r struct {
		Version, LLVM int
		Job           *stepJob
		Load          *struct {
			File, Member string
			Unnamed      bool
		}
		Options []string // of both links
		Add     string
		End     int
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%s: %v: %s", m.file, err, text)
	}
	switch {
	case r.Job != nil:
		m.jobs = append(m.jobs, *r.Job)
	case r.Load != nil && r.Load.Member != "":
		m.loads = append(m.loads, r.Load.File+"("+r.Load.Member+")")
	case r.Load != nil:
		m.loads = append(m.loads, r.Load.File)
	case r.Add != "":
		m.add = append(m.add, r.Add)
	case r.Version == 0 && r.Options == nil && r.End == 0:
		t.Errorf("%s: unknown record %s", m.file, text)
	}
}

// literal is the one name that a pattern matches. What has no *, ? or [ is no pattern.
func literal(pattern string) string {
	if !strings.ContainsAny(pattern, "*?[") {
		return pattern
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '[' && i+2 < len(pattern) && pattern[i+2] == ']':
			b.WriteByte(pattern[i+1])
			i += 2
		case c == '\\' && i+1 < len(pattern):
			i++
			b.WriteByte(pattern[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// fresh is a new folder in the test's for a link's index files and objects.
func (s *staging) fresh() string {
	s.t.Helper()
	for i := 1; ; i++ {
		name := fmt.Sprint("obj", i)
		if err := os.Mkdir(s.path(name), 0o755); err == nil {
			return name
		} else if !errors.Is(err, fs.ErrExist) {
			s.t.Fatal(err)
		}
	}
}

// thinOptions are for a thin link that puts all below a folder, as Clang is given them.
func thinOptions(out string) []string {
	return []string{"-Wl,--thinlto-index=" + out + "/exe.map", "-Wl,--thinlto-emit-imports-files", "-Wl,--thinlto-prefix-replace=;" + out + "/"}
}

// tryThinStep does a thin link, which writes no output of its own.
func (s *staging) tryThinStep(args ...string) (string, error) {
	s.t.Helper()
	p, err := s.try(linker{flag: mapDTLTO.flag, folder: "none"}, append(args, "-o", "OUT/program")...)
	wantNames(s.t, p.dir, nil)
	wantNoStageFolder(s.t, s.dir)
	return p.said, err
}

// thinStep does it with the usual options and reads the map.
func (s *staging) thinStep(out string, args ...string) *stepMap {
	s.t.Helper()
	if err := os.MkdirAll(s.path(out), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if said, err := s.tryThinStep(append(thinOptions(out), args...)...); err != nil || said != "" {
		s.t.Fatalf("thin link: %v: %q", err, said)
	}
	return s.readMap(out + "/exe.map")
}

// backendStep makes objects with plain Clang. Those of unused modules are made too if all is set.
func (s *staging) backendStep(m *stepMap, all bool) {
	s.t.Helper()
	for _, job := range m.jobs {
		if !job.Unused || all {
			s.backendByHand(job.Module, job.Index, job.Object)
		}
	}
}

func (s *staging) backendByHand(module, index, object string) {
	s.t.Helper()
	out := llvmtest.Run(s.t, s.dir, s.tool("clang"), "-c", "--target=x86_64-pc-linux-gnu", "-O2", "-faddrsig", "-ffunction-sections",
		"-fdata-sections", "-fpic", "-Wno-unused-command-line-argument", "-x", "ir", module, "-fthinlto-index="+index, "-o", object)
	if out != "" {
		s.t.Errorf("%s: clang says %q", module, out)
	}
}

// steps links in three steps; the last one's output is OUT/program or what args say.
func (s *staging) steps(args ...string) (product, *stepMap) {
	s.t.Helper()
	m := s.thinStep(s.fresh(), notOutput(args)...)
	s.backendStep(m, false)
	return s.finalStep(mapDTLTO, m.file, args...), m
}

// notOutput is the arguments less -o and what follows.
func notOutput(args []string) []string {
	if i := slices.Index(args, "-o"); i >= 0 {
		return slices.Delete(slices.Clone(args), i, i+2)
	}
	return args
}

// finalStep links with a map.
func (s *staging) finalStep(l linker, file string, args ...string) product {
	s.t.Helper()
	p, err := s.try(l, append(args, "-Wl,--remap-inputs-file="+file)...)
	if err != nil {
		s.t.Fatal(err)
	}
	wantNoStageFolder(s.t, s.dir)
	return p
}

func wantNoStageFolder(t *testing.T, dir string) {
	t.Helper()
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, ".dtlto") {
			t.Errorf("left behind: %s", name)
		}
	}
}

// shell runs commands as somebody typed them, with this LLVM's programs and dtlto.
func (s *staging) shell(commands string, more ...string) string {
	s.t.Helper()
	programs := []string{"clang++ ", s.tool("clang++") + " ", "clang ", s.tool("clang") + " ", "-fuse-ld=lld", "-fuse-ld=dtlto"}
	commands = strings.NewReplacer(append(more, programs...)...).Replace(commands)
	cmd := exec.Command("sh", "-exc", commands)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// files are the files below a folder, with their contents.
func (s *staging) files(folder string) map[string]string {
	s.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(s.path(folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(s.path(folder), path)
		all[name] = string(read(s.t, path))
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// wantFile wants a file to have this text.
func (s *staging) wantFile(name, want string) {
	s.t.Helper()
	if got, err := os.ReadFile(s.path(name)); err != nil || string(got) != want {
		s.t.Errorf("%s: %v: has\n%q, want\n%q", name, err, got, want)
	}
}
