// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
)

const explainHelp = `explain says for each module that the last link of OUTPUT compiled which input,
argument or import made it so. Only links that used the cache are remembered.
Without OUTPUT it is the last link of all. With MODULE, a name or a part of one,
it speaks of that module, compiled or not.`

func explainCommand(s *settings.Settings) *cobra.Command {
	inJSON := false
	cmd := &cobra.Command{
		Use:   "explain [OUTPUT] [MODULE]",
		Short: "Say why modules were compiled in the last link",
		Long:  explainHelp,
		Args:  atMost(2),
		RunE: func(_ *cobra.Command, args []string) error {
			args = append(args, "", "")
			return driver.Explain(s, args[0], args[1], inJSON, os.Stdout)
		},
	}
	cmd.Flags().BoolVar(&inJSON, "json", false, "write JSON")
	addSettings(cmd, s, "cache-dir", "config")
	return cmd
}
