// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Removed is what Prune and Clear removed, and what is left.
type Removed struct {
	Entries   int
	Bytes     int64 // on disk, in whole blocks
	LeftBytes int64
}

// longestLink is how long a running link keeps entries from being removed.
const longestLink = 24 * time.Hour

// Tidy removes what was not used for the longest time if the store has grown
// beyond its bound. It is for the end of a link: it does nothing after a link
// that kept nothing, little most of the time, and counts the store when the
// ledger says that it may be too large or was not counted for a day. Of several
// processes one does it.
func (d *Disk) Tidy(ctx context.Context) error {
	if !d.grown.any.Load() || d.options.MaxBytes <= 0 {
		return nil
	}
	d.flushGrowth()
	if !d.due() {
		return nil
	}
	f, err := tryLockFile(d.in(locksFolder, "prune"))
	if f == nil && err == nil {
		return nil // another does it
	}
	defer unlockFile(f)
	if !d.due() {
		return nil // another did it just now
	}
	_, err = d.prune(ctx, d.options.MaxBytes, d.options.MaxBytes/10*9)
	return err
}

// Prune removes what was not used for the longest time until the store has at
// most maxBytes on disk. What running links use is not removed.
func (d *Disk) Prune(ctx context.Context, maxBytes int64) (Removed, error) {
	f, err := lockFile(ctx, d.in(locksFolder, "prune"))
	if errors.Is(err, fs.ErrNotExist) {
		return Removed{}, nil // there is no cache
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		unlockFile(f)
		return Removed{}, ctxErr
	}
	// Where locks are not to be had it goes without: two at once do no harm.
	defer unlockFile(f)
	return d.prune(ctx, maxBytes, maxBytes)
}

// prune removes down to target if there is more than bound.
func (d *Disk) prune(ctx context.Context, bound, target int64) (Removed, error) {
	spared, err := d.inUseSince()
	if err != nil {
		return Removed{}, err
	}
	if err := d.removeLeftovers(); err != nil {
		return Removed{}, err
	}
	var entries []entry
	var removed Removed
	err = d.walk(ctx, func(e entry) error {
		entries = append(entries, e)
		removed.LeftBytes += onDisk(e.size)
		return nil
	})
	if err == nil && removed.LeftBytes > bound {
		err = d.removeOldest(ctx, entries, target, spared, &removed)
	}
	if err == nil {
		err = d.writeLedger(removed.LeftBytes)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // somebody else removed it
	}
	return removed, err
}

// inUseSince is the time since which an entry must have been used to be left
// alone. An entry's time is exact to useInterval.
func (d *Disk) inUseSince() (time.Time, error) {
	if _, err := removeUnlocked(d.in(locksFolder)); err != nil {
		return time.Time{}, err
	}
	oldest, err := removeUnlocked(d.in(linksFolder))
	now := d.options.Now()
	if err != nil || oldest.IsZero() {
		return now, err
	}
	if earliest := now.Add(-longestLink); oldest.Before(earliest) {
		oldest = earliest
	}
	return oldest.Add(-useInterval), nil
}

// removeLeftovers removes what killed processes left in the tmp folder.
func (d *Disk) removeLeftovers() error {
	return d.removeTmp(d.options.Now().Add(-useInterval))
}

func (d *Disk) removeTmp(before time.Time) error {
	entries, err := os.ReadDir(d.in(tmpFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
			_ = os.Remove(d.in(tmpFolder, e.Name()))
		}
	}
	return err
}

func (d *Disk) removeOldest(ctx context.Context, entries []entry, target int64, spared time.Time, removed *Removed) error {
	// A time in the future comes from a clock that was wrong.
	future := d.options.Now().Add(useInterval).UnixNano()
	for i := range entries {
		if entries[i].used > future {
			entries[i].used = 0
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.used, b.used) })
	for _, e := range entries {
		if removed.LeftBytes <= target || e.used >= spared.UnixNano() {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.removeUnused(e, removed); err != nil {
			return err
		}
	}
	return nil
}

// removeUnused removes e unless it was used since it was seen.
func (d *Disk) removeUnused(e entry, removed *Removed) error {
	path := d.entryPath(e.hash, e.kind)
	info, err := os.Lstat(path)
	if err == nil && e.used != 0 && info.ModTime().UnixNano() != e.used {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	removed.Entries++
	removed.Bytes += onDisk(e.size)
	removed.LeftBytes -= onDisk(e.size)
	return nil
}
