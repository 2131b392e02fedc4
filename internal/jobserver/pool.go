// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package jobserver

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Pool has tokens for the links of one user on one machine, which are locks on files: the
// kernel gives back those of a link that was killed. Who waits looks again and again:
// waiting in the kernel could not be ended.
type Pool struct {
	folder string
	n      int

	open  sync.Once
	locks *locks // nil if the folder cannot be used

	turn turn
	held holdings
}

// How long a link waits between two looks: twice as long after it has just got a token as
// after it was disappointed, and so on to the shortest, which makes their shares equal.
// A look takes about 1 µs for each lock.
const (
	longestWait  = 8 * time.Millisecond
	shortestWait = 2 * time.Millisecond
)

// NewPool gives the pool of n tokens in a folder, which is made when it is needed if its
// parent is there. Links that disagree about n have the first ones in common. Where the
// folder cannot be used, or is not the user's alone, tokens are given freely.
func NewPool(folder string, n int) *Pool { return &Pool{folder: folder, n: n, turn: newTurn()} }

// Kind is how tokens are passed on.
func (p *Pool) Kind() string { return "locks" }

// Acquire waits for a token, which release gives back. If ctx ends before there is one,
// the error is why.
func (p *Pool) Acquire(ctx context.Context) (release func(), err error) {
	if err := p.turn.take(ctx); err != nil {
		return nil, err
	}
	defer p.turn.leave()
	p.open.Do(func() { p.locks = openLocks(p.folder, p.n) })
	if p.locks == nil {
		return func() {}, nil
	}
	i, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	return p.held.add(func() { p.locks.unlock(i) }), nil
}

// take takes a lock, at once if nobody waits.
func (p *Pool) take(ctx context.Context) (int, error) {
	if !p.locks.othersWait() {
		if i, ok := p.locks.tryAny(); ok {
			return i, nil
		}
	}
	defer p.locks.endWait()
	for wait, seen := longestWait, false; ; wait = max(wait/2, shortestWait) {
		seen = seen || p.locks.beginWait()
		if err := sleep(ctx, wait/2+rand.N(wait)); err != nil {
			return 0, err
		}
		if i, ok := p.locks.tryAny(); ok {
			return i, nil
		}
	}
}

// Close gives back what is not released. Acquire must not be called any more, nor be
// under way.
func (p *Pool) Close() {
	p.held.releaseAll()
	if p.locks != nil {
		p.locks.close()
	}
}
