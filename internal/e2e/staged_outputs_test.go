// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// ofTheStage is what only files of the stage have in their names.
var ofTheStage = regexp.MustCompile(`\.dtlto-|\.thinlto\.bc|\.native\.o|\.dist-file|thinlto-index|\.imports\b`)

// sideOutputs links the program of losing with options, and returns both links with no
// word of the stage in either what they say or the files.
func (s *staging) sideOutputs(args ...string) (inProcess, staged product) {
	s.t.Helper()
	inProcess, staged = s.mayStay(args...)
	if staged.jobs <= 0 {
		s.t.Errorf("%q: not distributed", args)
	}
	return inProcess, staged
}

// mayStay is sideOutputs for options that dtlto may leave to LLD if it says so: they
// print where dtlto itself reads, or have LLD forget what there is to print.
func (s *staging) mayStay(args ...string) (inProcess, staged product) {
	s.t.Helper()
	args = append(append(with(usual), args...), "-o", "OUT/program")
	inProcess, err := s.try(plainLLD, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	if staged, err = s.try(stagedLLD, args...); err != nil {
		s.t.Fatal(err)
	}
	if rest, ok := cutInProcess(staged.said); ok {
		staged.said = rest
	} else if staged.jobs <= 0 {
		s.t.Errorf("not distributed: the link says %q", staged.said)
	}
	if got, want := names(s.t, staged.dir), names(s.t, inProcess.dir); !slices.Equal(got, want) {
		s.t.Errorf("the link makes %q, in-process %q", got, want)
	}
	wantNoStage(s.t, "the link", staged.said)
	for _, name := range names(s.t, staged.dir) {
		if name != "program" {
			wantNoStage(s.t, name, string(read(s.t, staged.file(name))))
		}
	}
	return inProcess, staged
}

func wantNoStage(t *testing.T, what, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if ofTheStage.MatchString(line) {
			t.Errorf("%s: %q is of the stage", what, line)
		}
	}
}

// TestStagedSameOutputs is about outputs that need not differ by a byte.
func TestStagedSameOutputs(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		// On its standard output, LLD prints these in the order of what happens.
		inProcess, staged := s.sideOutputs("-Wl,--trace")
		wantSameText(s.t, "--trace", inProcess.said, staged.said)
		inProcess, staged = s.mayStay("-Wl,--why-extract=-")
		wantSameText(s.t, "--why-extract", inProcess.said, staged.said)
		inProcess, staged = s.mayStay("-Wl,--print-archive-stats=-")
		wantSameText(s.t, "--print-archive-stats", inProcess.said, staged.said)

		// All at once, into files; CMake reads the first. LLD 14 has no reasons for the thin link.
		inProcess, staged = s.mayStay("-Wl,--dependency-file=OUT/depfile", "-Wl,--why-extract=OUT/why", "-Wl,--print-archive-stats=OUT/stats")
		wantSameText(s.t, "messages", inProcess.said, staged.said)
		for _, name := range []string{"depfile", "why", "stats"} {
			wantSameText(s.t, name, inProcess.in(string(read(s.t, inProcess.file(name)))), staged.in(string(read(s.t, staged.file(name)))))
		}
		if !strings.Contains(string(read(s.t, inProcess.file("depfile"))), "libmixed.a") {
			s.t.Error("no dependency of an archive")
		}
		inProcess, staged = s.sideOutputs("-Wl,--start-lib", "unused.o", "-Wl,--end-lib", "-L.", "-lthin", "-Wl,--dependency-file=OUT/depfile")
		wantSameText(s.t, "depfile", inProcess.in(string(read(s.t, inProcess.file("depfile")))), staged.in(string(read(s.t, staged.file("depfile")))))
	})
}

func wantSameText(t *testing.T, what, want, got string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: is\n%s\nin-process\n%s", what, got, want)
	}
}

// ltoObject is what LLD calls the objects of in-process LTO, "lto.tmp" before LLVM 17,
// and moduleName what a staged link should call them: what the user does.
var (
	ltoObject  = regexp.MustCompile(`lto\.tmp|\S+\.lto\.(\S+\(\S+ at \d+\)\.o|\S+?\.o)`)
	moduleName = regexp.MustCompile(`\b(main\.o|root\.o|libmixed\.a\((inlined|never)\.o\))`)
)

