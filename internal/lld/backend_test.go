// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func command(line string) *Command {
	words := strings.Fields(line)
	return &Command{Words: words, Args: Parse(words), Whole: true}
}

// knownLLVM stands for asking the backend's Clang.
func knownLLVM(name string) (bool, error) { return strings.HasPrefix(name, "inline"), nil }

func TestReadBackend(t *testing.T) {
	for _, tc := range []struct {
		line   string
		args   string // of Clang, or
		why    string // the line is not translatable
		inputs []string
	}{
		{line: "-pie a.o"},
		{line: "-shared a.o"},
		{line: "a.o", args: "-fno-pic"},
		{line: "-pie --no-pie a.o", args: "-fno-pic"},
		{line: "-pie -plugin-opt=mcpu=znver4", args: "-Xclang -target-cpu -Xclang znver4"},
		{line: "-pie -plugin-opt=-mattr=+a,-b,c", args: "-Xclang -target-feature -Xclang +a -Xclang -target-feature -Xclang -b -Xclang -target-feature -Xclang +c"},
		{line: "-pie -plugin-opt=-function-sections=1 -plugin-opt=-data-sections=1 -plugin-opt=-debugger-tune=lldb", args: "-Xclang -debugger-tuning=lldb"},
		{line: "-pie -mllvm -inline-threshold=5 -mllvm -inline-threshold=5", args: "-mllvm -inline-threshold=5"},
		{line: "-pie -mllvm -inline-threshold=5 -mllvm -inline-threshold=6", why: "given twice"},
		{line: "-pie -mllvm -mcpu=a -plugin-opt=mcpu=b -plugin-opt=-mcpu=c", args: "-Xclang -target-cpu -Xclang a"},
		{line: "-pie -plugin-opt=-mattr=+a -mllvm -mattr=-a", args: "-Xclang -target-feature -Xclang +a -Xclang -target-feature -Xclang -a"},
		{line: "-pie -mllvm -inline-x -mllvm -code-model=large -mllvm -inline-y", args: "-mcmodel=large -mllvm -inline-x -mllvm -inline-y"},
		{line: "-pie -mllvm -no-such-option", why: "-mllvm -no-such-option is not an option of the backend compiler"},
		{line: "-pie -mllvm -emulated-tls -plugin-opt=-split-machine-functions", args: "-fsplit-machine-functions -femulated-tls"},
		{line: "-pie -mllvm -unique-section-names=false", args: "-fno-unique-section-names"},
		{line: "-pie -mllvm -unique-section-names=maybe", why: "has no Clang spelling"},
		{line: "-pie -mllvm -trap-func=f", why: "-mllvm -trap-func=f has no Clang spelling"},
		{line: "-pie -plugin-opt=-relocation-model=static", args: "-fno-pic"},
		{line: "-pie -plugin-opt=-relocation-model=ropi", why: "relocation-model"},
		{line: "-pie --lto-O2 --lto-O3"},
		{line: "-pie --lto-O0", why: "--lto-O0 (-O0 when linking) has LTO run other passes"},
		{line: "-pie -plugin-opt=O1", why: "--lto-O1"},
		{line: "-pie --lto-O3 --lto-CGO2", why: "--lto-CGO2"},
		{line: "-pie --lto-O1 --lto-CGO1", why: "--lto-O1"},
		{line: "-pie --lto-CGO3", why: "--lto-CGO3 differs"},
		{line: "-pie --lto-O3 --lto-CGO3"},
		{line: "-pie --lto-newpm-passes=foo", why: "--lto-newpm-passes=foo needs LTO in the linker"},
		{line: "-pie --opt-remarks-filename x.yaml", why: "--opt-remarks-filename x.yaml"},
		{line: "-pie -plugin-opt=dwo_dir=d", why: "-plugin-opt=dwo_dir=d"},
		{line: "-pie -plugin-opt=stats-file=f", why: "-plugin-opt=stats-file=f"},
		{line: "-pie --lto-emit-asm", why: "--lto-emit-asm"},
		{line: "-pie --lto-basic-block-sections=all", args: "-fbasic-block-sections=all"},
		{line: "-pie --lto-basic-block-sections=f.txt", args: "-fbasic-block-sections=list=f.txt", inputs: []string{"f.txt"}},
		{line: "-pie --lto-basic-block-address-map --lto-unique-basic-block-section-names", args: "-funique-basic-block-section-names -fbasic-block-address-map"},
		{line: "-pie -plugin-opt=cs-profile-path=p.profdata", args: "-fprofile-use=p.profdata", inputs: []string{"p.profdata"}},
		{line: "-pie --lto-cs-profile-generate --lto-cs-profile-file=p%m", args: "-Xclang -fprofile-instrument=csllvm -Xclang -fprofile-instrument-path=p%m"},
		{line: "-pie --lto-cs-profile-generate", why: "--lto-cs-profile-generate"},
		{line: "-pie --lto-sample-profile=x", args: "-fno-sample-profile-use-profi"},
		{line: "-r"},
		{line: "-r -plugin-opt=-relocation-model=static", args: "-fno-pic -fno-pic"},
		{line: "-pie -plugin-opt dwo_dir=d", why: "-plugin-opt dwo_dir=d"},
		{line: "-pie -mllvm -lto-embed-bitcode=optimized", why: "beside the bitcode"},
		{line: "-pie --lto-basic-block-sections=labels", why: "use --lto-basic-block-address-map"},
		{line: "-pie --no-lto-pgo-warn-mismatch -mllvm -no-pgo-warn-mismatch"},
		{line: "-pie --save-temps --thinlto-cache-dir=d --lto-whole-program-visibility --disable-verify"},
		{line: "-pie -mllvm -thinlto-cc1-arg=-x"},
	} {
		b, err := command(tc.line).ReadBackend(knownLLVM)
		var reason *Untranslatable
		switch {
		case tc.why != "":
			if !errors.As(err, &reason) || !strings.Contains(err.Error(), tc.why) {
				t.Errorf("%s: error %v, want %q", tc.line, err, tc.why)
			}
		case err != nil:
			t.Errorf("%s: %v", tc.line, err)
		default:
			if got := strings.Join(b.Args, " "); got != tc.args {
				t.Errorf("%s: %q, want %q", tc.line, got, tc.args)
			}
			if diff := cmp.Diff(tc.inputs, b.Inputs); diff != "" {
				t.Errorf("%s: inputs %s", tc.line, diff)
			}
		}
	}
}

