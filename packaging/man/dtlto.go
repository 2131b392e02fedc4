// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dtlto/dtlto/internal/command"
)

// exitCodes begins the paragraph of help that has a section of its own in the manual.
const exitCodes = "Exit codes: "

// dtltoPage is dtlto(1): what dtlto --help and the help of its commands say.
func dtltoPage(m *command.Manual, date string) string {
	p := begin([]string{"dtlto", "dtlto-remote"}, "compile the backends of ThinLTO links in parallel, or not again", date)
	p.heading("SYNOPSIS")
	synopsis(p, m.Root)
	p.heading("DESCRIPTION")
	p.prose(m.About)
	p.heading("COMMANDS")
	for _, cmd := range commands(m.Root) {
		commandSection(p, cmd)
	}
	p.heading("OPTIONS")
	p.prose(m.Settings)
	settingSections(p, "", ofTheDistributor)
	environment(p)
	files(p)
	p.heading("EXIT STATUS")
	_, exit, _ := strings.Cut(m.End, exitCodes)
	p.prose(exit)
	dtltoExamples(p)
	p.heading("SEE ALSO")
	p.macro("Xr", "clang", "1", ",")
	p.macro("Xr", "ld.dtlto", "1")
	return p.String()
}

// begin is a page of programs, named by the first.
func begin(names []string, what, date string) *page {
	p := new(page)
	p.WriteString(`.\" Made by packaging/man from the help of the commands and the table of settings.` + "\n")
	p.macro("Dd", date)
	p.macro("Dt", strings.ToUpper(names[0]), "1")
	p.macro("Os", "dtlto")
	p.heading("NAME")
	for _, name := range names[:len(names)-1] {
		p.macro("Nm", argument(name), ",")
	}
	p.macro("Nm", argument(names[len(names)-1]))
	p.macro("Nd", what)
	return p
}

// commands are those that help shows, in the order of their groups.
func commands(of *cobra.Command) []*cobra.Command {
	shown := slices.DeleteFunc(slices.Clone(of.Commands()), func(cmd *cobra.Command) bool { return !cmd.IsAvailableCommand() })
	group := func(cmd *cobra.Command) int {
		return slices.IndexFunc(of.Groups(), func(g *cobra.Group) bool { return g.ID == cmd.GroupID })
	}
	slices.SortStableFunc(shown, func(a, b *cobra.Command) int { return group(a) - group(b) })
	return shown
}

func synopsis(p *page, root *cobra.Command) {
	p.macro("Nm", argument(root.Name()))
	p.macro(usageWords(command.Arguments(root))...)
	for _, cmd := range commands(root) {
		if subs := commands(cmd); len(subs) > 0 {
			for _, sub := range subs {
				usageLine(p, sub)
			}
			continue
		}
		usageLine(p, cmd)
	}
}

func usageLine(p *page, cmd *cobra.Command) {
	p.macro("Nm", argument(cmd.Root().Name()))
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	p.macro(append([]string{"Cm", argument(path)}, usageWords(command.Arguments(cmd))...)...)
}

// commandSection says what a command does, and which options it has.
func commandSection(p *page, cmd *cobra.Command) {
	p.macro("Ss", argument(cmd.Name()))
	p.fill(cmd.Short + ".")
	if cmd.Long != "" {
		p.macro("Pp")
		p.prose(cmd.Long)
	}
	if subs := commands(cmd); len(subs) > 0 {
		p.beginList()
		for _, sub := range subs {
			p.item("Cm", argument(cmd.Name()+" "+sub.Name()))
			p.fill(sub.Short + ".")
		}
		p.endList()
		cmd = subs[0] // theirs are the same
	}
	ownFlags(p, cmd)
	sharedFlags(p, cmd)
}

// ownFlags are the options of a command that are no settings.
func ownFlags(p *page, cmd *cobra.Command) {
	flags, _ := command.Flags(cmd)
	if len(flags) == 0 {
		return
	}
	p.beginList()
	for _, f := range flags {
		value, usage := pflag.UnquoteUsage(f)
		words := option(f.Name, value)
		if f.Shorthand != "" {
			words = append([]string{"Fl", argument(f.Shorthand), ","}, words...)
		}
		p.item(words...)
		p.fill(sentence(usage))
	}
	p.endList()
}

// sharedFlags names the settings that a command has as options.
func sharedFlags(p *page, cmd *cobra.Command) {
	_, flags := command.Flags(cmd)
	if len(flags) == 0 {
		return
	}
	p.macro("Pp")
	switch missing, most := command.Missing(cmd); {
	case most && len(missing) == 0:
		p.fill("It has all options below.")
	case most:
		p.fill("It has all options below but for")
		optionList(p, missing)
	default:
		p.fill("Of the options below it has")
		var names []string
		for _, f := range flags {
			names = append(names, f.Name)
		}
		optionList(p, names)
	}
}

// optionList ends a sentence.
func optionList(p *page, names []string) {
	for i, name := range names {
		end := ","
		if i == len(names)-1 {
			end = "."
		}
		p.macro(append(option(name, ""), end)...)
	}
}

func dtltoExamples(p *page) {
	p.heading("EXAMPLES")
	p.prose(`Link, see what was done, and why again:

  clang -O2 -flto=thin -c a.c b.c
  clang -flto=thin -fuse-ld=dtlto a.o b.o -o program -Wl,--dtlto-summary
  dtlto explain program

Try a cluster before a link does:

  export DTLTO_REMOTE_EXECUTOR=grpcs://cluster.example:443
  dtlto doctor

What is set, and where:

  dtlto config`)
}
