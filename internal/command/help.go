// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/settings"
)

const rootHelp = `dtlto compiles the backends of ThinLTO links in parallel, here or on a cluster,
and only those whose result is not known.

  clang -flto=thin -fuse-ld=dtlto ...     as the linker, with LLVM 13 and newer
  clang -flto=thin -fuse-ld=lld -fthinlto-distributor=/path/to/dtlto ...
                                          as LLD's distributor, with LLVM 22`

const rootEnd = `Each setting is also an option of the linker, -Wl,--dtlto-NAME=VALUE, a
variable, DTLTO_NAME with _ for -, and a line of a file; the command line counts
most.

Exit codes: 0 done, 1 a compile failed, 2 usage or an unusable job file,
3 infrastructure, 130 interrupted. ld.dtlto exits as ld.lld does.
`

const linkerHelp = `ld.dtlto is ld.lld with ThinLTO backends compiled by dtlto: use it with
clang -flto=thin -fuse-ld=dtlto. It takes every option of ld.lld (--help), and
these, through clang as -Wl,--dtlto-NAME=VALUE:
`

const settingsHelp = `Settings are flags of dtlto, --NAME=VALUE, options of the linker,
-Wl,--dtlto-NAME=VALUE, variables, DTLTO_NAME with _ for -, and lines of a file.
Switches that are on by default are turned off by --no-NAME. dtlto config says
what is set, and where.
`

// width is that of help, in columns.
const width = 80

// groups are the verbs in the order of what people do.
var groups = []cobra.Group{
	{ID: "links", Title: "Look at links:"},
	{ID: "setup", Title: "Set up:"},
	{ID: "builds", Title: "For build systems:"},
	{ID: "distributor", Title: "For linkers, and tests without a compiler:"},
}

// addVerbs adds the verbs of a group.
func addVerbs(root *cobra.Command, group string, verbs ...*cobra.Command) {
	for _, verb := range verbs {
		verb.GroupID = group
		root.AddCommand(verb)
	}
}

// helpInGroups is the help of the root command.
func helpInGroups(root *cobra.Command, w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\nUsage: %s\n       dtlto COMMAND\n", rootHelp, root.Use)
	for _, group := range groups {
		fmt.Fprintf(&b, "\n%s\n", group.Title)
		for _, verb := range root.Commands() {
			if verb.GroupID == group.ID {
				item(&b, verb.Name(), verb.Short, 14)
			}
		}
	}
	b.WriteString("\nSettings (all of them: dtlto help settings):\n")
	for i := range settings.All {
		if setting := &settings.All[i]; setting.Often && !setting.LinkOnly {
			settingItem(&b, "--", setting)
		}
	}
	b.WriteString("\n" + rootEnd)
	_, err := w.Write(b.Bytes())
	return err
}

// settingsInGroups are all settings, as flags with a prefix.
func settingsInGroups(b *bytes.Buffer, prefix string, linker bool) {
	heading := ""
	for i := range settings.All {
		setting := &settings.All[i]
		if setting.Group != "" {
			heading = setting.Group
		}
		if setting.LinkOnly && !linker {
			continue
		}
		if heading != "" {
			fmt.Fprintf(b, "\n%s:\n", heading)
			heading = ""
		}
		settingItem(b, prefix, setting)
	}
}

func settingItem(b *bytes.Buffer, prefix string, setting *settings.Setting) {
	name := prefix + setting.Name
	if setting.Argument != "" {
		name += "=" + setting.Argument
	}
	item(b, name, setting.Help, 26)
}

// item writes a name and, from a column on, what it is.
func item(b *bytes.Buffer, name, text string, column int) { wrap(b, "  "+name, text, column) }

// wrap writes a line and, from a column on, a text.
func wrap(b *bytes.Buffer, line, text string, column int) {
	if len(line) >= column {
		b.WriteString(line + "\n")
		line = ""
	}
	for word := range strings.FieldsSeq(text) {
		switch {
		case len(line) < column:
			line += strings.Repeat(" ", column-len(line)) + word
		case len(line)+1+len(word) > width:
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", column) + word
		default:
			line += " " + word
		}
	}
	b.WriteString(line + "\n")
}

// settingsTopic is "dtlto help settings".
func settingsTopic() *cobra.Command {
	topic := &cobra.Command{Use: "settings", Short: "All settings"}
	topic.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		var b bytes.Buffer
		b.WriteString(settingsHelp)
		settingsInGroups(&b, "--", true)
		_, _ = cmd.OutOrStdout().Write(b.Bytes())
	})
	return topic
}

// printLinkerHelp is what ld.dtlto has to say of its own options.
func printLinkerHelp(w io.Writer) {
	var b bytes.Buffer
	b.WriteString(linkerHelp)
	settingsInGroups(&b, "--dtlto-", true)
	_, _ = w.Write(b.Bytes())
}
