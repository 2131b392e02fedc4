// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"os"
	"strings"
)

// WantsStatus says whether a status line is to be drawn on out. when is "always",
// "never" or "auto": where one is seen, and disturbs nobody. It is never drawn on
// what is no terminal, where it could not be taken away again.
func WantsStatus(out *os.File, getenv func(string) string, when string) bool {
	if _, ok := terminalWidth(out); !ok || when == "never" {
		return false
	}
	return when == "always" ||
		canMoveCursor(getenv) && !isContinuousIntegration(getenv) && !hasJobserver(getenv) && isForeground(out, false)
}

// WantsColour says whether what is written to out is to have colours.
func WantsColour(out *os.File, getenv func(string) string) bool {
	_, ok := terminalWidth(out)
	return ok && canMoveCursor(getenv) && getenv("NO_COLOR") == ""
}

// canMoveCursor says whether the terminal knows control sequences. Those of the status
// line are the same on all that are in use.
func canMoveCursor(getenv func(string) string) bool {
	term := getenv("TERM")
	return term != "" && term != "dumb"
}

// isContinuousIntegration says whether nobody watches: the service that runs the build
// gives it a terminal only to have coloured messages in its log.
func isContinuousIntegration(getenv func(string) string) bool {
	switch strings.ToLower(getenv("CI")) {
	case "", "0", "false":
		return false
	}
	return true
}

// hasJobserver says whether this is part of a "make -j", where others write to the same
// terminal at the same time.
func hasJobserver(getenv func(string) string) bool {
	flags := getenv("MAKEFLAGS")
	return strings.Contains(flags, "--jobserver-auth=") || strings.Contains(flags, "--jobserver-fds=")
}
