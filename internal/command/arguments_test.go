// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
)

// execute runs a command line and returns what it prints, and its error.
func execute(args ...string) (out, messages string, err error) {
	root := rootCommand(settings.Default(), args, nil)
	var o, e bytes.Buffer
	root.SetOut(&o)
	root.SetErr(&e)
	err = root.Execute()
	return o.String(), e.String(), err
}

func TestWrongUse(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"main.o": "BC\xc0\xde", "jobs": " {", "empty": "", "file": "text"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"":                        "needs a command or a job file",
		"--summary":               "needs one job file, the last argument; got 0 (see dtlto --help)",
		"explian":                 "explian: neither a job file nor a command (did you mean explain?)",
		"explian program":         "explian: neither a job file nor a command (did you mean explain?)",
		"--jobs=2 explian ./a b":  "explian: neither a job file nor a command (did you mean explain?)",
		"something":               "something: neither a job file nor a command (see dtlto --help)",
		"file file":               "needs one job file, the last argument; got 2 (see dtlto --help)",
		"./a b":                   "needs one job file, the last argument; got 2 (see dtlto --help)",
		"main.o":                  "main.o: no job file (dtlto inspect says what it is)",
		"distribute file":         "distribute: file: no job file (dtlto inspect says what it is)",
		"cache":                   "cache: needs one of stat, prune, clear, verify",
		"cache stats":             "cache: stats: is none of stat, prune, clear, verify (did you mean stat?)",
		"cache stat x":            "cache stat: takes no arguments, got x (see dtlto cache stat --help)",
		"explain a b c":           "explain: takes at most 2 arguments, got 3 (see dtlto explain --help)",
		"doctor a b":              "doctor: takes at most one argument, got 2 (see dtlto doctor --help)",
		"help foo":                "help: foo: there is no such command (see dtlto --help)",
		"help explian":            "help: explian: there is no such command (did you mean explain?)",
		"help cache stats":        "help: cache stats: there is no such command (did you mean stat?)",
		"--jbos=3 x.json":         "--jbos: unknown option (did you mean --jobs?)",
		"--remote-heder=Secret x": "--remote-heder: unknown option (did you mean --remote-header?)",
		"--dtlto-jobs=3 x.json":   "--dtlto-jobs: unknown option (did you mean --jobs?)",
		"--no-remote-accept-cach": "--no-remote-accept-cach: unknown option (did you mean --no-remote-accept-cached?)",
		"backend --jbos -- clang": "backend: --jbos: unknown option (did you mean --jobs?)",
		"explain --zzz":           "explain: --zzz: unknown option (see dtlto explain --help)",
		"--mode=staged x.json":    "--mode: is the linker's: -Wl,--dtlto-mode=MODE",
		"config --dtlto-lld=x":    "config: --dtlto-lld: is the linker's: -Wl,--dtlto-lld=PATH",
		"-x":                      "-x: unknown option (see dtlto --help)",
		"report -o":               "report: --output: needs a value, as in --output=FILE",
		"--jobs":                  "--jobs: needs a value, as in --jobs=N",
		"explain --json=perhaps":  "explain: --json=perhaps: must be true or false",
		"-o program main.o":       "these are a linker's arguments: call this program as ld.dtlto",
	} {
		_, _, err := execute(strings.Fields(line)...)
		if err == nil || err.Error() != want || driver.ExitCode(err) != driver.ExitUsage {
			t.Errorf("dtlto %s: %v (%d), want %s", line, err, driver.ExitCode(err), want)
		}
	}
}

// What may be a job file is read as one.
func TestNothingElse(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"jobs": " \n{", "empty": "", "main.json": "BC"} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if isSomethingElse(file) {
			t.Errorf("%s: is taken for something else", name)
		}
	}
	for _, name := range []string{folder, filepath.Join(folder, "none"), os.DevNull} {
		if isSomethingElse(name) {
			t.Errorf("%s: is taken for a file", name)
		}
	}
}

func TestHelpWithoutArguments(t *testing.T) {
	out, messages, err := execute()
	if out != "" || !strings.HasPrefix(messages, "dtlto compiles") || err == nil {
		t.Errorf("%q on standard output, %q and %v beside it", out, messages, err)
	}
}
