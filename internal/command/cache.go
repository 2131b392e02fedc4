// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package command

import (
	"context"
	"fmt"
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
		Args:  usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			return &driver.UsageError{Err: fmt.Errorf("cache: needs one of stat, prune, clear, verify")}
		},
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
			Args:  usage(cobra.NoArgs),
			RunE:  func(cmd *cobra.Command, _ []string) error { return verb.do(cmd.Context(), s, os.Stdout) },
		}
		addSettings(cmd, s, "cache-dir", "cache-size", "config")
		cache.AddCommand(cmd)
	}
	return cache
}
