// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// queue is a closed queue of compiles.
func queue(compiles ...Compile) *Queue {
	var q Queue
	for _, c := range compiles {
		q.Add(c)
	}
	q.Close()
	return &q
}

// bag has tokens for a test, and counts.
type bag struct {
	free   chan struct{}
	broken atomic.Int64 // after so many were taken, there is an error; 0 for never
	late   time.Duration
	taken  atomic.Int64
	asked  atomic.Int64
	broke  atomic.Int64 // how often there was an error
}

var errBroken = errors.New("the pipe is broken")

func newBag(n int) *bag {
	b := &bag{free: make(chan struct{}, n)}
	for range n {
		b.free <- struct{}{}
	}
	return b
}

func (b *bag) Acquire(ctx context.Context) (func(), error) {
	b.asked.Add(1)
	if n := b.broken.Load(); n > 0 && b.taken.Load() >= n {
		b.broke.Add(1)
		return nil, errBroken
	}
	if b.late > 0 {
		<-ctx.Done()
		time.Sleep(b.late)
		<-b.free // all the same
		return func() { b.free <- struct{}{} }, nil
	}
	select {
	case <-b.free:
		b.taken.Add(1)
		return sync.OnceFunc(func() { b.free <- struct{}{} }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// allBack checks that a run has given back what it took.
func (b *bag) allBack(t *testing.T) {
	t.Helper()
	if len(b.free) != cap(b.free) {
		t.Errorf("%d of %d tokens are back", len(b.free), cap(b.free))
	}
}

// gauge counts compiles that run at once.
type gauge struct {
	mu        sync.Mutex
	now, most int
	done      int
	slots     map[int]bool // numbers in use
	highest   int          // number
	wrong     bool         // a number was given twice
}

// compile is one that takes some time.
func (g *gauge) compile(d time.Duration) Compile {
	return Compile{Do: func(ctx context.Context, slot Slot) error {
		g.begin(slot.Number)
		defer g.end(slot.Number)
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}
}

func (g *gauge) begin(slot int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slots == nil {
		g.slots = map[int]bool{}
	}
	g.wrong = g.wrong || g.slots[slot]
	g.slots[slot] = true
	g.now++
	g.most = max(g.most, g.now)
	g.highest = max(g.highest, slot)
}

func (g *gauge) end(slot int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.slots, slot)
	g.now--
	g.done++
}

func (g *gauge) compiles(n int, d time.Duration) []Compile {
	var all []Compile
	for range n {
		all = append(all, g.compile(d))
	}
	return all
}

// As many run as there are tokens, and one more, but never more than slots.
func TestTokens(t *testing.T) {
	for _, tc := range []struct{ slots, tokens, most int }{{8, 3, 4}, {8, 0, 1}, {4, 20, 4}, {1, 5, 1}, {2, 1, 2}} {
		var g gauge
		b := newBag(tc.tokens)
		l := Runner{Slots: tc.slots, Tokens: b}
		if err := l.Run(t.Context(), queue(g.compiles(60, 2*time.Millisecond)...)); err != nil || l.TokenError != nil {
			t.Fatal(err, l.TokenError)
		}
		if g.done != 60 || g.most != tc.most || l.MostRunning != tc.most || g.wrong || g.highest != tc.most-1 {
			t.Errorf("%+v: %d done, %d at once (said: %d), slots to %d, twice: %v", tc, g.done, g.most, l.MostRunning, g.highest, g.wrong)
		}
		if tc.slots == 1 && b.asked.Load() > 0 {
			t.Errorf("%d tokens were asked for with one slot", b.asked.Load())
		}
		b.allBack(t)
	}
}

// A compile gives back its token when it ends, not when the link does: another link gets it.
func TestTokensAreShared(t *testing.T) {
	b := newBag(1)
	var one, other gauge
	var both sync.WaitGroup
	for _, g := range []*gauge{&one, &other} {
		both.Go(func() {
			if err := (&Runner{Slots: 4, Tokens: b}).Run(t.Context(), queue(g.compiles(40, 2*time.Millisecond)...)); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if one.most != 2 || other.most != 2 || one.done+other.done != 80 {
		t.Errorf("%d and %d at once", one.most, other.most)
	}
	b.allBack(t)
}

// Without tokens any more a link goes on with the compile that needs none.
func TestTokensBreak(t *testing.T) {
	for _, broken := range []int64{1, 10} {
		var g gauge
		b := newBag(3)
		b.broken.Store(broken)
		l := Runner{Slots: 8, Tokens: b}
		if err := l.Run(t.Context(), queue(g.compiles(60, time.Millisecond)...)); err != nil {
			t.Fatal(err)
		}
		if g.done != 60 || !errors.Is(l.TokenError, errBroken) || b.broke.Load() > 5 { // one, and those that came too late to be noted
			t.Errorf("%d done, %d errors, noted %v", g.done, b.broke.Load(), l.TokenError)
		}
		b.allBack(t)
	}
}

// However a run ends, its tokens are back: those that compiles had, and one that came
// when nobody waited for it any more.
func TestTokensAfterTheEnd(t *testing.T) {
	interrupted, failed := errors.New("interrupted"), errors.New("no disk")
	for _, late := range []time.Duration{0, 20 * time.Millisecond} {
		for _, want := range []error{interrupted, failed} {
			var g gauge
			b := newBag(3)
			b.late = late
			compiles := g.compiles(20, time.Minute)
			ctx, stop := context.WithCancelCause(t.Context())
			if errors.Is(want, interrupted) {
				time.AfterFunc(20*time.Millisecond, func() { stop(interrupted) })
			} else {
				compiles[0].Do = func(context.Context, Slot) error { time.Sleep(20 * time.Millisecond); return failed }
			}
			l := Runner{Slots: 8, Tokens: b}
			if err := l.Run(ctx, queue(compiles...)); !errors.Is(err, want) || l.TokenError != nil {
				t.Errorf("error %v, %v", err, l.TokenError)
			}
			b.allBack(t)
			stop(nil)
		}
	}
}

// A compile that waits for memory has no token, which others can use, also not one that
// it got when there was no memory any more.
func TestTokensWhileMemoryIsShort(t *testing.T) {
	for _, before := range []bool{true, false} { // short before the second compile waits for a token
		var isShort atomic.Bool
		isShort.Store(before)
		b := newBag(1)
		token := <-b.free
		l := Runner{Slots: 2, Tokens: b, MemoryFloor: 1, available: func() (uint64, bool) { return map[bool]uint64{false: 1}[isShort.Load()], true }}
		var second atomic.Bool
		q := queue(
			Compile{Weight: 1, Do: func(context.Context, Slot) error {
				await(t, "a token is asked for", func() bool { return before || b.asked.Load() == 1 })
				isShort.Store(true)
				time.Sleep(2 * memoryAge)
				b.free <- token
				await(t, "the token was had once", func() bool { return before || b.taken.Load() == 1 })
				time.Sleep(2 * memoryAge)
				if len(b.free) != 1 || second.Load() || b.asked.Load() != map[bool]int64{false: 1}[before] {
					t.Errorf("short before: %v: %d tokens to be had, asked for %d times, second runs: %v", before, len(b.free), b.asked.Load(), second.Load())
				}
				isShort.Store(false)
				await(t, "the second runs as well", second.Load)
				return nil
			}},
			Compile{Do: func(context.Context, Slot) error { second.Store(true); return nil }})
		if err := l.Run(t.Context(), q); err != nil || l.HeldBack != 1 || l.MostRunning != 2 {
			t.Errorf("%v; %d held back, %d at once", err, l.HeldBack, l.MostRunning)
		}
		b.allBack(t)
	}
}

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for start := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Errorf("not so: %s", what)
			return
		}
	}
}

// A compile that waits for a token is not waited for when it is done elsewhere.
func TestTokenNotNeeded(t *testing.T) {
	q := Queue{}
	away := make(chan struct{})
	q.Add(Compile{Weight: 2, Do: func(ctx context.Context, _ Slot) error { close(away); time.Sleep(50 * time.Millisecond); return nil }})
	q.Add(Compile{
		Weight: 1,
		Do:     func(context.Context, Slot) error { t.Error("done here too"); return ErrLost },
		Away:   func(context.Context, int) error { <-away; time.Sleep(10 * time.Millisecond); return nil },
	})
	q.Close()
	b := newBag(0)
	if err := (&Runner{Slots: 2, Away: 1, Tokens: b}).Run(t.Context(), &q); err != nil {
		t.Error(err)
	}
}

func TestNumbers(t *testing.T) {
	var n numbers
	for i := range 3 {
		if got := n.take(); got != i {
			t.Errorf("got %d, want %d", got, i)
		}
	}
	n.leave(1)
	n.leave(0)
	if a, b, c := n.take(), n.take(), n.take(); a != 0 || b != 1 || c != 3 || n.taken != 4 {
		t.Errorf("got %d, %d, %d of %d", a, b, c, n.taken)
	}
}

// Tokens cost little beside a compile.
func BenchmarkTokens(b *testing.B) {
	var q Queue
	for range b.N {
		q.Add(Compile{Do: func(context.Context, Slot) error { return nil }})
	}
	q.Close()
	b.ResetTimer()
	if err := (&Runner{Slots: 8, Tokens: newBag(7)}).Run(b.Context(), &q); err != nil {
		b.Fatal(err)
	}
}
