// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/thinlto"
)

const completionHelp = `completion prints a script that makes a shell complete commands, options and
what can follow them. The packages install it. Without a package:

  bash  dtlto completion bash > ~/.local/share/bash-completion/completions/dtlto
  zsh   dtlto completion zsh > "${fpath[1]}/_dtlto"
  fish  dtlto completion fish > ~/.config/fish/completions/dtlto.fish

Bash needs its package bash-completion, zsh a compinit in .zshrc.`

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print what a shell needs to complete this program's options",
		Long:  completionHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &driver.UsageError{Err: fmt.Errorf("completion: needs one of bash, zsh, fish")}
			}
			return writeCompletion(cmd.Root(), args[0], cmd.OutOrStdout())
		},
	}
}

func writeCompletion(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	}
	return &driver.UsageError{Err: fmt.Errorf("completion: %s: is none of bash, zsh, fish", shell)}
}

// completeValues says what can follow the options and commands, if it is a shell's script
// that asks: other runs need not pay for it. What follows is known by the word that
// stands for it in help, so that there is no second list.
func completeValues(root *cobra.Command, args []string) {
	if len(args) == 0 || !strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return
	}
	root.ValidArgsFunction = cobra.NoFileCompletions // job files are the linker's to name
	for _, cmd := range root.Commands() {
		completeCommand(cmd)
	}
	completeFlags(root)
}

func completeCommand(cmd *cobra.Command) {
	use := strings.Fields(strings.ReplaceAll(cmd.Use, "[OPTION]...", ""))[1:]
	cmd.ValidArgsFunction = func(_ *cobra.Command, before []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return completeWord(wordAt(use, len(before)))
	}
	completeFlags(cmd)
	for _, sub := range cmd.Commands() {
		completeCommand(sub)
	}
}

// wordAt is what help calls the n-th argument: a FILE where it says that there may be
// any number or that a command follows, nothing where it has no more.
func wordAt(use []string, n int) string {
	for i, word := range use {
		if word == "--" || strings.HasSuffix(word, "...") {
			return "FILE"
		}
		if i == n {
			return strings.Trim(word, "[]")
		}
	}
	return ""
}

func completeFlags(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		word, text := pflag.UnquoteUsage(f)
		f.Usage = text // shells show it as it stands
		if f.NoOptDefVal != "" {
			word = "true|false"
		}
		values, directive := completeWord(word)
		_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(values, directive)) // of a flag that is there
	})
}

// completeWord is what the shell offers for a word of help: files only where one is
// meant, instead of the shell's own guess, which is files everywhere.
func completeWord(word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch word {
	case "FILE", "PATH", "[SCOPE=]PATH", "OUTPUT", "LINK", "CLANG":
		return nil, cobra.ShellCompDirectiveDefault
	case "JOBS.json":
		return []cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt
	case "DIR":
		return nil, cobra.ShellCompDirectiveFilterDirs
	case "FORMAT":
		var formats []cobra.Completion
		for _, format := range thinlto.Fragments {
			formats = append(formats, string(format))
		}
		return formats, cobra.ShellCompDirectiveNoFileComp
	case "WHEN":
		word = "auto|always|never"
	}
	if !strings.Contains(word, "|") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return strings.Split(word, "|"), cobra.ShellCompDirectiveNoFileComp
}
