// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"time"
)

// Runner runs compiles, on this machine and elsewhere.
type Runner struct {
	// Slots is how many compiles run here at once, at least 1.
	Slots int
	// Away is how many are under way elsewhere at once; 0 if all run here.
	Away int
	// KeepGoing runs the rest when a compile fails.
	KeepGoing bool
	// MemoryFloor is how many bytes of memory must be free for another compile
	// to start beside running ones; 0 asks for none.
	MemoryFloor uint64
	// Tokens is whom to ask before a compile starts here beside another; nil for nobody.
	// A compile gives its token back when it ends.
	Tokens Tokens
	// MostRunning is, after Run, how many compiles ran here at once at most,
	// MostAway elsewhere.
	MostRunning, MostAway int
	// HeldBack is, after Run, how many compiles had to wait for memory.
	HeldBack int
	// TokenError is, after Run, why no more tokens were asked for: compiles then ran here
	// one by one.
	TokenError error

	available func() (uint64, bool) // asks for free memory; nil for this machine's, as for all but tests
}

// memoryPoll is how often a compile that waits for memory looks again, when
// no running one ends.
const memoryPoll = 200 * time.Millisecond

// memoryAge is how old a look at free memory may be to count.
const memoryAge = 20 * time.Millisecond

// errStopped is why compiles are ended after another failed.
var errStopped = errors.New("ended because another compile failed")

// Run does the compiles of a queue, the heaviest first, until it is closed and
// empty. It returns nil when all have made their outputs; else the failures
// (*Failure) joined, or what kept a compile from running, or why ctx ended. When it
// returns, no process that it started is left.
func (l *Runner) Run(ctx context.Context, queue *Queue) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	r := &running{Runner: l, processes: processes{null: null}, ended: make(chan struct{}, 1), admission: newAdmission(l.Tokens)}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	r.start(queue)
	if r.Away > 0 {
		r.workers.Go(func() { r.sendAway(queue) })
	}
	r.workers.Wait()
	l.TokenError = r.admission.failed
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(r.errs...)
}

// running is a Run under way.
type running struct {
	*Runner
	ctx       context.Context
	stop      context.CancelCauseFunc
	processes processes
	admission *admission

	workers sync.WaitGroup

	mu      sync.Mutex
	started int     // workers
	here    numbers // of compiles that run
	away    numbers
	errs    []error
	ended   chan struct{} // has something in it after a compile ended

	asked   time.Time // when free memory was last looked at
	isShort bool      // what was seen
}

// start starts another worker, if there may be one more. When a worker has a compile and
// may do it, it starts the next: in a link that has nothing to compile there is one, and
// it waits.
func (r *running) start(queue *Queue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started < r.Slots {
		r.started++
		r.workers.Go(func() { r.work(queue) })
	}
}

// work compiles what comes. The kernel is asked to kill a compiler when the
// thread that started it dies, so a worker keeps its thread. The compilers'
// messages go through a file that only this worker has.
func (r *running) work(queue *Queue) {
	t, ok := queue.next(r.ctx.Done())
	if !ok {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	messages, err := messageFile()
	if err != nil {
		r.finish(err) // which stops all
		return
	}
	defer messages.Close()
	slot := Slot{Run: func(ctx context.Context, c Command) (Ran, error) { return r.processes.run(ctx, c, messages) }}
	start := sync.OnceFunc(func() { r.start(queue) })
	for ; ok && r.ctx.Err() == nil; t, ok = queue.next(r.ctx.Done()) {
		ctx, stop := queue.attempt(r.ctx, t)
		r.finish(queue.end(t, r.do(ctx, t, slot, start)))
		stop()
	}
}

// do does a compile when it may start. It calls begun then.
func (r *running) do(ctx context.Context, t *task, slot Slot, begun func()) error {
	number, release, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer release()
	defer r.end(number)
	slot.Number = number
	begun()
	return t.Do(ctx, slot)
}

// finish collects what went wrong, leaving out what was ended because of it.
func (r *running) finish(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Somebody may return the context's error where its cause was meant.
	if err == nil || errors.Is(err, errStopped) || r.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	r.errs = append(r.errs, err)
	if !r.KeepGoing || !errors.As(err, new(*Failure)) {
		r.stop(errStopped)
	}
}

// begin waits until a compile may start, or ctx ends: the error is then its cause. release
// must be called when the compile has ended. While it waits for memory it has no token,
// which others can use; when it has got one, there may be no memory any more.
func (r *running) begin(ctx context.Context) (slot int, release func(), err error) {
	for waited := false; ; waited = true {
		if waited {
			r.awaitChange(ctx)
		}
		if ctx.Err() != nil {
			return 0, nil, context.Cause(ctx)
		}
		if r.mustWait(waited) {
			continue
		}
		if release, err = r.admission.wait(ctx); err != nil {
			return 0, nil, err
		}
		if slot, ok := r.take(waited); ok {
			return slot, release, nil
		}
		release()
	}
}

// awaitChange waits until there may be more memory, or ctx ends.
func (r *running) awaitChange(ctx context.Context) {
	select {
	case <-r.ended:
	case <-time.After(memoryPoll):
	case <-ctx.Done():
	}
}

// mustWait says whether a compile must wait since memory is under the floor and anything
// else runs. waited says whether it did so before.
func (r *running) mustWait(waited bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isHeldBack(waited)
}

// take gives a compile a slot unless it must wait.
func (r *running) take(waited bool) (slot int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isHeldBack(waited) {
		return 0, false
	}
	slot = r.here.take()
	r.MostRunning = max(r.MostRunning, r.here.taken)
	return slot, true
}

// isHeldBack is mustWait under the lock.
func (r *running) isHeldBack(waited bool) bool {
	must := r.MemoryFloor > 0 && r.here.taken > 0 && r.short()
	if must && !waited {
		r.HeldBack++
	}
	return must
}

func (r *running) end(slot int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.here.leave(slot)
	select {
	case r.ended <- struct{}{}:
	default:
	}
}

// short says whether memory was under the floor a moment ago. Asking the
// kernel takes longer than starting a process.
func (r *running) short() bool {
	if now := time.Now(); now.Sub(r.asked) > memoryAge {
		free, ok := r.free()
		r.asked, r.isShort = now, ok && free < r.MemoryFloor
	}
	return r.isShort
}

func (r *running) free() (uint64, bool) {
	if r.available != nil {
		return r.available()
	}
	return availableMemory(os.DirFS("/"))
}
