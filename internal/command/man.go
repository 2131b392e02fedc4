// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/settings"
)

// Manual is what help says, for the manual pages (packaging/man), which say the same.
type Manual struct {
	Root *cobra.Command // not to be run; its commands are in groups
	// About is what dtlto is, End what help says last, with the exit codes.
	About, End string
	// Settings is what settings are.
	Settings string
}

// NewManual makes the command line once more.
func NewManual() *Manual {
	return &Manual{Root: rootCommand(settings.Default(), nil, nil), About: rootHelp, End: rootEnd, Settings: settingsHelp}
}
