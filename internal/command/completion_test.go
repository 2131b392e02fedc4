// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/settings"
)

// completions are what a shell is told for the words of a command line, the last of them
// under the cursor, and the directive.
func completions(t *testing.T, words ...string) (offered []string, directive string) {
	t.Helper()
	args := append([]string{cobra.ShellCompNoDescRequestCmd}, words...)
	root := rootCommand(settings.Default(), args, nil)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(new(bytes.Buffer))
	if err := root.Execute(); err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[:len(lines)-1], lines[len(lines)-1]
}

// Directives of cobra: 0 is the shell's own way (files), 4 nothing else, 8 files of
// these endings, 16 folders.
func TestCompletion(t *testing.T) {
	for _, test := range []struct{ words, want, directive string }{
		{"cache |", "clear prune stat verify", ":4"},
		{"completion |", "bash zsh fish", ":4"},
		{"completion bash |", "", ":4"},
		{"validate |", "json", ":8"},
		{"validate a.json |", "", ":4"},
		{"explain |", "", ":0"},
		{"explain prog |", "", ":4"},
		{"backend -- |", "", ":0"},
		{"depfile --format|", "--format", ":4"},
		{"depfile --format=|", "make ninja-dyndep json", ":4"},
		{"depfile a.imports b.|", "", ":0"},
		{"config --cache-dir |", "", ":16"},
		{"config --cache-dir=|", "", ":16"},
		{"config --progress |", "auto always never", ":4"},
		{"config --copy=|", "true false", ":4"},
		{"config --jobs |", "", ":4"},
		{"config --tls-certificate |", "", ":0"},
		{"config --credential-helper |", "", ":0"},
		{"help cache |", "clear prune stat verify", ":4"},
		{"help help |", "", ":4"},
		{"config --remote-cache-c|", "--remote-cache-compression", ":4"},
	} {
		words := strings.Fields(strings.TrimSuffix(test.words, "|"))
		if strings.HasSuffix(test.words, " |") {
			words = append(words, "")
		}
		offered, directive := completions(t, words...)
		if got := strings.Join(offered, " "); got != test.want || directive != test.directive {
			t.Errorf("%s: %q %s, want %q %s", test.words, got, directive, test.want, test.directive)
		}
	}
}

// A mistake in help's words would make files of what is none.
func TestEveryWordOfHelpIsKnown(t *testing.T) {
	known := map[string]bool{"N": true, "SIZE": true, "SECONDS": true, "ADDRESS": true, "NAME": true, "NAME=VALUE": true, "KEY=VALUE": true, "COMMAND": true, "MODE": true, "": true}
	for i := range settings.All {
		argument := settings.All[i].Argument
		if values, directive := completeWord(argument); !known[argument] && len(values) == 0 && directive == cobra.ShellCompDirectiveNoFileComp {
			t.Errorf("--%s=%s: nothing says how this is completed", settings.All[i].Name, argument)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		root := rootCommand(settings.Default(), []string{"completion", shell}, nil)
		var out bytes.Buffer
		root.SetOut(&out)
		if err := root.Execute(); err != nil || !strings.Contains(out.String(), "__complete") {
			t.Errorf("%s: %v, %d bytes", shell, err, out.Len())
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s: is not installed, its script is not read", shell)
			continue
		}
		cmd := exec.Command(path, "-n")
		cmd.Stdin = &out
		if message, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s -n: %v\n%s", shell, err, message)
		}
	}
}

func TestCompletionOfNoShell(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "ksh"}, {"completion", "bash", "zsh"}} {
		root := rootCommand(settings.Default(), args, nil)
		if err := root.Execute(); err == nil || !strings.HasPrefix(err.Error(), "completion: ") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// Shells show what an option does as it stands.
func TestDescriptions(t *testing.T) {
	out, _, err := execute(cobra.ShellCompRequestCmd, "report", "--output")
	if want := "--output\tthe FILE to write to; - for standard output\n"; err != nil || !strings.HasPrefix(out, want) {
		t.Errorf("%v, %q, want %q", err, out, want)
	}
}
