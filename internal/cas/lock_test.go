// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func testDisk(t *testing.T) *Disk {
	d := Open(t.TempDir(), Options{Warn: func(err error) { t.Error(err) }})
	t.Cleanup(d.Close)
	return d
}

// A lock whose holder does nothing any more, such as a stopped link, is gone
// without after a while, within a process and between two.
func TestLockPatience(t *testing.T) {
	holder, key := testDisk(t), ActionKey{Size: 1}
	unlock, err := holder.Lock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	other := Open(holder.folder, Options{})
	defer other.Close()
	for name, d := range map[string]*Disk{"same": holder, "other": other} {
		without, err := d.lock(t.Context(), key, 20*time.Millisecond)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		without()
		// That did not let go of the holder's.
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := d.lock(ctx, key, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: locked twice: %v", name, err)
		}
		cancel()
	}
}

// A lock file that is removed and made anew by its holders never has two.
func TestLockFileExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var group sync.WaitGroup
	var inside atomic.Int32
	for range 8 {
		group.Go(func() {
			for range 100 {
				f, err := lockFile(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				runtime.Gosched()
				inside.Add(-1)
				unlockFile(f)
			}
		})
	}
	group.Wait()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the file is left: %v", err)
	}
}

// A folder that has no place for locks, or none any more, does not keep
// anybody from working.
func TestLockNotToBeHad(t *testing.T) {
	d := Open(filepath.Join(t.TempDir(), "file"), Options{})
	if err := os.WriteFile(d.folder, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		unlock, err := d.Lock(t.Context(), ActionKey{})
		if err != nil {
			t.Fatal(err)
		}
		unlock()
	}
}

// Close gives the claim back, and nothing claims again.
func TestClaim(t *testing.T) {
	d := testDisk(t)
	d.begin()
	d.begin()
	claims := func() int {
		entries, err := os.ReadDir(d.in(linksFolder))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if n := claims(); n != 1 {
		t.Errorf("%d claims", n)
	}
	d.Close()
	d.Close()
	d.begin()
	if n := claims(); n != 0 {
		t.Errorf("%d claims after the end", n)
	}
}
