// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"runtime"
	"sync"
)

// queue collects items for calls that take many. As soon as there is an item and
// one of its few calls is free, a call gets everything that is there and fits.
type queue[T any] struct {
	client *Client
	slots  int
	// fit says how many of the items, at least one, go into one call.
	fit  func(items []T) int
	call func(items []T)

	mu    sync.Mutex
	items []T
	busy  int // calls under way
}

func newQueue[T any](c *Client, slots int, fit func([]T) int, call func([]T)) *queue[T] {
	return &queue[T]{client: c, slots: slots, fit: fit, call: call}
}

// takeOne is for calls that take one item.
func takeOne[T any]([]T) int { return 1 }

// put never blocks. After the client's end its calls fail at once.
func (q *queue[T]) put(items ...T) {
	if len(items) == 0 {
		return
	}
	q.mu.Lock()
	q.items = append(q.items, items...)
	start := q.claim()
	q.mu.Unlock()
	if start {
		q.start()
	}
}

// claim takes a slot for a call if there is one, and something for it to do.
func (q *queue[T]) claim() bool {
	if q.busy == q.slots || len(q.items) == 0 {
		return false
	}
	q.busy++
	return true
}

func (q *queue[T]) start() { q.client.spawn(q.run) }

// run makes calls until nothing is left. Whoever is about to put something goes
// first: of 256 jobs that start together all go with the first two calls.
func (q *queue[T]) run() {
	for {
		runtime.Gosched()
		items, more := q.next()
		if len(items) == 0 {
			return
		}
		if more {
			q.start()
		}
		q.call(items)
	}
}

// next gives what goes into one call, and says whether the caller shall start
// another one beside it. Without items the slot is free again.
func (q *queue[T]) next() (items []T, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		q.items = nil
		q.busy--
		return nil, false
	}
	n := q.fit(q.items)
	items, q.items = q.items[:n:n], q.items[n:]
	return items, q.claim()
}
