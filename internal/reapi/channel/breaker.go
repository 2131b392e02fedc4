// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dtlto/dtlto/internal/remote"
)

const (
	// tripFailures and tripAfter: a channel gives up after that many failures with no
	// answer in between, that go on for that long. Time counts as well because one lost
	// connection fails all its calls, hundreds, at once, and may be back at once.
	tripFailures = 5
	tripAfter    = 5 * time.Second
	// minTokens are the retries that can be made of nothing, and retryShare is how many
	// each call that goes well adds: where more than a third of all calls fail, retries
	// only make it worse. A lost connection can cost one for each job under way, so there
	// are tokensPerJob more.
	minTokens    = 100
	tokensPerJob = 2
	retryShare   = 0.5
)

// breaker gives up when a server is of no use, and keeps retries in bounds.
type breaker struct {
	answered atomic.Bool                  // a server has answered anything, ever
	opened   atomic.Pointer[remote.Error] // why it gave up
	failing  atomic.Bool                  // failures > 0
	last     atomic.Int64                 // when it last answered, in nanoseconds since 1970

	mu       sync.Mutex
	failures int       // in a row
	since    time.Time // when they began
	tokens   float64
	most     float64 // tokens
}

// newBreaker is for a channel with so many jobs under way at once.
func newBreaker(jobs int) *breaker {
	most := float64(minTokens + tokensPerJob*max(jobs, 0))
	return &breaker{tokens: most, most: most}
}

// alive notes that the server said something; called for every message of a stream.
func (b *breaker) alive(now time.Time) {
	if !b.answered.Load() {
		b.answered.Store(true)
	}
	b.last.Store(now.UnixNano())
	if !b.failing.Load() {
		return
	}
	b.mu.Lock()
	b.failures = 0
	b.failing.Store(false)
	b.mu.Unlock()
}

// failed notes a failure of the server or the way to it, that began at since, and
// says whether it was one too many. What hung since before the last answer counts
// from that answer.
func (b *breaker) failed(since, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if last := time.Unix(0, b.last.Load()); since.Before(last) {
		since = last
	}
	if b.failures == 0 || since.Before(b.since) {
		b.since = since
	}
	b.failures++
	b.failing.Store(true)
	return b.failures >= tripFailures && now.Sub(b.since) >= tripAfter
}

// open gives up, for the first reason that there was.
func (b *breaker) open(reason *remote.Error) { b.opened.CompareAndSwap(nil, reason) }

// earn notes a call that went well.
func (b *breaker) earn() {
	b.mu.Lock()
	b.tokens = min(b.tokens+retryShare, b.most)
	b.mu.Unlock()
}

// spend asks for a retry.
func (b *breaker) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
