// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/record"
)

func storeFolder(cache string) string  { return filepath.Join(cache, "cas") }
func recordFolder(cache string) string { return filepath.Join(cache, "links") }

// openCache opens the store and reads what is known of the link before, or says
// in b.uncached why nothing is kept.
func (b *backends) openCache() {
	if b.settings.NoCache {
		b.uncached = errors.New("the cache is off (--no-cache)")
	}
	var folder string
	if b.uncached == nil {
		folder, b.uncached = b.settings.CacheFolder()
	}
	if b.uncached != nil {
		if b.settings.Remote().Remote() { // whose keys have them in
			b.digests = record.NewDigests(nil, b.written, b.look, b.jobs.Parts)
		}
		return
	}
	b.store = cas.Open(storeFolder(folder), cas.Options{
		MaxBytes:  int64(b.settings.CacheSize),
		HardLinks: b.links && !b.settings.Copy,
		Warn:      b.keepsNothing,
	})
	b.records = recordFolder(folder)
	if b.edge {
		b.digests = record.NewDigests(nil, b.written, b.look, nil)
		return
	}
	var err error
	b.before, err = record.Load(b.records, b.output)
	if err != nil && !errors.As(err, new(*fs.PathError)) { // a folder that cannot be read is the store's to report
		b.warn(err)
	}
	b.match()
	b.digests = record.NewDigests(b.before.Known(b.folder), b.written, b.look, b.jobs.Parts)
}

// close ends what the link uses of the cache, and makes that smaller if it has
// grown too large.
func (b *backends) close(ctx context.Context) {
	if b.store == nil {
		return
	}
	if err := b.store.Tidy(ctx); err != nil && ctx.Err() == nil {
		b.warn(err)
	}
	b.store.Close()
}

// keepsNothing says why the store keeps no more results: once, and in the summary
// for each.
func (b *backends) keepsNothing(err error) {
	var reason *fs.PathError
	if errors.As(err, &reason) {
		err = reason.Err
	}
	b.warn(fmt.Errorf("the cache in %s cannot be written (%w): what is compiled now is not kept", filepath.Dir(b.records), err))
}

// warn says something that does not keep the link from being made.
func (b *backends) warn(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.view.warn(err)
}

// fileTime is what the clock of the file system said a moment ago, when LLD wrote a
// file; at most our own clock's time.
func fileTime(path string) time.Time {
	now := time.Now()
	if info, err := os.Stat(path); err == nil && info.ModTime().Before(now) {
		return info.ModTime()
	}
	return now
}
