// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

func readFile(name string) ([]byte, error) { return os.ReadFile(name) }

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		line string
		want []Arg // First and Last left out
	}{
		{"a.o -o p b.o", []Arg{{Value: "a.o"}, {Name: "o", Value: "p"}, {Value: "b.o"}}},
		{"-op --output=q --output r", []Arg{{Name: "o", Value: "p"}, {Name: "o", Value: "q"}, {Name: "o", Value: "r"}}},
		{"-omagic --omagic", []Arg{{Name: "o", Value: "magic"}, {Name: "omagic"}}},
		{"-lfoo -l foo --library=foo -library foo", []Arg{{Name: "library", Value: "foo"}, {Name: "library", Value: "foo"},
			{Name: "library", Value: "foo"}, {Name: "library", Value: "foo"}}},
		{"-L. -L dir -z now -znow", []Arg{{Name: "library-path", Value: "."}, {Name: "library-path", Value: "dir"},
			{Name: "z", Value: "now"}, {Name: "z", Value: "now"}}},
		{"-r -relocatable --relocatable -rpath x -rpath=y", []Arg{{Name: "relocatable"}, {Name: "relocatable"},
			{Name: "relocatable"}, {Name: "rpath", Value: "x"}, {Name: "rpath", Value: "y"}}},
		{"-m elf_x86_64 -melf_x86_64 -mllvm -foo -mllvm=-bar", []Arg{{Name: "m", Value: "elf_x86_64"},
			{Name: "m", Value: "elf_x86_64"}, {Name: "mllvm", Value: "-foo"}, {Name: "mllvm", Value: "-bar"}}},
		{"-plugin-opt=O3 --plugin-opt=jobs=4 -plugin-opt=mcpu=x86-64 -plugin-opt=-fast", []Arg{{Name: "lto-O", Value: "3"},
			{Name: "thinlto-jobs", Value: "4"}, {Name: "mcpu", Value: "x86-64"}, {Name: "mllvm", Value: "-fast"}}},
		{"-plugin-opt=thinlto -plugin-opt=-pass-through=-lgcc -plugin /x/liblto_plugin.so", []Arg{{Name: "thinlto"},
			{Name: "plugin-opt", Value: "-pass-through=-lgcc"}, {Name: "plugin", Value: "/x/liblto_plugin.so"}}},
		{"--lto-O3 --lto-CGO2 --thinlto-cache-dir=c", []Arg{{Name: "lto-O", Value: "3"}, {Name: "lto-CGO", Value: "2"},
			{Name: "thinlto-cache-dir", Value: "c"}}},
		{"-thinlto-jobs=4", []Arg{{Name: "thinlto-jobs=4"}}}, // one dash: LLD does not know it either
		{"--threads 4 --threads=4 -threads=4", []Arg{{Name: "threads", Value: "4"}, {Name: "threads", Value: "4"},
			{Name: "trace", Value: ""}}[:2]},
		{"--unknown x.o -", []Arg{{Name: "unknown"}, {Value: "x.o"}, {Value: "-"}}},
		{"--thinlto-remote-opt-tool=/c -mllvm -thinlto-cc1-arg=-x", []Arg{{Name: "thinlto-remote-compiler", Value: "/c"},
			{Name: "mllvm", Value: "-thinlto-cc1-arg=-x"}}},
		{"--dtlto-jobs=3 -o", []Arg{{Name: "dtlto-jobs=3"}, {Name: "o"}}},
		{"-T script.ld -Ttext 0 -Ttext=0 --script=s", []Arg{{Name: "script", Value: "script.ld"}, {Name: "Ttext", Value: "0"},
			{Name: "Ttext", Value: "0"}, {Name: "script", Value: "s"}}},
		{"--build-id --build-id=sha1 --lto=full --save-temps --save-temps=prelink", []Arg{{Name: "build-id"},
			{Name: "build-id", Value: "sha1"}, {Name: "lto", Value: "full"}, {Name: "save-temps"},
			{Name: "save-temps", Value: "prelink"}}},
		{"-( a.a -) -y sym -ysym -u f", []Arg{{Name: "start-group"}, {Value: "a.a"}, {Name: "end-group"},
			{Name: "trace-symbol", Value: "sym"}, {Name: "trace-symbol", Value: "sym"}, {Name: "undefined", Value: "f"}}},
		{"-plugin-opt O3 --plugin-opt mcpu=x -plugin-opt -y a.o -plugin-opt", []Arg{{Name: "lto-O", Value: "3"}, {Name: "mcpu", Value: "x"},
			{Name: "mllvm", Value: "-y"}, {Value: "a.o"}, {Name: "plugin-opt"}}},
	} {
		words := strings.Fields(tc.line)
		if strings.HasSuffix(tc.line, "-threads=4") {
			words = words[:3]
		}
		got := Parse(words)
		for i := range got {
			got[i].First, got[i].Last = 0, 0
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s:\n%s", tc.line, diff)
		}
	}
}

// Every option that an LLD on the machine shows must be read as it reads it:
// an unknown one with a value would turn the value into an input.
func TestOptionsOfEveryLLD(t *testing.T) {
	columns := regexp.MustCompile(`\s{2,}`)
	for _, version := range llvmtest.Versions {
		help := llvmtest.Run(t, t.TempDir(), "ld.lld-"+version, "--help")
		seen := 0
		for line := range strings.SplitSeq(help, "\n") {
			if spec, ok := strings.CutPrefix(line, "  -"); ok {
				seen++
				checkHelpOption(t, version, "-"+columns.Split(spec, 2)[0])
			}
		}
		if seen < 150 {
			t.Errorf("LLD %s: only %d options read from its help", version, seen)
		}
	}
}

// checkHelpOption takes an option as help shows it: --name, --name=<value>,
// -n <value>, --name<value>.
func checkHelpOption(t *testing.T, version, spec string) {
	t.Helper()
	words, wantValue := []string{spec, "next.o"}, ""
	name, _, equals := strings.Cut(spec, "=")
	word, rest, separate := strings.Cut(spec, " ")
	if separate && !strings.HasPrefix(rest, "<") { // a long name: one blank, then what it does
		spec, separate = word, false
		words = []string{spec, "next.o"}
		name, _, equals = strings.Cut(spec, "=")
	}
	start := strings.IndexByte(spec, '<')
	switch {
	case isFlag(strings.TrimLeft(spec, "-")): // --icf=all
	case equals && !separate:
		words, wantValue = []string{name + "=VALUE", "next.o"}, "VALUE"
	case separate:
		words, wantValue = []string{word, "VALUE", "next.o"}, "VALUE"
	case start > 0:
		words, wantValue = []string{spec[:start] + "VALUE", "next.o"}, "VALUE"
	}
	args := Parse(words)
	asWritten := strings.TrimLeft(words[0], "-")
	unknown := args[0].Name == asWritten && !isFlag(asWritten) && !separate
	if unknown || len(args) != 2 || args[0].Value != wantValue && !strings.HasPrefix(asWritten, "plugin-opt=") {
		t.Errorf("LLD %s has %q; read as %+v", version, spec, args)
	}
}

func isFlag(name string) bool {
	opt, ok := options()[name]
	return ok && opt.form != joined
}
