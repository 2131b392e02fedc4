// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
)

const doctorHelp = `doctor tries what links would do with the compiler and the cluster that were
chosen, step by step: it compiles a small module here and on a worker, both with
the workers' own compiler (--remote-compiler) and with the one here sent along,
compares the objects, and puts a result into the cluster's cache. Without CLANG it
takes the one that belongs to ld.lld.`

func doctorCommand(s *settings.Settings, connect driver.Connect) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [CLANG]",
		Short: "Say whether the compiler and the cluster work, and what is wrong",
		Long:  doctorHelp,
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			args = append(args, "")
			return driver.Doctor(cmd.Context(), s, connect, args[0], os.Stdout)
		},
	}
	addSettings(cmd, s)
	return cmd
}
