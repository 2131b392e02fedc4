// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
)

const doctorHelp = `doctor tries what links would do here, step by step, and says of each problem
what to do about it: which toolchains there are, which clang fits which ld.lld
and how links are done with them; whether clang finds ld.dtlto; whether the
cache can be written and objects linked from it; whether make's jobserver can be
reached. It compiles a small module here and, if a cluster was chosen, on a
worker, both with the workers' own compiler (--remote-compiler) and with the one
here sent along, compares the objects, and puts a result into the cluster's
cache. Without CLANG it takes the one that belongs to ld.lld.`

// silent are the settings that say what links show, which doctor has no use for.
var silent = []string{"progress", "summary", "stats", "json", "events", "trace", "print-action"}

func doctorCommand(s *settings.Settings, connect driver.Connect) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "doctor [CLANG]",
		Short: "Say whether toolchains, cache and cluster work, and what is wrong",
		Long:  doctorHelp,
		Args:  atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			args = append(args, "")
			return driver.Doctor(cmd.Context(), s, connect, args[0], asJSON, os.Stdout)
		},
	}
	var names []string
	for i := range settings.All {
		if name := settings.All[i].Name; !slices.Contains(silent, name) {
			names = append(names, name)
		}
	}
	addSettings(cmd, s, names...)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	return cmd
}
