// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
)

const backendHelp = `backend does one ThinLTO backend compile for a build system that has a rule for
each (ld.dtlto --thinlto-index=, or LLD's --thinlto-index-only): the command
behind -- is Clang's, and the object is the one that Clang would make, to the
byte. It comes out of the cache, off the cluster, or from this machine, as in a
link. The modules imported from are those that the index names.

Only a command without anything unknown is cached; another is run as it stands,
and one line says why. So is one whose index is an empty file, which means: no
ThinLTO. Clang's configuration files are not read. Files that options name are
declared with --input=FILE, but for profiles.`

func backendCommand(s *settings.Settings, connect driver.Connect) *cobra.Command {
	cmd := &cobra.Command{
		Use:                   "backend [OPTION]... -- CLANG -c -O2 -fthinlto-index=INDEX MODULE -o OBJECT",
		Short:                 "Do one backend compile of a build system's",
		Long:                  backendHelp,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return driver.Backend(cmd.Context(), args, s, &driver.Program{Out: os.Stdout, Err: os.Stderr, Connect: connect})
		},
	}
	addSettings(cmd, s)
	cmd.Flags().SetInterspersed(false) // what follows Clang's name is Clang's
	return cmd
}
