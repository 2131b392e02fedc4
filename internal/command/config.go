// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/settings"
)

const configHelp = `config prints each setting, its value and where that came from: an option, a
variable, a line of a file, or the default. Secrets are hidden.`

func configCommand(s *settings.Settings) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Print the settings and where each came from", Long: configHelp, Args: atMost(0)}
	addSettings(cmd, s)
	load := cmd.PreRunE
	cmd.PreRunE = nil
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wrong := load(cmd, args) // what can be read is shown all the same
		return errors.Join(s.Print(os.Stdout), wrong)
	}
	return cmd
}
