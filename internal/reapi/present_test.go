// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/remote"
)

// What is claimed, for each thing that can be known of a blob.
func TestClaim(t *testing.T) {
	p, b := newPresent(), []remote.Blob{inMemory([]byte("a"))}
	counts := func(ask, send, share int) *upload {
		t.Helper()
		c := p.claim(b)
		if len(c.ask) != ask || len(c.send) != send || len(c.share) != share {
			t.Errorf("claims %d, %d, %d instead of %d, %d, %d", len(c.ask), len(c.send), len(c.share), ask, send, share)
		}
		for _, us := range [][]*upload{c.ask, c.send, c.share} {
			if len(us) > 0 {
				return us[0]
			}
		}
		return nil
	}
	digests := []cas.Digest{b[0].Digest}
	first := counts(1, 0, 0)
	if counts(0, 0, 1) != first {
		t.Error("not shared")
	}
	p.forget(digests, true, p.now()) // under way: nothing to forget
	p.settle(errors.New("no"), first)
	second := counts(1, 0, 0) // a failure lets the next one try
	p.settle(nil, second)
	counts(0, 0, 0)
	p.forget(digests, true, p.now()-1) // sent since: asked about
	p.settle(nil, counts(1, 0, 0))
	p.forget(digests, true, p.now()) // lost: sent
	p.forget(digests, false, 0)
	p.settle(nil, counts(0, 1, 0))
	p.forget(digests, false, 0) // perhaps lost: asked about
	counts(1, 0, 0)
}

// Uploads for which nobody waits any more are not made.
func TestUnwanted(t *testing.T) {
	p, blobs := newPresent(), []remote.Blob{inMemory([]byte("a")), inMemory([]byte("b"))}
	first, second := p.claim(blobs), p.claim(blobs[:1])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.wait(ctx, first.ask); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	kept := p.wanted(first.ask)
	if len(kept) != 1 || kept[0] != second.share[0] {
		t.Errorf("%d uploads are left", len(kept))
	}
	if len(p.claim(blobs).ask) != 1 {
		t.Error("an upload that was given up is still known")
	}
}

// What one cannot read, another one may.
func TestUnreadable(t *testing.T) {
	for _, size := range []int{1000, 6_000_000} {
		s, c := start(t, reapitest.Options{})
		good := onDisk(t, random(1, size))
		gate, bad := make(chan struct{}), good
		failure := errors.New("cannot be read")
		bad.Open = func() (io.ReadCloser, error) { <-gate; return nil, failure }
		first := make(chan error)
		go func() { first <- c.Ensure(t.Context(), []remote.Blob{bad}) }()
		for s.Stats().Calls["FindMissingBlobs"] == 0 {
			time.Sleep(time.Millisecond)
		}
		time.AfterFunc(50*time.Millisecond, func() { close(gate) })
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := c.Ensure(t.Context(), []remote.Blob{good}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := <-first; !errors.Is(err, failure) {
			t.Errorf("%v", err)
		}
		if !s.Has(message(good.Digest)) {
			t.Error("not there")
		}
	}
}

// A file that is no longer what its digest says is an error, whichever way it goes.
func TestChanged(t *testing.T) {
	for name, o := range map[string]reapitest.Options{"plain": {}, "zstd": {Zstd: true, BatchZstd: true}, "BLAKE3": {Functions: blake3Only}} {
		for _, size := range []int{1000, 6_000_000} {
			_, c := start(t, o)
			for kind, data := range map[string][]byte{"other": random(2, size), "longer": random(1, size+10), "shorter": random(1, size-10), "empty": nil} {
				b := onDisk(t, data)
				b.Digest = cas.DigestOf(random(1, size))
				if err := c.Ensure(t.Context(), []remote.Blob{b}); err == nil {
					t.Errorf("%s, %d bytes, %s: no error", name, size, kind)
				}
			}
		}
	}
}

// After Close everything fails at once, and no goroutine is left waiting.
func TestClose(t *testing.T) {
	_, c := start(t, reapitest.Options{Faults: []reapitest.Fault{{Kind: reapitest.Hang, Method: "FindMissingBlobs"}}})
	ended := make(chan error)
	go func() { ended <- c.Ensure(t.Context(), []remote.Blob{inMemory([]byte("a"))}) }()
	time.Sleep(50 * time.Millisecond)
	c.Close()
	if err := <-ended; !errors.Is(err, errClosed) {
		t.Errorf("%v", err)
	}
	if err := c.Ensure(t.Context(), []remote.Blob{inMemory([]byte("b"))}); err == nil {
		t.Error("after Close: no error")
	}
	if _, err := c.Execute(t.Context(), job("m", "true", nil, "a.o"), false); err == nil {
		t.Error("after Close: no error")
	}
	c.Close()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, part := range []string{"reapi.(*Client)", "reapi.(*queue", "reapi.(*execution)", "reapi.(*flights)"} {
		if bytes.Contains(stacks, []byte(part)) {
			t.Errorf("%s is still there:\n%s", part, stacks)
		}
	}
}
