// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/thinlto"
)

const depfileHelp = `depfile says for a build system what the backend compiles of a thin link read
and write. INPUT is the map of ld.dtlto --thinlto-index=, or import lists that
--thinlto-emit-imports-files made (FILE.imports, of the object FILE, beside its
index FILE.thinlto.bc). It runs in the folder of the thin link. FORMAT is

  make          a rule without a recipe for each object: include it
  ninja-dyndep  what dyndep = FILE wants: the imports of each object
  json          all that is known

--output is replaced whole, and left alone if it says the same already, but for
make, which wants it newer.`

func depfileCommand() *cobra.Command {
	var d driver.Depfile
	var format string
	cmd := &cobra.Command{
		Use:   "depfile --format=FORMAT [OPTION]... INPUT...",
		Short: "Write what backends read and write for make or ninja",
		Long:  depfileHelp,
		RunE: func(_ *cobra.Command, args []string) error {
			d.Format, d.Inputs = thinlto.Fragment(format), args
			if err := checkDepfile(&d); err != nil {
				return &driver.UsageError{Err: fmt.Errorf("depfile: %w (see dtlto depfile --help)", err)}
			}
			return d.Write(os.Stdout)
		},
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().StringVar(&format, "format", "", "the `FORMAT` to write: make, ninja-dyndep or json")
	cmd.Flags().StringVarP(&d.Output, "output", "o", "", "the `FILE` to write, standard output if there is none")
	cmd.Flags().StringVar(&d.Object, "object", "", "the object `FILE` of the one import list, if it is not named like it")
	return cmd
}

func checkDepfile(d *driver.Depfile) error {
	switch {
	case d.Format == "":
		return errors.New("needs --format=make, ninja-dyndep or json")
	case !slices.Contains(thinlto.Fragments, d.Format):
		return fmt.Errorf("--format=%s: is none of make, ninja-dyndep, json", d.Format)
	case len(d.Inputs) == 0:
		return errors.New("needs a map or import lists")
	case d.Object != "" && len(d.Inputs) != 1:
		return fmt.Errorf("--object= is for one import list, not %d inputs", len(d.Inputs))
	}
	return nil
}
