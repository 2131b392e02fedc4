// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// entry is what walking tells of an entry; there may be millions.
type entry struct {
	hash [32]byte
	kind kind
	size int64
	used int64 // nanoseconds since 1970
}

// walk visits all entries, in no order. What is not the store's it passes over.
func (d *Disk) walk(ctx context.Context, visit func(entry) error) error {
	for i := range 256 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.walkFolder(byte(i), visit); err != nil {
			return err
		}
	}
	return nil
}

func (d *Disk) walkFolder(first byte, visit func(entry) error) error {
	f, err := os.Open(d.in(fmt.Sprintf("%02x", first)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	files, err := f.ReadDir(-1)
	_ = f.Close()
	if err != nil {
		return err
	}
	for _, file := range files {
		hash, kind, ok := parseEntry(file.Name())
		info, err := file.Info()
		if !ok || hash[0] != first || err != nil || info.IsDir() {
			continue
		}
		if err := visit(entry{hash, kind, info.Size(), info.ModTime().UnixNano()}); err != nil {
			return err
		}
	}
	return nil
}

// Stats is what is in a store.
type Stats struct {
	Folder      string
	Blobs       int
	Results     int
	Bytes       int64     // on disk, in whole blocks
	LeastRecent time.Time // use of any entry, to the hour; zero if there is none
	MaxBytes    int64     // its bound
}

// Stat counts the store.
func (d *Disk) Stat(ctx context.Context) (Stats, error) {
	stats := Stats{Folder: d.folder, MaxBytes: d.options.MaxBytes}
	err := d.walk(ctx, func(e entry) error {
		if e.kind == blobKind {
			stats.Blobs++
		} else {
			stats.Results++
		}
		stats.Bytes += onDisk(e.size)
		if used := time.Unix(0, e.used); stats.LeastRecent.IsZero() || used.Before(stats.LeastRecent) {
			stats.LeastRecent = used
		}
		return nil
	})
	return stats, err
}

// Bad is an entry that Verify removed, or tried to.
type Bad struct {
	Path string
	Err  error // what is wrong with it
}

// Report is what Verify found.
type Report struct {
	Blobs   int // good ones
	Results int
	Bad     []Bad
}

// Verify reads everything and removes what is bad: blobs that are not what their
// names say, results that cannot be read or whose blobs are missing.
func (d *Disk) Verify(ctx context.Context) (Report, error) {
	var report Report
	err := d.walk(ctx, func(e entry) error {
		if e.kind == blobKind {
			d.count(&report.Blobs, &report, e, d.checkBlob(e))
		}
		return ctx.Err()
	})
	if err != nil {
		return report, err
	}
	err = d.walk(ctx, func(e entry) error {
		if e.kind == resultKind {
			d.count(&report.Results, &report, e, d.checkResult(e))
		}
		return ctx.Err()
	})
	return report, err
}

func (d *Disk) count(good *int, report *Report, e entry, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		return // removed by another since
	}
	if err == nil {
		*good++
		return
	}
	path := d.entryPath(e.hash, e.kind)
	if removeErr := os.Remove(path); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
		err = fmt.Errorf("%w; %w", err, removeErr)
	}
	report.Bad = append(report.Bad, Bad{path, err})
}

func (d *Disk) checkBlob(e entry) error {
	f, info, err := openEntry(d.entryPath(e.hash, e.kind))
	if err != nil {
		return err
	}
	defer f.Close()
	return verifyFile(nil, f, Digest{e.hash, info.Size()})
}

func (d *Disk) checkResult(e entry) error {
	data, _, err := readEntry(d.entryPath(e.hash, e.kind), nil, maxResult)
	if err != nil {
		return err
	}
	key, r, err := decodeAny(data)
	if err != nil {
		return err
	}
	if key.Hash != e.hash {
		return errors.New("of another action")
	}
	for _, output := range r.Outputs {
		info, err := os.Lstat(d.entryPath(output.Digest.Hash, blobKind))
		if err != nil || info.Size() != output.Digest.Size {
			return fmt.Errorf("its blob %v is missing", output.Digest)
		}
	}
	return nil
}

// Clear removes all entries, in use or not, and what else the store has made.
// What is not its own it leaves, and the folder with it.
func (d *Disk) Clear(ctx context.Context) (Removed, error) {
	var removed Removed
	err := d.walk(ctx, func(e entry) error {
		removed.LeftBytes += onDisk(e.size)
		e.used = 0 // whenever it was
		return d.removeUnused(e, &removed)
	})
	if err != nil {
		return removed, err
	}
	return removed, d.removeLayout()
}

func (d *Disk) removeLayout() error {
	if err := d.removeTmp(d.options.Now().Add(useInterval)); err != nil {
		return err
	}
	for _, folder := range []string{locksFolder, linksFolder} {
		if _, err := removeUnlocked(d.in(folder)); err != nil {
			return err
		}
		_ = os.Remove(d.in(folder))
	}
	_ = os.Remove(d.in(tmpFolder))
	_ = os.Remove(d.in(ledgerFile))
	for i := range 256 {
		_ = os.Remove(d.in(fmt.Sprintf("%02x", i)))
	}
	if os.Remove(d.in()) == nil {
		_ = os.Remove(filepath.Join(d.folder, "README"))
		_ = os.Remove(filepath.Join(d.folder, "CACHEDIR.TAG"))
		_ = os.Remove(d.folder)
	}
	return nil
}
