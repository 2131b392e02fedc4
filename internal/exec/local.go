// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"cmp"
	"context"
	"errors"
	"os"
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
	// Done, if set, hears of each compile that made its outputs, in the order
	// in which they end, one at a time.
	Done func(Result)

	ctx  context.Context // of the Run under way
	stop context.CancelCauseFunc
}

// memoryPoll is how often a compile that waits for memory looks again, when
// no running one ends.
const memoryPoll = 200 * time.Millisecond

// errStopped is why compiles are ended after another failed.
var errStopped = errors.New("ended because another compile failed")

// Run runs the compiles, the heaviest first. It returns nil when all have made
// their outputs; else the failures (*Failure) joined, or what kept a compile
// from running, or why ctx ended. When it returns, no process that it started
// is left, nor any file but complete outputs.
func (l *Local) Run(ctx context.Context, compiles []Compile) error {
	l.ctx, l.stop = context.WithCancelCause(ctx)
	defer l.stop(nil)
	if len(compiles) == 0 {
		return nil
	}
	if err := lookup(compiles[0].Args[0]); err != nil {
		return err
	}
	var aside asideFolders
	defer aside.remove()
	errs := l.runAll(heaviestFirst(compiles), &aside)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(errs...)
}

// runAll starts compiles as slots and memory allow and collects what went
// wrong, leaving out those that were ended because of it.
func (l *Local) runAll(compiles []*Compile, aside *asideFolders) []error {
	var (
		mu      sync.Mutex
		errs    []error
		running sync.WaitGroup
		slots   = make(chan struct{}, l.Slots)
		ended   = make(chan struct{}, 1)
	)
	finish := func(result Result, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil && l.Done != nil:
			l.Done(result)
		case err != nil && !errors.Is(err, errStopped):
			errs = append(errs, err)
			if !l.KeepGoing || !errors.As(err, new(*Failure)) {
				l.stop(errStopped)
			}
		}
	}
	for _, c := range compiles {
		if !l.acquire(slots, ended) {
			break
		}
		running.Go(func() {
			finish(l.attempt(c, aside))
			<-slots
			select {
			case ended <- struct{}{}:
			default:
			}
		})
	}
	running.Wait()
	return errs
}

// acquire waits for a free slot, and for memory if anything runs already. It
// returns false when there is nothing more to start.
func (l *Local) acquire(slots, ended chan struct{}) bool {
	select {
	case slots <- struct{}{}:
	case <-l.ctx.Done():
		return false
	}
	for len(slots) > 1 && l.MemoryFloor > 0 && l.short() {
		select {
		case <-ended:
		case <-time.After(memoryPoll):
		case <-l.ctx.Done():
			return false
		}
	}
	return l.ctx.Err() == nil
}

// short says whether memory is under the floor.
func (l *Local) short() bool {
	available, ok := availableMemory(os.DirFS("/"))
	return ok && available < l.MemoryFloor
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
