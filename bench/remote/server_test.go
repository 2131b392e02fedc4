// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"testing"
	"time"

	"github.com/dtlto/dtlto/bench/measure"
)

func TestSince(t *testing.T) {
	before := report{Calls: map[string]int{"Execute": 3, "Write": 2}, WireIn: 100, CPU: time.Second}
	after := report{Calls: map[string]int{"Execute": 8, "Write": 2, "Read": 1}, WireIn: 150, CPU: 3 * time.Second}
	r := after.since(before)
	if r.calls() != 6 || r.WireIn != 50 || r.CPU != 2*time.Second || after.Calls["Execute"] != 8 {
		t.Errorf("%+v", r)
	}
	if got := calls(r); got != "5 Execute, 1 Read" {
		t.Errorf("calls are %q", got)
	}
}

func TestTwice(t *testing.T) {
	r := report{Uploads: map[string]int{"a/1": 1, "b/1": 2, "c/1": 3}}
	if r.twice() != 2 {
		t.Errorf("%d blobs were sent more than once, want 2", r.twice())
	}
}

func TestMedian(t *testing.T) {
	var costs []cost
	for i, cpu := range []time.Duration{5, 1, 3} {
		costs = append(costs, cost{Cost: measure.Cost{CPU: cpu, Memory: int64(10 * i)}})
	}
	if c := median(costs); c.CPU != 3 || c.Memory != 20 {
		t.Errorf("%+v", c)
	}
}
