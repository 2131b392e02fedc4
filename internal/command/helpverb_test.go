// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/settings"
)

// Help is short, in eighty columns, and in our words rather than those of the library.
func TestHelpOfEveryCommand(t *testing.T) {
	var try func(cmd *cobra.Command, path []string)
	try = func(cmd *cobra.Command, path []string) {
		for _, args := range [][]string{append(append([]string{}, path...), "--help"), append([]string{"help"}, path...)} {
			out, _, err := execute(args...)
			if err != nil || out == "" {
				t.Errorf("%q: %v, says %q", args, err, out)
			}
			for line := range strings.Lines(out) {
				if line = strings.TrimSuffix(line, "\n"); len(line) > width || strings.TrimRight(line, " ") != line {
					t.Errorf("%q: %q has %d columns", args, line, len(line))
				}
			}
			if strings.Contains(out, "[flags]") || strings.Contains(out, "`") || len(path) > 0 && path[0] != "settings" && strings.Count(out, "\n") > 35 {
				t.Errorf("%q says:\n%s", args, out)
			}
		}
		for _, sub := range cmd.Commands() {
			try(sub, append(append([]string{}, path...), sub.Name()))
		}
	}
	try(rootCommand(settings.Default(), nil, nil), nil)
}

func TestHelpNamesOptions(t *testing.T) {
	for command, want := range map[string]string{
		"config":     "Usage: dtlto config [OPTION]...\n\nOptions are all settings: dtlto help settings\n",
		"doctor":     "  --json                  print what was found as JSON\n\nand all settings but for --progress, --summary, --stats, --events, --trace,\n",
		"explain":    "Usage: dtlto explain [OPTION]... [OUTPUT] [MODULE]\n\nOptions:\n  --json                  write JSON\n  --cache-dir=DIR  ",
		"report":     "\n  -o, --output=FILE       the FILE to write to; - for standard output\n",
		"cache":      "Usage: dtlto cache COMMAND\n\nCommands:\n  clear       Remove everything\n",
		"cache stat": "Usage: dtlto cache stat [OPTION]...\n\nOptions:\n  --cache-dir=DIR ",
		"version":    "Usage: dtlto version\n",
	} {
		out, _, err := execute(append(strings.Fields(command), "--help")...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("dtlto %s --help: %v, does not say\n%s, but\n%s", command, err, want, out)
		}
	}
}
