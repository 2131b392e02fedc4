// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/cas/castest"
)

// age makes all entries of the store look unused for so long.
func age(t testing.TB, folder string, by time.Duration) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "v1", "??", "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no entries, %v", err)
	}
	then := time.Now().Add(-by)
	for _, path := range paths {
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
}

func has(t *testing.T, d *cas.Disk, digest cas.Digest) bool {
	t.Helper()
	err := d.Materialise(t.Context(), digest, filepath.Join(t.TempDir(), "o"))
	if err != nil {
		castest.WantMiss(t, err, cas.Absent)
	}
	return err == nil
}

// The least recently used goes first, the use being what a hit notes.
func TestPruneOrder(t *testing.T) {
	folder := t.TempDir()
	d := open(t, folder, cas.Options{})
	var digests []cas.Digest
	for seed := range 10 {
		digests = append(digests, castest.Put(t, d, castest.Blob(seed, 4096)))
		age(t, folder, time.Duration(100-seed)*time.Hour)
		for i, digest := range digests[:seed] { // age touched them all
			setUsed(t, folder, digest, time.Now().Add(time.Duration(i-100)*time.Hour))
		}
	}
	if !has(t, d, digests[0]) {
		t.Fatal("the oldest is missing")
	}
	d.Close()
	removed, err := d.Prune(t.Context(), 4*4096)
	if err != nil || removed != (cas.Removed{Entries: 6, Bytes: 6 * 4096, LeftBytes: 4 * 4096}) {
		t.Errorf("%+v, %v", removed, err)
	}
	for i, digest := range digests {
		if got, want := has(t, d, digest), i == 0 || i > 6; got != want {
			t.Errorf("blob %d is there: %v", i, got)
		}
	}
}

func setUsed(t *testing.T, folder string, digest cas.Digest, used time.Time) {
	t.Helper()
	hash, _, _ := strings.Cut(digest.String(), "/")
	if err := os.Chtimes(filepath.Join(folder, "v1", hash[:2], hash+".b"), used, used); err != nil {
		t.Fatal(err)
	}
}

// What a running link has looked up or kept stays, whoever prunes; when the
// link has ended, it goes.
func TestPruneSparesRunningLinks(t *testing.T) {
	f := fill(t, 5000, cas.Options{})
	unused := castest.Put(t, f, castest.Blob(2, 5000))
	f.Close()
	age(t, f.folder, 48*time.Hour)
	link := open(t, f.folder, cas.Options{})
	if _, err := link.Result(t.Context(), f.key); err != nil {
		t.Fatal(err)
	}
	if !has(t, link, f.digest) {
		t.Fatal("the blob is missing")
	}
	kept := castest.Put(t, link, castest.Blob(3, 100))
	other := open(t, f.folder, cas.Options{})
	if removed, err := other.Prune(t.Context(), 0); err != nil || removed.Entries != 1 || removed.LeftBytes != 3*4096+4096 {
		t.Errorf("%+v, %v", removed, err)
	}
	if !has(t, link, f.digest) || !has(t, link, kept) || has(t, link, unused) {
		t.Error("not just the unused one was removed")
	}
	link.Close()
	if removed, err := other.Prune(t.Context(), 0); err != nil || removed.LeftBytes != 0 {
		t.Errorf("%+v, %v", removed, err)
	}
}

// A time of use is renewed when it is an hour old, not before, and also when
// it lies in the future.
func TestUseIsNoted(t *testing.T) {
	f := fill(t, 100, cas.Options{})
	for _, tc := range []struct {
		by      time.Duration
		renewed bool
	}{{59 * time.Minute, false}, {61 * time.Minute, true}, {1000 * time.Hour, true}, {-2 * time.Hour, true}} {
		age(t, f.folder, tc.by)
		before := time.Now().Add(-10 * time.Second)
		if !f.restore(t) {
			t.Fatal("missed")
		}
		for _, ending := range []string{".b", ".r"} {
			info, err := os.Stat(f.entries(t, ending)[0])
			if err != nil {
				t.Fatal(err)
			}
			now := info.ModTime().After(before) && info.ModTime().Before(time.Now().Add(time.Minute))
			if now != tc.renewed {
				t.Errorf("%s unused for %v: renewed %v", ending, tc.by, now)
			}
		}
	}
}

// put keeps n blobs of 4 KiB in a link of its own, which then tidies.
func putAndTidy(t *testing.T, folder string, from, n int, now time.Time) (bytes int64) {
	t.Helper()
	d := cas.Open(folder, cas.Options{MaxBytes: 100 * 4096, Now: func() time.Time { return now }})
	for seed := range n {
		castest.Put(t, d, castest.Blob(from+seed, 4096))
	}
	d.Close()
	if err := d.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats, err := d.Stat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats.Bytes / 4096
}

