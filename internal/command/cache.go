// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/settings"
)

const cacheHelp = `The cache has the objects of earlier compiles, and what links remember for the
next link of the same output. Any number of links share it. It may be deleted at
any time. At the end of a link, objects and results take no more than
--cache-size; what links remember is kept for 30 days.`

func cacheCommand(s *settings.Settings) *cobra.Command {
	cache := &cobra.Command{
		Use:   "cache",
		Short: "Look at the cache, make it smaller, check it",
		Long:  cacheHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrongUse(cmd, "needs one of stat, prune, clear, verify")
			}
			return wrongUse(cmd, "%s: is none of stat, prune, clear, verify (%s)", args[0], meant(cmd, args[0]))
		},
		Args: cobra.ArbitraryArgs,
	}
	for _, verb := range []struct {
		name, short string
		do          func(context.Context, *settings.Settings, io.Writer) error
	}{
		{"stat", "Say where the cache is and what is in it", driver.CacheStat},
		{"prune", "Remove what was not used for the longest time, down to --cache-size", driver.CachePrune},
		{"clear", "Remove everything", driver.CacheClear},
		{"verify", "Read everything and remove what is damaged", driver.CacheVerify},
	} {
		cmd := &cobra.Command{
			Use:   verb.name,
			Short: verb.short,
			Args:  atMost(0),
			RunE:  func(cmd *cobra.Command, _ []string) error { return verb.do(cmd.Context(), s, os.Stdout) },
		}
		addSettings(cmd, s, "cache-dir", "cache-size", "config")
		cache.AddCommand(cmd)
	}
	return cache
}
