// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// both makes a compile that can be done here, by a shell, and elsewhere. Whoever is
// first says so in won, and the other is told that it lost.
func both(won *atomic.Value, script string, away func(context.Context) error) Compile {
	var claimed atomic.Bool
	claim := func(who string) error {
		if !claimed.CompareAndSwap(false, true) {
			return ErrLost
		}
		won.Store(who)
		return nil
	}
	return Compile{
		Do: func(ctx context.Context, slot Slot) error {
			ran, err := slot.Run(ctx, Command{Path: "/bin/sh", Args: []string{"sh", "-c", script}})
			if err != nil {
				return err
			}
			if ran.Failure != "" {
				return &Failure{Name: "m", Reason: ran.Failure}
			}
			return claim("here")
		},
		Away: func(ctx context.Context, _ int) error {
			if err := away(ctx); err != nil {
				return err
			}
			return claim("away")
		},
	}
}

func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func unavailable(context.Context) error { return &NotAway{errors.New("no cluster")} }
func atOnce(context.Context) error      { return nil }

func TestAway(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		away         func(context.Context) error
		patience     time.Duration
		won          string
		failure      string
	}{
		{name: "elsewhere", script: "exit 9", away: atOnce, patience: time.Hour, won: "away"},
		{name: "comes back", script: "exit 0", away: unavailable, patience: time.Hour, won: "here"},
		{name: "comes back and fails", script: "exit 9", away: unavailable, patience: time.Hour, failure: "exited with 9"},
		{name: "fails elsewhere for good", script: "exit 0", away: func(context.Context) error { return errors.New("disk full") }, patience: time.Hour, failure: "disk full"},
		{name: "is late", script: "exit 0", away: untilDone, patience: 10 * time.Millisecond, won: "here"},
		{name: "races and is first here", script: "exit 0", away: untilDone, won: "here"},
		{name: "races and is first there", script: "sleep 60", won: "away", away: func(context.Context) error {
			time.Sleep(20 * time.Millisecond)
			return nil
		}},
		{name: "both leave it to the other", script: "exit 0", away: func(context.Context) error { return ErrLost }, failure: "left undone by both"},
		{name: "races and fails here", script: "exit 9", away: untilDone, failure: "exited with 9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var won atomic.Value
			won.Store("")
			q := Queue{Patience: tc.patience}
			c := both(&won, tc.script, tc.away)
			if strings.Contains(tc.name, "both leave") {
				c.Do = func(context.Context, Slot) error { return ErrLost }
			}
			q.Add(c)
			q.Close()
			started := time.Now()
			err := (&Runner{Slots: 1, Away: 1}).Run(t.Context(), &q)
			if fmt.Sprint(err) != "<nil>" && tc.failure == "" || tc.failure != "" && (err == nil || !strings.Contains(err.Error(), tc.failure)) {
				t.Errorf("error %v, want %q", err, tc.failure)
			}
			if won.Load() != tc.won {
				t.Errorf("%q was first, want %q", won.Load(), tc.won)
			}
			if time.Since(started) > 30*time.Second {
				t.Error("the loser was waited for")
			}
		})
	}
}

// With one slot elsewhere, what waits for it is done here rather than what is under way.
func TestIdleSlotsTakeWhatWaits(t *testing.T) {
	q := Queue{}
	release := make(chan struct{})
	var under, waiting atomic.Value
	under.Store("")
	waiting.Store("")
	first := both(&under, "sleep 60", func(context.Context) error { <-release; return nil })
	first.Weight = 9
	q.Add(first)
	second := both(&waiting, "exit 0", untilDone)
	inner := second.Do
	second.Do = func(ctx context.Context, slot Slot) error { defer close(release); return inner(ctx, slot) }
	q.Add(second)
	taken, ok := q.nextAway(nil)
	if !ok || taken.Weight != 9 {
		t.Fatal("the heaviest does not go first")
	}
	q.Close()
	go func() { _ = q.end(taken, taken.Away(t.Context(), 0)) }()
	if err := (&Runner{Slots: 1}).Run(t.Context(), &q); err != nil {
		t.Fatal(err)
	}
	if under.Load() != "away" || waiting.Load() != "here" {
		t.Errorf("the one under way was done %q, the other %q", under.Load(), waiting.Load())
	}
}

// Many compiles that fail elsewhere in every way, and are done all the same.
func TestAwayMany(t *testing.T) {
	q := Queue{Patience: 5 * time.Millisecond}
	var done [200]atomic.Value
	for i := range done {
		done[i].Store("")
		q.Add(both(&done[i], "exit 0", []func(context.Context) error{atOnce, unavailable, untilDone, atOnce, atOnce}[i%5]))
	}
	q.Close()
	runner := Runner{Slots: 2, Away: 50}
	if err := runner.Run(t.Context(), &q); err != nil {
		t.Fatal(err)
	}
	for i := range done {
		if who := done[i].Load(); who == "" || who == "away" && (i%5 == 1 || i%5 == 2) {
			t.Errorf("%d was done by %q", i, who)
		}
	}
	if runner.MostAway < 10 || runner.MostAway > 50 || runner.MostRunning > 2 {
		t.Errorf("at most %d elsewhere and %d here", runner.MostAway, runner.MostRunning)
	}
}

// Whoever adds compiles waits for room, and for nothing else.
func TestAwaitRoom(t *testing.T) {
	q := Queue{Patience: time.Hour}
	var won [40]atomic.Value
	go func() {
		defer q.Close()
		for i := range won {
			q.AwaitRoom(t.Context().Done(), 3)
			q.mu.Lock()
			if len(q.away) >= 3 {
				t.Errorf("%d wait", len(q.away))
			}
			q.mu.Unlock()
			q.Add(both(&won[i], "exit 9", atOnce))
		}
	}()
	if err := (&Runner{Slots: 1, Away: 2}).Run(t.Context(), &q); err != nil {
		t.Error(err)
	}
	for i := range won {
		if won[i].Load() != "away" {
			t.Errorf("%d was not done", i)
		}
	}
	done := make(chan struct{})
	full := Queue{Patience: time.Hour}
	full.Add(both(&won[0], "exit 9", atOnce))
	close(done)
	full.AwaitRoom(done, 1) // nobody takes it, and nobody waits for that
}

// An interrupt ends both attempts.
func TestAwayInterrupted(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	var won atomic.Value
	q := Queue{}
	q.Add(both(&won, "sleep 60", untilDone))
	q.Close()
	time.AfterFunc(50*time.Millisecond, func() { stop(interrupted) })
	if err := (&Runner{Slots: 1, Away: 1}).Run(ctx, &q); !errors.Is(err, interrupted) {
		t.Errorf("error %v", err)
	}
}
