// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import "errors"

// NotAway is why a compile was not done elsewhere. It is then done here.
type NotAway struct{ Err error }

func (e *NotAway) Error() string { return "not done elsewhere: " + e.Err.Error() }

// Unwrap gives the reason.
func (e *NotAway) Unwrap() error { return e.Err }

// ErrLost says that the other attempt at a compile was first.
var ErrLost = errors.New("ended because the compile was done elsewhere first")

// sendAway has compiles done elsewhere, as many at once as there are slots, until the
// queue has no more of them.
func (r *running) sendAway(queue *Queue) {
	slots := make(chan struct{}, r.Away)
	for {
		select {
		case slots <- struct{}{}:
		case <-r.ctx.Done():
			return
		}
		t, ok := queue.nextAway(r.ctx.Done())
		if !ok {
			return
		}
		slot := r.takeAway()
		r.workers.Go(func() {
			defer func() { <-slots }()
			defer r.leaveAway(slot)
			ctx, stop := queue.attempt(r.ctx, t)
			defer stop()
			r.finish(queue.end(t, t.Away(ctx, slot)))
		})
	}
}

// takeAway gives a slot elsewhere a number.
func (r *running) takeAway() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	slot := r.away.take()
	r.MostAway = max(r.MostAway, r.away.taken)
	return slot
}

func (r *running) leaveAway(slot int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away.leave(slot)
}
