// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
)

const inspectHelp = `inspect says what a file is, as far as links have to do with it: bitcode, an
index shard, an archive, a native object with bitcode in it (FatLTO), a job
file, a map of --thinlto-index=, a list of imports, events, a link's record or
an entry of the cache; of a program whose link is on record, what became of its
modules.

FILE may also be a member of an archive, as links name it: 'libx.a(m.o)' or
'libx.a(m.o at 86)', or the digest of an action or an object in the cache.
Of damaged files it says what is wrong with them.`

func inspectCommand() *cobra.Command {
	s := &settings.Settings{} // until the command runs: other commands need none of them
	asJSON := false
	cmd := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Say what a bitcode file, shard, archive, job file or cache entry is",
		Long:  inspectHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &driver.UsageError{Err: errors.New("inspect: needs a file, a member of an archive or a digest (see dtlto inspect --help)")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return driver.InspectAll(cmd.Context(), s, args, asJSON, os.Stdout)
		},
	}
	addSettings(cmd, s, "cache-dir", "config")
	load := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		*s = *settings.Default()
		return load(cmd, args)
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print all that is known as JSON")
	return cmd
}
