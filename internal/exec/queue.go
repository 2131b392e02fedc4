// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"container/heap"
	"sync"
)

// Queue has compiles that wait for a slot, the heaviest in front; of equal ones
// the first that was added. Compiles may be added while others run. The zero Queue
// is empty and open.
type Queue struct {
	mu      sync.Mutex
	waiting compileHeap
	added   int
	closed  bool
	signal  chan struct{} // closed, and replaced, when something changes
}

// Add adds a compile.
func (q *Queue) Add(c Compile) {
	q.mu.Lock()
	defer q.mu.Unlock()
	heap.Push(&q.waiting, queued{c, q.added})
	q.added++
	q.changed()
}

// Close says that no more will be added.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed()
}

func (q *Queue) changed() {
	if q.signal != nil {
		close(q.signal)
		q.signal = nil
	}
}

// next takes the heaviest compile, when there is one. ok is false when there
// will be none any more, or done is closed.
func (q *Queue) next(done <-chan struct{}) (c Compile, ok bool) {
	for {
		c, ok, wait := q.take()
		if wait == nil {
			return c, ok
		}
		select {
		case <-wait:
		case <-done:
			return Compile{}, false
		}
	}
}

func (q *Queue) take() (c Compile, ok bool, wait <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.waiting) > 0:
		return heap.Pop(&q.waiting).(queued).Compile, true, nil
	case q.closed:
		return Compile{}, false, nil
	case q.signal == nil:
		q.signal = make(chan struct{})
	}
	return Compile{}, false, q.signal
}

type queued struct {
	Compile
	number int
}

type compileHeap []queued

func (h compileHeap) Len() int { return len(h) }
func (h compileHeap) Less(i, j int) bool {
	return h[i].Weight > h[j].Weight || h[i].Weight == h[j].Weight && h[i].number < h[j].number
}
func (h compileHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *compileHeap) Push(x any)   { *h = append(*h, x.(queued)) }
func (h *compileHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
