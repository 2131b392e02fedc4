// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// recordAge is for how long a link's record is kept after its last link when the
// cache is pruned.
const recordAge = 30 * 24 * time.Hour

// theCache is the store and the folder of link records that s chooses.
func theCache(s *settings.Settings) (store *cas.Disk, records string, err error) {
	folder, err := s.CacheFolder()
	if err != nil {
		return nil, "", err
	}
	return cas.Open(storeFolder(folder), cas.Options{MaxBytes: int64(s.CacheSize)}), recordFolder(folder), nil
}

// CacheStat says what is in the cache.
func CacheStat(ctx context.Context, s *settings.Settings, w io.Writer) error {
	store, records, err := theCache(s)
	if err != nil {
		return err
	}
	defer store.Close()
	folder := filepath.Dir(records)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(w, "folder   %s (not made yet)\n", folder)
		return nil
	}
	stats, err := store.Stat(ctx)
	if err != nil {
		return err
	}
	links, err := record.List(records)
	if err != nil {
		return err
	}
	bound := "no bound"
	if stats.MaxBytes > 0 {
		bound = "at most " + size(stats.MaxBytes)
	}
	fmt.Fprintf(w, "folder   %s\nsize     %s (%s)\nresults  %d\nblobs    %d\nlinks    %d\n",
		folder, size(stats.Bytes), bound, stats.Results, stats.Blobs, len(links))
	if !stats.LeastRecent.IsZero() {
		fmt.Fprintf(w, "oldest   used %s\n", stats.LeastRecent.Format(time.DateTime))
	}
	return nil
}

// CachePrune makes the cache as small as its bound says, less what running links
// use.
func CachePrune(ctx context.Context, s *settings.Settings, w io.Writer) error {
	store, records, err := theCache(s)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := record.Prune(records, time.Now().Add(-recordAge)); err != nil {
		return err
	}
	if s.CacheSize == 0 {
		return nil
	}
	removed, err := store.Prune(ctx, int64(s.CacheSize))
	sayRemoved(w, removed)
	return err
}

// CacheClear removes everything from the cache.
func CacheClear(ctx context.Context, s *settings.Settings, w io.Writer) error {
	store, records, err := theCache(s)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := errors.Join(record.Clear(records), toolchain.Forget(filepath.Dir(records))); err != nil {
		return err
	}
	removed, err := store.Clear(ctx)
	sayRemoved(w, removed)
	return err
}

func sayRemoved(w io.Writer, r cas.Removed) {
	fmt.Fprintf(w, "removed %d %s, %s; %s are left\n", r.Entries, entries(r.Entries), size(r.Bytes), size(r.LeftBytes))
}

// CacheVerify reads everything in the cache and removes what is bad, which is
// then the error.
func CacheVerify(ctx context.Context, s *settings.Settings, w io.Writer) error {
	store, _, err := theCache(s)
	if err != nil {
		return err
	}
	defer store.Close()
	report, err := store.Verify(ctx)
	fmt.Fprintf(w, "%s and %s are good\n", count(report.Results, "result"), count(report.Blobs, "blob"))
	for _, bad := range report.Bad {
		fmt.Fprintf(w, "removed %s: %v\n", bad.Path, bad.Err)
	}
	if n := len(report.Bad); err == nil && n > 0 {
		err = fmt.Errorf("the cache had %d bad %s", n, entries(n))
	}
	return err
}

func entries(n int) string {
	if n == 1 {
		return "entry"
	}
	return "entries"
}

// size is a number of bytes for people.
func size(n int64) string {
	const units = "KMGT"
	if n < 1024 {
		return count(int(n), "byte")
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", value, units[unit])
}
