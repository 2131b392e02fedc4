// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
)

const reportHelp = `report makes a page of what is on record about the last link of OUTPUT, or the
last link of all: where the time went, what each module cost, what was in the
cache and why the rest was not, what was moved, who imports from whom, and what
is different from the link before. It is one file that needs nothing else, and
is written to OUTPUT.report.html in this folder unless -o says otherwise. Only
links that used the cache are remembered.`

func reportCommand(s *settings.Settings) *cobra.Command {
	var o driver.ReportOptions
	cmd := &cobra.Command{
		Use:   "report [OUTPUT]",
		Short: "Make a page about the last link: times, costs, misses, imports",
		Long:  reportHelp,
		Args:  atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return driver.ReportLink(s, append(args, "")[0], o, os.Stdout)
		},
	}
	cmd.Flags().StringVarP(&o.File, "output", "o", "", "the `FILE` to write to; - for standard output")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "write JSON, to standard output unless -o is given")
	addSettings(cmd, s, "cache-dir", "config")
	return cmd
}