// Tidy counts now and then, and removes down to nine tenths when there is more
// than allowed.
func TestTidy(t *testing.T) {
	folder, now := t.TempDir(), time.Now()
	for i, step := range []struct {
		after time.Duration // since the start
		put   int
		want  int64
	}{
		{0, 60, 60},
		{2 * time.Minute, 30, 90},
		{3 * time.Minute, 30, 90},  // 120, counted two minutes ago
		{3 * time.Minute, 20, 110}, // counted just now
		{5 * time.Minute, 0, 110},  // a warm link
		{6 * time.Minute, 1, 90},
		{30 * time.Hour, 5, 95}, // counts, nothing to do
	} {
		if got := putAndTidy(t, folder, 1000*i, step.put, now.Add(step.after)); got != step.want {
			t.Errorf("step %d: %d blobs", i, got)
		}
	}
}

// A ledger that lost what was added is found out within a day.
func TestTidyRecounts(t *testing.T) {
	folder, now := t.TempDir(), time.Now()
	putAndTidy(t, folder, 0, 10, now)
	d := cas.Open(folder, cas.Options{})
	for seed := range 110 {
		castest.Put(t, d, castest.Blob(1000+seed, 4096)) // no Close: killed
	}
	if got := putAndTidy(t, folder, 5000, 1, now.Add(time.Hour)); got != 121 {
		t.Errorf("%d after an hour", got)
	}
	d.Close() // at last, or it would count as running
	if err := os.Remove(filepath.Join(folder, "v1", "ledger")); err != nil {
		t.Fatal(err)
	}
	if got := putAndTidy(t, folder, 6000, 1, now.Add(2*time.Hour)); got != 90 {
		t.Errorf("%d without a ledger", got)
	}
}

// Links go on using the store while it is pruned to nothing again and again:
// they see misses and right contents.
func TestPruneWhileInUse(t *testing.T) {
	folder, scratch := t.TempDir(), t.TempDir()
	var group sync.WaitGroup
	var done atomic.Bool
	for range 4 {
		group.Go(func() {
			d := open(t, folder, cas.Options{})
			for i := range 200 {
				if err := want(d, i%15, scratch); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	pruner := open(t, folder, cas.Options{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for i := 0; !done.Load(); i++ {
			var err error
			if i%2 == 0 {
				_, err = pruner.Prune(t.Context(), 0)
			} else {
				_, err = pruner.Clear(t.Context())
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	group.Wait()
	done.Store(true)
	<-finished
}

func TestClear(t *testing.T) {
	f := fill(t, 5000, cas.Options{})
	f.Close()
	if stats, err := f.Stat(t.Context()); err != nil || stats.Blobs != 1 || stats.Results != 1 || stats.Bytes != 3*4096 {
		t.Errorf("%+v, %v", stats, err)
	}
	removed, err := f.Clear(t.Context())
	if err != nil || removed.Entries != 2 || removed.LeftBytes != 0 {
		t.Errorf("%+v, %v", removed, err)
	}
	if _, err := os.Lstat(f.folder); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
	// Then there is none, which is no error for anyone.
	for range 2 {
		_, clearErr := f.Clear(t.Context())
		_, pruneErr := f.Prune(t.Context(), 0)
		_, statErr := f.Stat(t.Context())
		_, verifyErr := f.Verify(t.Context())
		if err := errors.Join(clearErr, pruneErr, statErr, verifyErr); err != nil {
			t.Error(err)
		}
	}
	if f.restore(t) {
		t.Error("still there")
	}
}

// Somebody's folder named by mistake keeps what is not the store's.
func TestClearSparesOthers(t *testing.T) {
	f := fill(t, 100, cas.Options{})
	f.Close()
	others := []string{"mine.txt", "v1/ab/mine.o", "v1/mine", "v1/ab/" + strings.Repeat("0", 64) + ".b"}
	for _, name := range others {
		path := filepath.Join(f.folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, nil, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if removed, err := f.Clear(t.Context()); err != nil || removed.Entries != 2 {
		t.Errorf("%+v, %v", removed, err)
	}
	for _, name := range others {
		if _, err := os.Lstat(filepath.Join(f.folder, filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
}

func TestCancelledWalks(t *testing.T) {
	f := fill(t, 100, cas.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, clearErr := f.Clear(ctx)
	_, pruneErr := f.Prune(ctx, 0)
	_, statErr := f.Stat(ctx)
	_, verifyErr := f.Verify(ctx)
	for _, err := range []error{clearErr, pruneErr, statErr, verifyErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	if !f.restore(t) {
		t.Error("something was removed")
	}
}