func TestKnownFails(t *testing.T) {
	_, err := command("-pie -mllvm -x").ReadBackend(func(string) (bool, error) { return false, errors.New("no clang") })
	if err == nil || err.Error() != "-mllvm -x: no clang" {
		t.Errorf("error %v", err)
	}
}

func TestNative(t *testing.T) {
	d := Distributor{Path: "/b/dtlto", Args: []string{"distribute", "--jobs=2"}, Compiler: "/l/clang"}
	b := &Backend{Args: []string{"-fno-pic"}, Inputs: []string{"p"}}
	const ours = "--thinlto-distributor=/b/dtlto --thinlto-distributor-arg=distribute --thinlto-distributor-arg=--jobs=2 " +
		"--thinlto-distributor-arg=--input=p "
	const compiler = "--thinlto-remote-compiler=/l/clang --thinlto-remote-compiler-arg=-fno-pic "
	for _, tc := range []struct{ line, want string }{
		{"-o p a.o", ours + compiler + "-o p a.o"},
		{"a.o --dtlto-jobs=3 -o p", ours + compiler + "a.o -o p"},
		{"--thinlto-distributor=/d --thinlto-distributor-arg=x a.o", compiler + "--thinlto-distributor=/d --thinlto-distributor-arg=x a.o"},
		{"a.o --thinlto-remote-opt-tool=/c", ours + compiler + "a.o --thinlto-remote-compiler=/c"},
		{"a.o --thinlto-remote-opt-tool /c", ours + compiler + "a.o --thinlto-remote-compiler=/c"},
		{"-mllvm -thinlto-distributor-arg=v=1 a.o -mllvm=-thinlto-cc1-arg=-x", ours + compiler +
			"--thinlto-distributor-arg=v=1 a.o --thinlto-remote-compiler-arg=-Xclang --thinlto-remote-compiler-arg=-x"},
	} {
		c := command(tc.line)
		if got := strings.Join(c.Native(c.Words, d, b), " "); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.line, got, tc.want)
		}
	}
}

func TestPlain(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"-o p a.o", "-o p a.o"},
		{"--thinlto-distributor=/d --thinlto-distributor-arg x --thinlto-remote-compiler=/c --thinlto-remote-compiler-arg=y a.o --dtlto-lld=z", "a.o"},
		{"--thinlto-remote-opt-tool=/c a.o -mllvm -thinlto-cc1-arg=q -mllvm -x", "a.o -mllvm -x"},
	} {
		c := command(tc.line)
		if got := strings.Join(c.Plain(c.Words), " "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.line, got, tc.want)
		}
	}
}

// A response file that LLD refuses must reach it, whatever else is taken out.
func TestPlainOfUnreadable(t *testing.T) {
	c := command("a.o -o p")
	c.Whole = false
	argv := strings.Fields("--dtlto-lld=x @self.rsp --thinlto-distributor=d")
	if got := strings.Join(c.Plain(argv), " "); got != "@self.rsp" {
		t.Errorf("got %q", got)
	}
}

// A link that has none of dtlto's options keeps its response files.
func TestPlainKeepsArgv(t *testing.T) {
	argv := []string{"@r.rsp"}
	c := command("-o p a.o")
	if got := c.Plain(argv); len(got) != 1 || got[0] != "@r.rsp" {
		t.Errorf("Plain(%q) = %q", argv, got)
	}
	if got := c.Modern(argv); len(got) != 1 || got[0] != "@r.rsp" {
		t.Errorf("Modern(%q) = %q", argv, got)
	}
}
