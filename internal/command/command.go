// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// rootCommand is the command line of dtlto. Without a verb it distributes: the
// last argument is the job file, and the options before it are ours.
func rootCommand(s *settings.Settings, args []string, connect driver.Connect) *cobra.Command {
	distribute := func(cmd *cobra.Command, args []string) error {
		return driver.Distribute(cmd.Context(), args[0], s, connect, os.Stderr)
	}
	root := &cobra.Command{
		Use:                   "dtlto [OPTION]... JOBS.json",
		Short:                 "Compile the backends of ThinLTO links in parallel",
		Args:                  oneJobFile,
		RunE:                  distribute,
		Version:               driver.Version(),
		DisableFlagsInUseLine: true,

		SilenceErrors: true,
		SilenceUsage:  true,
	}
	if n := len(args) - 1; driver.IsDistributorCall(args) && strings.HasPrefix(args[n], "-") {
		args = append(slices.Clone(args[:n]), "./"+args[n]) // of an output whose name begins so
	}
	root.SetArgs(args)
	root.SetVersionTemplate("dtlto {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if !cmd.HasParent() && slices.Contains(args, "-o") {
			return &driver.UsageError{Err: errors.New("these are a linker's arguments: call this program as ld.dtlto")}
		}
		return flagError(cmd, err)
	})
	for i := range groups {
		root.AddGroup(&groups[i])
	}
	verb := &cobra.Command{Use: "distribute [OPTION]... JOBS.json", Short: "Do the compiles of a job file, as dtlto does without a command", Args: oneJobFile, RunE: distribute}
	addVerbs(root, "links", explainCommand(s), reportCommand(s), inspectCommand())
	addVerbs(root, "setup", doctorCommand(s, connect), configCommand(s), cacheCommand(s), completionCommand(), versionCommand())
	addVerbs(root, "builds", backendCommand(s, connect), depfileCommand())
	addVerbs(root, "distributor", verb, validateCommand(), mockCommand())
	root.AddCommand(settingsTopic())
	root.SetHelpCommand(helpCommand())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _ = help(cmd, cmd.OutOrStdout()) })
	for _, cmd := range []*cobra.Command{root, verb} {
		addSettings(cmd, s)
	}
	completeValues(root, args)
	return root
}

// flag is a setting as a flag. What was given is kept in the order in which it stands,
// until files and variables, which count less, are read with it.
type flag struct {
	name, argument string
	given          *[]settings.Given
}

// IsSetting says whether a flag is a setting: some commands have others of such a name.
func IsSetting(f *pflag.Flag) bool {
	_, ok := f.Value.(*flag)
	return ok
}

func (f *flag) String() string { return "" }
func (f *flag) Type() string   { return f.argument }

// Set checks nothing: the message would quote the value, which may be a secret.
func (f *flag) Set(value string) error {
	*f.given = append(*f.given, settings.Given{Origin: "--" + f.name, Name: f.name, Value: value})
	return nil
}

// addSettings adds the settings of those names as flags, all that the distributor has
// if there are none, and reads all settings before the command runs.
func addSettings(cmd *cobra.Command, s *settings.Settings, names ...string) {
	given := new([]settings.Given)
	for i := range settings.All {
		setting := &settings.All[i]
		if setting.LinkOnly || len(names) > 0 && !slices.Contains(names, setting.Name) {
			continue
		}
		added := cmd.Flags().VarPF(&flag{setting.Name, setting.Argument, given}, setting.Name, "", setting.Help)
		if setting.Argument == "" {
			added.NoOptDefVal = "true"
		}
		if negation := setting.Negation(); negation != "" {
			added := cmd.Flags().VarPF(&flag{negation, "", given}, negation, "", "")
			added.NoOptDefVal, added.Hidden = "true", true
		}
	}
	cmd.PreRunE = func(*cobra.Command, []string) error { return s.Load(*given, os.Getenv) }
}

func mockCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "mock INPUT... JOBS.json",
		Short: "Copy the n-th input to the n-th job's object instead of compiling",
		Long: `mock stands in for a distributor in tests that have no compiler: it checks the
job file and copies the n-th INPUT to the first output of the n-th job.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &driver.UsageError{Err: errors.New("mock: needs a job file, the last argument")}
			}
			jobs, err := thinlto.ReadFile(args[len(args)-1])
			if err != nil {
				return err
			}
			return thinlto.Mock(jobs, args[:len(args)-1])
		},
	}
}

func validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate JOBS.json",
		Short: "Check a job file and print it, indented",
		Args:  oneJobFile,
		RunE: func(_ *cobra.Command, args []string) error {
			jobs, err := thinlto.ReadFile(args[0])
			if err != nil {
				return err
			}
			return jobs.WriteIndented(os.Stdout)
		},
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  atMost(0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Printf("dtlto %s\nindex shards canonical with LLVM %s\n", driver.Version(), driver.TriedLLVMs())
			return err
		},
	}
}
