// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// Queue has compiles that wait for a slot, the heaviest in front; of equal ones
// the first that was added. Compiles may be added while others run. The zero Queue
// is empty and open.
//
// A compile that can be done elsewhere waits for a slot there. This machine takes it
// when it comes back undone, and when it has been away for longer than Patience and a
// slot is idle here: of several, first those that still wait. A slot elsewhere that is
// idle takes what is under way here likewise. Whichever attempt is first counts.
type Queue struct {
	// Patience is how long a compile may be away. It must be set before the first Add.
	Patience time.Duration

	mu     sync.Mutex
	here   taskHeap // only for this machine
	away   taskHeap // wait for a slot elsewhere
	late   []*task  // can be done elsewhere and have not ended, the oldest first
	twins  []*task  // waited for a slot elsewhere until this machine took them
	open   int      // can be done elsewhere and have not ended
	added  int
	closed bool
	signal chan struct{} // closed, and replaced, when something changes
}

// task is a compile, and the attempts at it.
type task struct {
	Compile
	number int
	added  time.Time
	isHere bool // this machine has it, or will
	ended  bool
	under  int                       // attempts under way
	stops  []context.CancelCauseFunc // of attempts
}

// Add adds a compile.
func (q *Queue) Add(c Compile) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := &task{Compile: c, number: q.added, isHere: c.Away == nil}
	q.added++
	if t.isHere {
		heap.Push(&q.here, t)
	} else {
		t.added = time.Now()
		heap.Push(&q.away, t)
		q.late = append(q.late, t)
		q.open++
	}
	q.changed()
}

// AwaitRoom waits until fewer than n compiles wait for a slot elsewhere, or done is
// closed: whoever adds many need not have them all in memory.
func (q *Queue) AwaitRoom(done <-chan struct{}, n int) {
	q.await(done, func() (*task, bool, time.Duration) { return nil, len(q.away) < n, 0 })
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

// next takes a compile for this machine, when there is one. ok is false when there
// will be none any more, or done is closed.
func (q *Queue) next(done <-chan struct{}) (t *task, ok bool) { return q.await(done, q.takeHere) }

// nextAway takes a compile to be done elsewhere, likewise.
func (q *Queue) nextAway(done <-chan struct{}) (t *task, ok bool) { return q.await(done, q.takeAway) }

// await calls take, which is under the lock, until it gives a task or says that there
// will be none; else how long it is until it should be asked again, if nothing changes
// before, or 0 for as long as that takes.
func (q *Queue) await(done <-chan struct{}, take func() (t *task, ended bool, wait time.Duration)) (*task, bool) {
	for {
		q.mu.Lock()
		t, ended, wait := take()
		if t != nil || ended {
			q.mu.Unlock()
			return t, t != nil
		}
		if q.signal == nil {
			q.signal = make(chan struct{})
		}
		changed := q.signal
		q.mu.Unlock()
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-changed:
		case <-due:
		case <-done:
			return nil, false
		}
	}
}

func (q *Queue) takeAway() (*task, bool, time.Duration) {
	for len(q.away) > 0 {
		q.changed() // there is room
		if t := heap.Pop(&q.away).(*task); !t.ended {
			return t, false, 0
		}
	}
	for len(q.twins) > 0 {
		t := q.twins[0]
		q.twins = q.twins[1:]
		if !t.ended {
			return t, false, 0
		}
	}
	return nil, q.closed, 0
}

func (q *Queue) takeHere() (*task, bool, time.Duration) {
	if len(q.here) > 0 {
		return heap.Pop(&q.here).(*task), false, 0
	}
	for len(q.late) > 0 && (q.late[0].isHere || q.late[0].ended) {
		q.late = q.late[1:]
	}
	if len(q.late) == 0 {
		return nil, q.closed && q.open == 0, 0
	}
	if wait := q.Patience - time.Since(q.late[0].added); wait > 0 {
		return nil, false, wait
	}
	t := q.late[0]
	if len(q.away) > 0 && time.Since(q.away[0].added) >= q.Patience {
		t = heap.Pop(&q.away).(*task) // not to do twice what others can do once
		q.twins = append(q.twins, t)
		q.changed()
	}
	t.isHere = true
	return t, false, 0
}

// attempt gives the context of an attempt at a compile, which ends with ErrLost when
// the other attempt counts. stop must be called at the end.
func (q *Queue) attempt(ctx context.Context, t *task) (attempt context.Context, stop func()) {
	if t.Away == nil {
		return ctx, func() {}
	}
	attempt, cancel := context.WithCancelCause(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.ended {
		cancel(ErrLost)
	}
	t.under++
	t.stops = append(t.stops, cancel)
	return attempt, func() { cancel(nil) }
}

// end says how an attempt ended, and gives the error that the compile ended with, or
// nil if it did not end.
func (q *Queue) end(t *task, err error) error {
	if t.Away == nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	t.under--
	switch {
	case t.ended || errors.Is(err, ErrLost) && t.under > 0:
		return nil
	case errors.Is(err, ErrLost):
		err = errors.New("a compile was left undone by both attempts at it") // or nobody would end it
	case errors.As(err, new(*NotAway)):
		if !t.isHere {
			t.isHere = true
			heap.Push(&q.here, t)
			q.changed()
		}
		return nil
	}
	t.ended = true
	for _, stop := range t.stops {
		stop(ErrLost)
	}
	q.open--
	q.changed()
	return err
}

type taskHeap []*task

func (h taskHeap) Len() int { return len(h) }
func (h taskHeap) Less(i, j int) bool {
	return h[i].Weight > h[j].Weight || h[i].Weight == h[j].Weight && h[i].number < h[j].number
}
func (h taskHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *taskHeap) Push(x any)   { *h = append(*h, x.(*task)) }
func (h *taskHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return x
}
