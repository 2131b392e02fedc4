// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
)

// oneJobFile checks the arguments of what reads a job file. Of the program itself a
// mistyped command would be looked for as one.
func oneJobFile(cmd *cobra.Command, args []string) error {
	switch {
	case !cmd.HasParent() && len(args) == 0 && cmd.Flags().NFlag() == 0:
		_ = helpInGroups(cmd, cmd.ErrOrStderr())
		return wrongUse(cmd, "needs a command or a job file")
	case !cmd.HasParent() && len(args) > 0 && isWord(args[0]):
		return wrongUse(cmd, "%s: neither a job file nor a command (%s)", args[0], meant(cmd, args[0]))
	case len(args) != 1:
		return wrongUse(cmd, "needs one job file, the last argument; got %d (see %s --help)", len(args), cmd.CommandPath())
	case isSomethingElse(args[0]):
		return wrongUse(cmd, "%s: no job file (dtlto inspect says what it is)", args[0])
	}
	return nil
}

// isWord says that an argument names no file: there is none, and it does not look like one.
func isWord(arg string) bool {
	_, err := os.Stat(arg)
	return err != nil && !strings.ContainsAny(arg, `./\`)
}

// isSomethingElse says that a file cannot be a job file. Those of linkers, which are
// named .json, are not opened twice, and neither is what can be read only once.
func isSomethingElse(name string) bool {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || filepath.Ext(name) == ".json" {
		return false
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	begin := make([]byte, 512)
	n, err := io.ReadFull(file, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	text := strings.TrimLeft(string(begin[:n]), " \t\r\n")
	return text != "" && text[0] != '{'
}

// atMost checks how many arguments a command has.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) <= n:
			return nil
		case n == 0:
			return wrongUse(cmd, "takes no arguments, got %s (see %s --help)", args[0], cmd.CommandPath())
		case n == 1:
			return wrongUse(cmd, "takes at most one argument, got %d (see %s --help)", len(args), cmd.CommandPath())
		}
		return wrongUse(cmd, "takes at most %d arguments, got %d (see %s --help)", n, len(args), cmd.CommandPath())
	}
}

// wrongUse is an error of usage, which names the command unless it is the program.
func wrongUse(cmd *cobra.Command, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if _, path, isVerb := strings.Cut(cmd.CommandPath(), " "); isVerb {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return &driver.UsageError{Err: err}
}

// meant says which command below that one may have been meant by a word, or who lists them.
func meant(cmd *cobra.Command, word string) string {
	subs := cmd.Commands()
	names := make([]string, len(subs))
	for i, sub := range subs {
		names[i] = sub.Name()
	}
	if name := settings.Nearest(word, names); name != "" {
		return "did you mean " + name + "?"
	}
	return "see " + cmd.CommandPath() + " --help"
}

// flagError says what is wrong with an option in the words of the linker's.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		empty   *pflag.ValueRequiredError
		value   *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return wrongUse(cmd, "-%s: unknown option (see %s --help)", unknown.GetSpecifiedShortnames(), cmd.CommandPath())
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown.GetSpecifiedName())
	case errors.As(err, &empty):
		word, _ := pflag.UnquoteUsage(empty.GetFlag())
		return wrongUse(cmd, "--%s: needs a value, as in --%[1]s=%s", empty.GetFlag().Name, word)
	case errors.As(err, &value): // settings take all
		return wrongUse(cmd, "--%s=%s: must be true or false", value.GetFlag().Name, value.GetValue())
	}
	return wrongUse(cmd, "%w (see %s --help)", err, cmd.CommandPath())
}

func unknownFlag(cmd *cobra.Command, name string) error {
	bare := strings.TrimPrefix(name, "dtlto-")
	i := slices.IndexFunc(settings.All, func(s settings.Setting) bool { return s.LinkOnly && s.Name == bare })
	if i >= 0 {
		return wrongUse(cmd, "--%s: is the linker's: -Wl,--dtlto-%s=%s", name, bare, settings.All[i].Argument)
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if like := settings.Nearest(bare, known); like != "" {
		return wrongUse(cmd, "--%s: unknown option (did you mean --%s?)", name, like)
	}
	return wrongUse(cmd, "--%s: unknown option (see %s --help)", name, cmd.CommandPath())
}
