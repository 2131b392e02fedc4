// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build darwin || linux

package jobserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func acquire(t *testing.T, p *Pool) (release func()) {
	t.Helper()
	release, err := p.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// isFull says whether nothing more can be had of a pool.
func isFull(t *testing.T, p *Pool) bool {
	t.Helper()
	ctx, stop := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errEnough)
	defer stop()
	release, err := p.Acquire(ctx)
	if err == nil {
		release()
	} else if !errors.Is(err, errEnough) {
		t.Error(err)
	}
	return err != nil
}

var errEnough = errors.New("enough")

// Links that use the same folder share, and those that want fewer have the first in common.
func TestPool(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a")
	p, other, small := NewPool(folder, 3), NewPool(folder, 3), NewPool(folder, 1)
	defer p.Close()
	defer other.Close()
	defer small.Close()
	if _, err := os.Stat(folder); err == nil || p.Kind() != "locks" {
		t.Error("made before it is needed")
	}
	first, second := acquire(t, p), acquire(t, other)
	third := acquire(t, small)
	if !isFull(t, p) || !isFull(t, other) || !isFull(t, small) {
		t.Error("more tokens than there are")
	}
	third()
	third()
	if isFull(t, small) || isFull(t, p) {
		t.Error("a token is not back")
	}
	first()
	second()
}

// Close gives back what is not released.
func TestPoolClose(t *testing.T) {
	folder := t.TempDir()
	p, other := NewPool(folder, 2), NewPool(folder, 2)
	defer other.Close()
	release := acquire(t, p)
	acquire(t, p)
	p.Close()
	release()
	defer acquire(t, other)()
	defer acquire(t, other)()
	NewPool(folder, 2).Close() // never used
}

// Where there can be no locks, or others can have them, nobody waits.
func TestPoolWithoutLocks(t *testing.T) {
	folder := t.TempDir()
	file, writable, link := folder+"/file", folder+"/writable", folder+"/link"
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Mkdir(writable, 0o700), os.Chmod(writable, 0o777), os.Symlink(t.TempDir(), link)); err != nil {
		t.Fatal(err)
	}
	missing := folder + "/missing"
	for _, folder := range []string{file, file + "/x", writable, link, "/proc/none/x", missing + "/x"} {
		p := NewPool(folder, 1)
		for range 5 {
			_ = acquire(t, p)
		}
		p.Close()
	}
	if _, err := os.Lstat(missing); err == nil {
		t.Error("a folder was made that is not the pool's")
	}
	p := NewPool(t.TempDir(), 0)
	_ = acquire(t, p)
	p.Close()
}

// Several links, each with as many compiles as there are tokens, the first before the
// others: never more run than there are tokens, and about as many of each.
func TestPoolIsFair(t *testing.T) {
	const tokens, links = 3, 4
	folder := t.TempDir()
	var (
		all       sync.WaitGroup
		now, most atomic.Int64
		got       [links]atomic.Int64
	)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	for link := range links {
		p := NewPool(folder, tokens)
		defer p.Close()
		for range tokens {
			all.Go(func() {
				for release, err := p.Acquire(ctx); err == nil; release, err = p.Acquire(ctx) {
					got[link].Add(1)
					if n := now.Add(1); n > tokens {
						most.Store(n)
					}
					time.Sleep(20 * time.Millisecond)
					now.Add(-1)
					release()
				}
			})
		}
		time.Sleep(50 * time.Millisecond) // the first has them all
	}
	all.Wait()
	if most.Load() > tokens {
		t.Errorf("%d at once", most.Load())
	}
	sum, least := int64(0), got[0].Load()
	for i := range got {
		sum += got[i].Load()
		least = min(least, got[i].Load())
	}
	t.Logf("%d compiles in 2 s (at best 300), at least %d of each link", sum, least)
	if least < sum/links/3 {
		t.Error("one link has hardly any")
	}
}

func BenchmarkPool(b *testing.B) {
	p := NewPool(b.TempDir(), 3)
	defer p.Close()
	for range b.N {
		release, err := p.Acquire(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		release()
	}
}