func (s *staging) wantSameReport(what, inProcess, staged string) {
	s.t.Helper()
	lines := func(text string) []string {
		return slices.Collect(strings.Lines(moduleName.ReplaceAllString(ltoObject.ReplaceAllString(text, "LTO"), "LTO")))
	}
	want, got := lines(inProcess), lines(staged)
	if lost, added := less(want, got), less(got, want); len(lost) > 0 || len(added) > 0 {
		s.t.Errorf("%s: of %d lines %q are lost, and %q added", what, len(want), lost, added)
	}
}

// TestStagedReports is about outputs that name the objects of LTO, or say where they
// lie. They have the same entries, and the user's names in them.
func TestStagedReports(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		inProcess, staged := s.sideOutputs("-Wl,-Map=OUT/map")
		s.wantSameReport("-Map", entries(string(read(s.t, inProcess.file("map")))), entries(string(read(s.t, staged.file("map")))))
		inProcess, staged = s.sideOutputs("-Wl,--print-map")
		s.wantSameReport("--print-map", entries(inProcess.said), entries(staged.said))
		inProcess, staged = s.sideOutputs("-Wl,--cref")
		s.wantSameReport("--cref", words(inProcess.said), words(staged.said))
		inProcess, staged = s.sideOutputs("-Wl,-Map=OUT/map", "-Wl,--cref")
		s.wantSameReport("-Map with --cref", entries(string(read(s.t, inProcess.file("map")))), entries(string(read(s.t, staged.file("map")))))
		inProcess, staged = s.sideOutputs("-Wl,--gc-sections", "-Wl,--print-gc-sections")
		s.wantSameReport("--print-gc-sections", inProcess.said, staged.said)
	})
}

var (
	mapLine   = regexp.MustCompile(`(?m)^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ {9,}(\S.*)$`)
	mapOffset = regexp.MustCompile(`\+0x[0-9a-f]+\)`)
)

// entries are a map's lines less addresses: the size of each input section and symbol.
// Of unwind tables, the first object has what all share.
func entries(text string) string {
	var all strings.Builder
	for _, m := range mapLine.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[2], ":(.eh_frame") {
			m[1] = "some"
		}
		all.WriteString(m[1] + " " + mapOffset.ReplaceAllString(m[2], ")") + "\n")
	}
	return all.String()
}

// words are the lines of a text with single spaces.
func words(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		all.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return all.String()
}

// TestStagedTalk is about what LLD prints as it goes: nothing of the stage, and of the
// symbols that it shall trace no line twice.
func TestStagedTalk(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		s.sideOutputs("-Wl,--verbose") // which files are opened is each link's affair
		for _, symbol := range []string{"native", "never"} {
			_, staged := s.mayStay("-Wl,-y," + symbol)
			for line := range strings.Lines(staged.said) {
				if strings.Count(staged.said, line) > 1 {
					s.t.Errorf("-y %s: %q twice", symbol, line)
				}
			}
		}
	})
}

// TestStagedTimeTrace wants one trace, that can be read, of a link that has a final
// part.
func TestStagedTimeTrace(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		name, options := "trace.json", []string{"-Wl,--time-trace=OUT/trace.json"}
		if s.llvm < 16 {
			name, options = "program.time-trace", []string{"-Wl,--time-trace"}
		}
		_, staged := s.sideOutputs(append(options, "-Wl,--time-trace-granularity=0")...)
		var trace struct {
			TraceEvents []struct{ Name string }
		}
		if err := json.Unmarshal(read(s.t, staged.file(name)), &trace); err != nil {
			s.t.Fatal(err)
		}
		if !slices.ContainsFunc(trace.TraceEvents, func(e struct{ Name string }) bool { return strings.Contains(e.Name, "Write output file") }) {
			s.t.Errorf("%d events, none of writing the program", len(trace.TraceEvents))
		}
	})
}

