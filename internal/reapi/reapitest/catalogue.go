// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"math"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
)

// Catalogue is every kind of fault in the forms in which clusters have them, with
// names of their own: for tests that try each alone, and all together by chance.
func Catalogue() []Fault {
	return slices.Concat(callCatalogue(), streamCatalogue(), []Fault{
		{Name: "lost blob", Kind: LostBlob},
		{Name: "evicted input", Kind: EvictInput},
		{Name: "corrupt download", Kind: Corrupt},
		{Name: "short download", Kind: Short},
		{Name: "no stderr", Kind: NoStderr},
		{Name: "lost stderr", Kind: LostStderr},
		{Name: "lost output", Kind: LostOutput},
		{Name: "no output", Kind: NoOutput},
		{Name: "empty output", Kind: EmptyOutput},
		{Name: "worker dies, unavailable", Kind: Death, Delay: 5 * time.Millisecond},
		{Name: "worker dies, internal", Kind: Death, Delay: 5 * time.Millisecond, Code: codes.Internal},
		{Name: "worker dies, aborted", Kind: Death, Delay: 5 * time.Millisecond, Code: codes.Aborted},
		{Name: "no workers", Kind: NoWorkers},
	})
}

// callCatalogue are the faults that any call can have.
func callCatalogue() []Fault {
	return []Fault{
		{Name: "delay", Kind: Delay, Delay: 200 * time.Millisecond},
		{Name: "hang", Kind: Hang},
		{Name: "dropped connection", Kind: Drop},
		{Name: "lost answer", Kind: Fail, After: 1},
		{Name: "unavailable", Kind: Fail, Code: codes.Unavailable},
		{Name: "internal", Kind: Fail, Code: codes.Internal},
		{Name: "unknown", Kind: Fail, Code: codes.Unknown},
		{Name: "aborted", Kind: Fail, Code: codes.Aborted},
		{Name: "deadline exceeded", Kind: Fail, Code: codes.DeadlineExceeded},
		{Name: "resource exhausted", Kind: Fail, Code: codes.ResourceExhausted},
		{Name: "resource exhausted, try later", Kind: Fail, Code: codes.ResourceExhausted, RetryAfter: 50 * time.Millisecond},
		{Name: "permission denied", Kind: Fail, Code: codes.PermissionDenied},
		{Name: "not found", Kind: Fail, Code: codes.NotFound},
	}
}

// streamCatalogue are those of a stream that has begun.
func streamCatalogue() []Fault {
	return []Fault{
		{Name: "execute cut when queued", Kind: Fail, Method: "Execute", After: 1},
		{Name: "execute cut when running", Kind: Fail, Method: "Execute", After: 2, Code: codes.Internal},
		{Name: "execute dropped when running", Kind: Drop, Method: "Execute", After: 2},
		{Name: "execute silent when queued", Kind: Hang, Method: "Execute", After: 1},
		{Name: "read cut", Kind: Fail, Method: "Read", After: 1},
		{Name: "read dropped", Kind: Drop, Method: "Read", After: 1},
		{Name: "read silent", Kind: Hang, Method: "Read", After: 1},
		{Name: "write cut", Kind: Fail, Method: "Write", After: 1},
		{Name: "write dropped", Kind: Drop, Method: "Write", After: 1},
		{Name: "write silent", Kind: Hang, Method: "Write", After: 1},
	}
}

// Forgetful are faults that only work together: the stream of an execution is
// cut, and then the operation is not known.
func Forgetful() []Fault {
	return []Fault{
		{Name: "execute cut when running", Kind: Fail, Method: "Execute", After: 2},
		{Name: "operation forgotten", Kind: Forget},
	}
}

// WithChance gives each fault a chance for each occasion.
func WithChance(chance float64, list ...Fault) []Fault {
	out := slices.Clone(list)
	for i := range out {
		out[i].Chance = chance
	}
	return out
}

// Mixed gives the faults of a list such chances that about a share of all calls,
// and about as many results and downloads, have one of them.
func Mixed(share float64, list ...Fault) []Fault {
	count := map[string]float64{} // by method; "" are those of any, call faults only
	others := 0.0
	for _, f := range list {
		if slices.Contains(callFaults, f.Kind) {
			count[f.Method]++
		} else {
			others++
		}
	}
	out := slices.Clone(list)
	for i, f := range out {
		n := others
		if slices.Contains(callFaults, f.Kind) {
			n = count[""] + count["Execute"] // which has the most of its own
		}
		out[i].Chance = 1 - math.Pow(1-share, 1/n)
	}
	return out
}
