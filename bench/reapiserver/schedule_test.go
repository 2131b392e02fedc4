// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"testing"
	"time"
)

func TestSchedule(t *testing.T) {
	s := &schedule{sleep: time.Second, slots: make([]time.Duration, 4)}
	for range 9 {
		if d := s.duration("0123456789"); d != time.Second {
			t.Fatalf("a duration of %v", d)
		}
	}
	said := s.summary()
	if said.Ideal != 3*time.Second {
		t.Errorf("nine seconds on four slots take %v", said.Ideal)
	}
	if said.First.IsZero() || said.Full.Before(said.First) || said.Last.Sub(said.Full) < time.Second {
		t.Errorf("the first at %v, the fourth at %v, all ended at %v", said.First, said.Full, said.Last)
	}
}

func TestSpread(t *testing.T) {
	s := &schedule{sleep: time.Second, spread: 0.5, slots: make([]time.Duration, 1)}
	for hash, want := range map[string]time.Duration{
		"00000000ff": 500 * time.Millisecond, "80000000ff": time.Second, "c0000000ff": 1250 * time.Millisecond,
	} {
		if got := s.duration(hash); got != want || s.duration(hash) != got {
			t.Errorf("%s takes %v, want %v", hash, got, want)
		}
	}
	if ideal := s.summary().Ideal; ideal != 5500*time.Millisecond {
		t.Errorf("one after the other they take %v", ideal)
	}
}
