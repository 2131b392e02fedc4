// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Local runs compiles on this machine.
type Local struct {
	// Slots is how many compiles run at once, at least 1.
	Slots int
	// KeepGoing runs the rest when a compile fails.
	KeepGoing bool
	// MemoryFloor is how many bytes of memory must be free for another compile
	// to start beside running ones; 0 asks for none.
	MemoryFloor uint64
	// MostRunning is, after Run, how many compiles ran at once at most.
	MostRunning int
	// HeldBack is, after Run, how many compiles had to wait for memory.
	HeldBack int
}

// memoryPoll is how often a compile that waits for memory looks again, when
// no running one ends.
const memoryPoll = 200 * time.Millisecond

// memoryAge is how old a look at free memory may be to count.
const memoryAge = 20 * time.Millisecond

// errStopped is why compiles are ended after another failed.
var errStopped = errors.New("ended because another compile failed")

// Run does the compiles, the heaviest first. It returns nil when all have made
// their outputs; else the failures (*Failure) joined, or what kept a compile from
// running, or why ctx ended. When it returns, no process that it started is
// left.
func (l *Local) Run(ctx context.Context, compiles []Compile) error {
	if len(compiles) == 0 {
		return nil
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	r := &running{Local: l, processes: processes{null: null}, ended: make(chan struct{}, 1)}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	defer context.AfterFunc(r.ctx, r.processes.end)()
	r.all(heaviestFirst(compiles))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(r.errs...)
}

// running is a Run under way.
type running struct {
	*Local
	ctx       context.Context
	stop      context.CancelCauseFunc
	processes processes

	mu    sync.Mutex
	busy  int
	errs  []error
	ended chan struct{} // has something in it after a compile ended

	asked   time.Time // when free memory was last looked at
	isShort bool      // what was seen
}

// all hands the compiles to as many workers as there are slots.
func (r *running) all(compiles []*Compile) {
	queue := make(chan *Compile)
	var workers sync.WaitGroup
	for range min(r.Slots, len(compiles)) {
		workers.Go(func() { r.work(queue) })
	}
	for _, c := range compiles {
		select {
		case queue <- c:
			continue
		case <-r.ctx.Done():
		}
		break
	}
	close(queue)
	workers.Wait()
}

// work compiles what comes. The kernel is asked to kill a compiler when the
// thread that started it dies, so a worker keeps its thread. The compilers'
// messages go through a file that only this worker has.
func (r *running) work(queue <-chan *Compile) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	messages, err := messageFile()
	if err != nil {
		r.finish(err) // which stops all
		return
	}
	defer messages.Close()
	run := func(ctx context.Context, c Command) (Ran, error) { return r.processes.run(ctx, c, messages) }
	for c := range queue {
		r.begin()
		r.finish(c.Do(r.ctx, run))
		r.end()
	}
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

// begin waits while memory is under the floor and anything else runs.
func (r *running) begin() {
	for waited := false; !r.admitted(waited); waited = true {
		select {
		case <-r.ended:
		case <-time.After(memoryPoll):
		case <-r.ctx.Done():
		}
	}
}

func (r *running) admitted(waited bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.MemoryFloor > 0 && r.busy > 0 && r.ctx.Err() == nil && r.short() {
		if !waited {
			r.HeldBack++
		}
		return false
	}
	r.busy++
	r.MostRunning = max(r.MostRunning, r.busy)
	return true
}

func (r *running) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy--
	select {
	case r.ended <- struct{}{}:
	default:
	}
}

// short says whether memory was under the floor a moment ago. Asking the
// kernel takes longer than starting a process.
func (r *running) short() bool {
	if now := time.Now(); now.Sub(r.asked) > memoryAge {
		available, ok := availableMemory(os.DirFS("/"))
		r.asked, r.isShort = now, ok && available < r.MemoryFloor
	}
	return r.isShort
}

// heaviestFirst orders compiles by weight; equal ones keep their order.
func heaviestFirst(compiles []Compile) []*Compile {
	ordered := make([]*Compile, len(compiles))
	for i := range compiles {
		ordered[i] = &compiles[i]
	}
	slices.SortStableFunc(ordered, func(a, b *Compile) int { return cmp.Compare(b.Weight, a.Weight) })
	return ordered
}
