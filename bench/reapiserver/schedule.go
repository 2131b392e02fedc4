// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"slices"
	"strconv"
	"sync"
	"time"
)

// schedule gives simulated actions their durations, and knows how long they would take
// if each began the moment that a slot is free, in the order in which they began.
type schedule struct {
	sleep  time.Duration
	spread float64

	mu    sync.Mutex
	slots []time.Duration // when each is free
	begun int
	// When the first one began, when as many had as there are slots, and when the last
	// one is to end.
	first, full, last time.Time
}

// duration is that of an action: always the same for the same hash.
func (s *schedule) duration(hash string) time.Duration {
	d := s.sleep
	if len(hash) >= 8 {
		number, _ := strconv.ParseUint(hash[:8], 16, 32)
		d += time.Duration((2*float64(number)/(1<<32) - 1) * s.spread * float64(s.sleep))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first := slices.Index(s.slots, slices.Min(s.slots))
	s.slots[first] += d
	s.note(time.Now(), d)
	return d
}

func (s *schedule) note(now time.Time, d time.Duration) {
	s.begun++
	if s.begun == 1 {
		s.first = now
	}
	if s.begun == len(s.slots) {
		s.full = now
	}
	if end := now.Add(d); end.After(s.last) {
		s.last = end
	}
}

// summary is what is reported. Ideal is how long all that began so far would have
// taken.
type summary struct {
	Ideal             time.Duration
	First, Full, Last time.Time
}

func (s *schedule) summary() summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	return summary{slices.Max(s.slots), s.first, s.full, s.last}
}
