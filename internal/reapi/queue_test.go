// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"sync"
	"testing"
)

// Every item goes with one call, never more calls at once than there are slots, and what
// waits goes together.
func TestQueue(t *testing.T) {
	var mu sync.Mutex
	busy, most, calls, seen := 0, 0, 0, map[int]int{}
	gate := make(chan struct{})
	c := &Client{}
	q := newQueue(c, 3, func(items []int) int { return min(len(items), 100) }, func(items []int) {
		mu.Lock()
		busy++
		calls++
		most = max(most, busy)
		for _, i := range items {
			seen[i]++
		}
		mu.Unlock()
		<-gate
		mu.Lock()
		busy--
		mu.Unlock()
	})
	var putting sync.WaitGroup
	for i := range 10 {
		putting.Go(func() {
			for j := range 100 {
				q.put(100*i + j)
			}
		})
	}
	putting.Wait()
	q.put()
	close(gate)
	c.work.Wait()
	if len(seen) != 1000 || most > 3 || calls > 20 {
		t.Errorf("%d items, %d calls at once, %d calls", len(seen), most, calls)
	}
	for i, n := range seen {
		if n != 1 {
			t.Errorf("item %d was in %d calls", i, n)
		}
	}
	if q.busy != 0 || q.items != nil {
		t.Errorf("left: %d calls, %d items", q.busy, len(q.items))
	}
}

// One put of many items uses all slots.
func TestQueueSpreads(t *testing.T) {
	c, all := &Client{}, make(chan struct{})
	var together sync.WaitGroup
	together.Add(3)
	q := newQueue(c, 3, takeOne[int], func([]int) { together.Done(); <-all })
	q.put(1, 2, 3)
	together.Wait()
	close(all)
	c.work.Wait()
}

func TestFill(t *testing.T) {
	same := func(n int64) int64 { return n }
	for _, test := range []struct {
		sizes []int64
		room  int64
		want  int
	}{
		{[]int64{100}, 1, 1}, // one at least
		{[]int64{100, 100}, 2 * (100 + around), 2},
		{[]int64{100, 100}, 2*(100+around) - 1, 1},
		{[]int64{0, 0, 0, 5000}, 3 * around, 3},
	} {
		if n := fill(test.sizes, test.room, same); n != test.want {
			t.Errorf("fill(%v, %d) is %d, not %d", test.sizes, test.room, n, test.want)
		}
	}
}
