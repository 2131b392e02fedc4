// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// On LLVM 22, a staged link's words must be those that LLD gives the distributor
// of a native link, in that order.
func TestStagedWordsAreNative(t *testing.T) {
	folder := t.TempDir()
	llvmtest.Write(t, folder, "m.c", "int entry(int n) { return n; }\n", "sample.txt", "entry:1:1\n 0: 1\n",
		"distribute", "#!/bin/sh\nfor last; do :; done\ncp \"$last\" \"$1\"\nexit 1\n")
	if err := os.Chmod(filepath.Join(folder, "distribute"), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	llvmtest.Run(t, folder, "clang-22", "-c", "-O2", "-flto=thin", "m.c")
	for i, line := range []string{
		"", "-shared", "-pie", "-pie --no-pie", "-r", "-r -mllvm -relocation-model=pic",
		"-pie --lto-O3", "-pie -plugin-opt=O3", "-plugin-opt O3 -O1",
		"-pie --lto-sample-profile=sample.txt", "--no-lto-pgo-warn-mismatch",
		"-shared --lto-sample-profile=sample.txt --no-lto-pgo-warn-mismatch -mllvm -no-pgo-warn-mismatch",
		"--no-lto-pgo-warn-mismatch --lto-pgo-warn-mismatch", "-pie -mllvm -inline-threshold=7 -plugin-opt=-inlinecold-threshold=9",
		"-plugin-opt=-relocation-model=pic", "-pie -plugin-opt=-relocation-model=static",
		"-pie -plugin-opt=mcpu=skylake -mllvm -mattr=+avx2 --lto-basic-block-sections=all",
		"-pie --lto-cs-profile-generate --lto-cs-profile-file=p",
		"-pie --thinlto-remote-compiler-arg=-Wx --thinlto-remote-compiler-prepend-arg=-Wy --thinlto-remote-compiler-arg=-Wz",
		"-pie -mllvm -thinlto-cc1-arg=-w --thinlto-remote-opt-tool-arg=-Wx",
	} {
		c := command(line + " m.o -e entry")
		native, err := c.ReadBackend(knownLLVM)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		staged, err := c.StagedBackend(22, knownLLVM)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		jobs := filepath.Join(folder, "jobs"+string(rune('a'+i)))
		argv := c.Native(c.Words, Distributor{Path: "./distribute", Args: []string{jobs}, Compiler: "/usr/bin/clang-22"}, native)
		_, _ = llvmtest.TryRun(t, folder, "ld.lld-22", argv...)
		var file struct {
			Common struct{ Args, Inputs []string }
		}
		if err := json.Unmarshal(read(t, jobs), &file); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got := append([]string{"/usr/bin/clang-22"}, staged.Words("x86_64-pc-linux-gnu")...)
		if diff := cmp.Diff(file.Common.Args, got); diff != "" {
			t.Errorf("%s: staged words are not native (-):\n%s", line, diff)
		}
		if !slices.Equal(file.Common.Inputs, staged.Inputs) {
			t.Errorf("%s: inputs %q, native %q", line, staged.Inputs, file.Common.Inputs)
		}
		if native.OwnRelocation != staged.OwnRelocation || native.OwnRelocation != (line == "-r") {
			t.Errorf("%s: the relocation model is each module's: %v native, %v staged", line, native.OwnRelocation, staged.OwnRelocation)
		}
	}
}

func TestStagedBackendRefuses(t *testing.T) {
	for _, tc := range []struct {
		line  string
		major int
		why   string // none: it is translated
	}{
		{line: "--save-temps", why: "keeps what LTO in the linker makes"},
		{line: "--save-temps=prelink", why: "keeps"},
		{line: "-plugin-opt=save-temps", why: "keeps"},
		{line: "--lto-obj-path=o", why: "needs LTO in the linker"},
		{line: "-plugin-opt=obj-path=o", why: "needs LTO in the linker"},
		{line: "-plugin-opt=emit-asm", why: "needs LTO in the linker"},
		{line: "-plugin-opt=emit-llvm", why: "needs LTO in the linker"},
		{line: "-plugin-opt=legacy-pass-manager", why: "needs LTO in the linker"},
		{line: "--no-lto-new-pass-manager", why: "needs LTO in the linker"},
		{line: "-plugin-opt=no-opaque-pointers", why: "clang's backend"},
		{line: "--thinlto-prefix-replace=a;b", why: "is about index files"},
		{line: "-plugin-opt=thinlto-object-suffix-replace=a;b"},
		{line: "--thinlto-emit-imports-files", why: "needs LTO in the linker"},
		{line: "--thinlto-single-module=m.o", why: "needs LTO in the linker"},
		{line: "--reproduce=r.tar", why: "--reproduce=r.tar packs one link up, and dtlto does two"},
		{line: "-mllvm -opt-bisect-limit=3", why: "counts over all modules"},
		{line: "-plugin-opt -debug-counter=x=1", why: "-mllvm -debug-counter=x=1 counts over all modules"},
		{line: "-plugin-opt dwo_dir=d", why: "-plugin-opt dwo_dir=d needs LTO in the linker"},
		{line: "--thinlto-cache-dir=d --thinlto-cache-policy=x --time-trace --thinlto-jobs=3 --lto-partitions=2"},
		{line: "--lto-basic-block-address-map", major: 16, why: "before LLVM 19"},
		{line: "--lto-basic-block-sections=labels", major: 16},
		{line: "--lto-basic-block-sections=labels", major: 19},
		{line: "--lto-basic-block-sections=labels", major: 22, why: "use --lto-basic-block-address-map"},
		{line: "-plugin-opt=-large-data-threshold=1", major: 16, why: "before LLVM 19"},
		{line: "-plugin-opt=-align-loops=4", major: 13, why: "before LLVM 14"},
		{line: "--lto-sample-profile=p", major: 19},
		{line: "--lto-sample-profile=p", major: 21, why: "was not tried with clang 21"},
		{line: "--lto-sample-profile=p", major: 22},
	} {
		c := command(tc.line)
		if tc.major == 0 {
			tc.major = 19
		}
		_, err := c.StagedBackend(tc.major, knownLLVM)
		reason := (*Untranslatable)(nil)
		if tc.why == "" && err != nil || tc.why != "" && (!errors.As(err, &reason) || !strings.Contains(err.Error(), tc.why)) {
			t.Errorf("%s, LLVM %d: error %v, want %q", tc.line, tc.major, err, tc.why)
		}
	}
}

func TestForWhichLink(t *testing.T) {
	const line = "-o p a.o --lto-O3 -plugin-opt=mcpu=x -mllvm -y --fat-lto-objects --time-trace -plugin-opt=time-trace=t --thinlto-cache-dir=c " +
		"--thinlto-distributor=d --thinlto-distributor-arg e -mllvm -thinlto-cc1-arg=f --thinlto-remote-opt-tool=g --dtlto-jobs=3 " +
		"-plugin-opt=-pass-through=-lgcc -plugin x.so --lto-basic-block-sections=labels --gc-sections --threads=2"
	c := command(line)
	for _, tc := range []struct {
		link string
		for_ func(Arg) bool
		want string
	}{
		{"thin", c.ForThinLink, "-o p a.o --lto-O3 -plugin-opt=mcpu=x -mllvm -y --fat-lto-objects -plugin-opt=-pass-through=-lgcc -plugin x.so " +
			"--lto-basic-block-sections=labels --gc-sections --threads=2"},
		{"final", c.ForFinalLink, "-o p a.o --fat-lto-objects --time-trace -plugin-opt=time-trace=t -plugin-opt=-pass-through=-lgcc -plugin x.so " +
			"--gc-sections --threads=2"},
	} {
		if got := strings.Join(c.Without(func(a Arg) bool { return !tc.for_(a) }), " "); got != tc.want {
			t.Errorf("%s link:\n got %s\nwant %s", tc.link, got, tc.want)
		}
	}
}

// Every option that has to do with LTO, of every LLD on the machine, must be in
// the table: those that its help shows, and those without help, which are found
// as words in the program and tried.
func TestLTOOptionsOfEveryLLD(t *testing.T) {
	programs := installedLLDs(t)
	for _, version := range llvmtest.Versions {
		if !slices.Contains(programs, "ld.lld-"+version) {
			t.Errorf("ld.lld-%s is not among %v", version, programs)
		}
	}
	for _, program := range programs {
		shown, hidden := helpOptions(t, program), hiddenOptions(t, program)
		if len(shown) < 45 || len(hidden) < 3 {
			t.Errorf("%s: only %d LTO options in its help and %d in itself", program, len(shown), len(hidden))
		}
		for _, spec := range slices.Concat(shown, hidden) {
			if !inTable(spec) {
				t.Errorf("%s has %s, which is in no table", program, spec)
			}
		}
	}
}

func installedLLDs(t *testing.T) []string {
	t.Helper()
	var programs []string
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		found, err := filepath.Glob(filepath.Join(folder, "ld.lld-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			programs = append(programs, filepath.Base(path))
		}
	}
	slices.Sort(programs)
	return slices.Compact(programs)
}

// ltoWords are the words by which an option's name or help shows that it has to
// do with LTO.
var ltoWords = regexp.MustCompile(`(?i)\blto|thinlto|[- ]lto\b|opt-remarks|plugin|cs-profile|basic.block|mllvm|save-temps|disable-verify|` +
	`time-trace|pseudo-probe|pass-manager|llvm('s)? option|llvmgold|bitcode|--reproduce`)

// helpOptions are the specs, such as --lto-O<opt-level>, of what help shows.
// --optimize-bb-jumps is the linker's own, on native sections.
func helpOptions(t *testing.T, program string) []string {
	t.Helper()
	var specs []string
	for line := range strings.SplitSeq(llvmtest.Run(t, t.TempDir(), program, "--help"), "\n") {
		if strings.HasPrefix(line, "  -") && !strings.Contains(line, "optimize-bb-jumps") && ltoWords.MatchString(line) {
			spec, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			specs = append(specs, spec)
		}
	}
	return specs
}

// hiddenOptions are words in a linker's program that could be LTO options, less
// those that its ELF linker does not know: LLD is several linkers.
func hiddenOptions(t *testing.T, program string) []string {
	t.Helper()
	path, err := filepath.EvalSymlinks(llvmtest.Tool(t, program))
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`--(?:no-)?(?:lto|thinlto|plugin-opt=|opt-remarks|save-temps|fat-lto|disable-verify|load-pass|cs-profile|pgo-)[\w-]*=?\x00`)
	var specs, argv []string
	for _, found := range word.FindAll(read(t, path), -1) {
		spec := string(found[:len(found)-1])
		specs = append(specs, spec)
		argv = append(argv, sample(spec))
	}
	out, err := llvmtest.TryRun(t, t.TempDir(), program, append(argv, "--error-limit=0")...)
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		t.Fatalf("%s: %v", program, err)
	}
	return slices.DeleteFunc(specs, func(spec string) bool {
		return strings.Contains(out, "unknown argument '"+sample(spec)+"'") || strings.Contains(out, "unknown plugin option '"+
			strings.TrimPrefix(sample(spec), "--plugin-opt=")+"'")
	})
}

// sample is a use of an option that is given as --name=, --name<value> or
// --name=<value>.
func sample(spec string) string {
	if start := strings.IndexAny(spec, "<["); start >= 0 {
		spec = spec[:start]
	}
	if strings.HasSuffix(spec, "=") {
		spec += "1"
	}
	return spec
}

// inTable says whether ltoTable has an option, or the parser knows that it is none.
func inTable(spec string) bool {
	arg := Parse([]string{sample(spec), "value"})[0]
	return ltoOptions()[arg.Name].staged != none
}

// What the table says of an option must be about one that there is.
func TestTableNamesOptions(t *testing.T) {
	for name := range ltoOptions() {
		_, isFlag := options()[name]
		_, isJoined := options()[name+"="]
		plugin := name == "mcpu" || name == "dwo-dir" || name == "stats-file" || name == "thinlto" || name == "plugin-opt" ||
			name == "lto-new-pass-manager" || name == "no-lto-opaque-pointers"
		if !isFlag && !isJoined && !plugin && !slices.Contains(joinedNames, name) {
			t.Errorf("%s is no option", name)
		}
	}
}