// TestStagedReproduce wants all in the archive that an in-process link puts into it:
// with it somebody links the program without dtlto. dtlto may leave it to LLD and say so.
func TestStagedReproduce(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		inProcess, staged := s.mayStay("-Wl,--reproduce=OUT/r.tar")
		list := func(p product) []string {
			return strings.Fields(llvmtest.Output(s.t, p.dir, "tar", "-tf", "r.tar"))
		}
		if lost := less(list(inProcess), list(staged)); len(lost) > 0 {
			s.t.Errorf("lacks %q", lost)
		}
		llvmtest.Run(s.t, staged.dir, "tar", "-xf", "r.tar")
		wantNoStage(s.t, "response.txt", string(read(s.t, staged.file("r/response.txt"))))
		for _, name := range []string{"main.o", "root.o", "libmixed.a"} {
			if digest(s.t, staged.file("r"+s.path(name))) != digest(s.t, s.path(name)) {
				s.t.Errorf("has another %s", name)
			}
		}
	})
}

// TestStagedWarnings makes links that warn, and some that fail: LLD says it once, in
// the words of an in-process link.
func TestStagedWarnings(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		s.bitcode(
			"gone.o", `int gone(void); int gone_too(void); __attribute__((constructor)) static void start(void) { gone(); gone_too(); }`,
			"nevertoo.o", `int never(void) { return 1; }`,
		)
		s.compileAll([]string{"-flto=thin", "-fcommon"}, []string{"common1.o", `int common;`, "common2.o", `char common[8];`})
		s.write("order", "no_such_symbol\nmain\n", "text.o", "no object\n")
		for _, args := range [][]string{
			{"-Wl,--warn-backrefs", "libmixed.a", "main.o", "root.o"},
			with(usual, "-Wl,-z,no-such-thing"),
			with(usual, "-Wl,--symbol-ordering-file=order"),
			with(usual, "gone.o", "-Wl,--warn-unresolved-symbols"),
			with(usual, "common1.o", "common2.o", "-Wl,--warn-common"),
			with(usual, "nevertoo.o", "-Wl,-z,muldefs"),
		} {
			inProcess, staged := s.same(append(args, "-o", "OUT/program")...)
			wantNoStage(s.t, "the link", staged.said)
			if strings.Contains(strings.Join(args, " "), "muldefs") == strings.Contains(inProcess.said, "warning") {
				s.t.Errorf("%q: in-process says %q", args, inProcess.said)
			}
		}
		for _, args := range [][]string{
			with(usual, "gone.o"),
			with(usual, "gone.o", "-Wl,--error-limit=1"),
			with(usual, "nevertoo.o"),
			with(usual, "-lno-such-library", "no-such-file.o"),
			with(usual, "text.o"),
			with(usual, "-Wl,--no-such-option"),
			with(usual, "-Wl,-z,no-such-thing,--fatal-warnings"),
			with(usual, "-Wl,--symbol-ordering-file=order,--fatal-warnings"),
			with(usual, "-Wl,--version-script=no-such-script"),
			with(usual, "-Wl,--defsym=new=nothing"),
		} {
			s.wantSameFailure(append(args, "-o", "OUT/program")...)
		}
	})
}

// wantSameFailure wants a link to fail in the words of the in-process one and to leave
// nothing.
func (s *staging) wantSameFailure(args ...string) {
	s.t.Helper()
	inProcess, err := s.try(plainLLD, args...)
	if err == nil {
		s.t.Fatalf("%q: in-process it succeeds", args)
	}
	staged, err := s.try(stagedLLD, args...)
	if err == nil {
		s.t.Errorf("%q succeeds", args)
	}
	// The summary was asked for, so there may be a line that there is none.
	staged.said = notDistributed.ReplaceAllString(staged.said, "")
	if got, want := staged.says(), inProcess.says(); got != want {
		s.t.Errorf("the link says\n%q\nin-process\n%q", got, want)
	}
	wantNoStage(s.t, "the link", staged.said)
	wantNames(s.t, staged.dir, names(s.t, inProcess.dir))
}

var notDistributed = regexp.MustCompile(`(?m)^ld\.dtlto: not distributed: .*\n`)
