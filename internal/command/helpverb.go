// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dtlto/dtlto/internal/settings"
)

// helpCommand is "dtlto help", which has to know what it is asked for.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say what a command does",
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, unknown, err := cmd.Root().Find(args)
			if err != nil || len(unknown) > 0 {
				return wrongUse(cmd, "%s: there is no such command (%s)", strings.Join(args, " "), meant(asked, args[len(args)-1]))
			}
			return asked.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			if of, unknown, err := cmd.Root().Find(args); err == nil && len(unknown) == 0 {
				for _, sub := range of.Commands() {
					if !sub.Hidden && sub.Name() != "help" {
						names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// help is the help of a command.
func help(cmd *cobra.Command, w io.Writer) error {
	if !cmd.HasParent() {
		return helpInGroups(cmd, w)
	}
	var b bytes.Buffer
	if cmd.Long != "" {
		b.WriteString(cmd.Long + "\n\n")
	} else {
		b.WriteString(cmd.Short + ".\n\n")
	}
	wrap(&b, "Usage:", cmd.CommandPath()+" "+Arguments(cmd), 7)
	if subs := cmd.Commands(); len(subs) > 0 {
		b.WriteString("\nCommands:\n")
		for _, sub := range subs {
			item(&b, sub.Name(), sub.Short, 14)
		}
		cmd = subs[0] // all have its options
	}
	options(&b, cmd)
	_, err := w.Write(b.Bytes())
	return err
}

// Arguments are what follows the name of a command.
func Arguments(cmd *cobra.Command) string {
	_, rest, _ := strings.Cut(cmd.Use, " ")
	own, shared := Flags(cmd)
	switch {
	case cmd.HasParent() && cmd.HasSubCommands():
		return "COMMAND"
	case strings.Contains(rest, "[OPTION]...") || len(own)+len(shared) == 0:
		return rest
	}
	return strings.TrimSpace("[OPTION]... " + rest)
}

// Flags are a command's own options and the settings that it has, as far as help shows
// them.
func Flags(cmd *cobra.Command) (own, shared []*pflag.Flag) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Hidden || f.Name == "help" || f.Name == "version":
		case IsSetting(f):
			shared = append(shared, f)
		default:
			own = append(own, f)
		}
	})
	return own, shared
}

// Missing are the settings of the distributor that a command with most of them has not;
// most is false of one that has few. An option of its own takes the place of a setting.
func Missing(cmd *cobra.Command) (names []string, most bool) {
	for i := range settings.All {
		if s := &settings.All[i]; !s.LinkOnly && cmd.LocalFlags().Lookup(s.Name) == nil {
			names = append(names, s.Name)
		}
	}
	_, shared := Flags(cmd)
	return names, len(names) < len(shared)
}

// options lists the options of a command. Of settings those that have most of them say
// only that.
func options(b *bytes.Buffer, cmd *cobra.Command) {
	own, shared := Flags(cmd)
	missing, most := Missing(cmd)
	if most {
		shared = nil
	}
	if len(own)+len(shared) > 0 {
		b.WriteString("\nOptions:\n")
	}
	for _, f := range slices.Concat(own, shared) {
		flagItem(b, f)
	}
	if most {
		b.WriteString("\n")
		first, rest, _ := strings.Cut(alsoSettings(len(own) > 0, missing), " ")
		wrap(b, first, rest, len(first)+1)
	}
}

func flagItem(b *bytes.Buffer, f *pflag.Flag) {
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	word, text := pflag.UnquoteUsage(f)
	if word != "" && f.NoOptDefVal == "" {
		name += "=" + word
	}
	item(b, name, text, 26)
}

func alsoSettings(own bool, missing []string) string {
	text := "Options are all settings"
	if own {
		text = "and all settings"
	}
	if len(missing) > 0 {
		text += " but for --" + strings.Join(missing, ", --")
	}
	return text + ": dtlto help settings"
}
