// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Kind is what goes wrong.
type Kind string

// Faults of calls, of any method.
const (
	Delay Kind = "delay" // the call waits for Delay
	Fail  Kind = "fail"  // the call ends with Code
	Hang  Kind = "hang"  // nothing comes until the client goes away
	Drop  Kind = "drop"  // the connection is cut, with all other calls on it
)

// Faults of the storage.
const (
	// LostBlob has FindMissingBlobs say of one missing blob that it is there.
	LostBlob Kind = "lost blob"
	// Corrupt flips a bit of a blob on its way out: Read, BatchReadBlobs, or inline.
	Corrupt Kind = "corrupt"
	// Short ends a download early, as if it were complete: Read, BatchReadBlobs.
	Short Kind = "short"
)

// Faults of results, for Execute unless said otherwise.
const (
	// EvictInput removes an input from the storage just before the action runs.
	EvictInput Kind = "evict input"
	// NoStderr leaves standard error out of the result, LostStderr names one that is
	// not in the storage.
	NoStderr   Kind = "no stderr"
	LostStderr Kind = "lost stderr"
	// LostOutput names outputs that are gone; for GetActionResult too.
	LostOutput Kind = "lost output"
	// NoOutput and EmptyOutput are what a program can do that exits with 0. The action
	// cache keeps it.
	NoOutput    Kind = "no output"
	EmptyOutput Kind = "empty output"
	// Death is the end of the worker after Delay: Code (Unavailable) in the response.
	Death Kind = "death"
	// NoWorkers is Execute's answer when no worker fits: Code (Options.NoWorker).
	NoWorkers Kind = "no workers"
	// Forget makes WaitExecution not know any operation: Code (NotFound). The action
	// goes on, unseen.
	Forget Kind = "forget"
)

var callFaults = []Kind{Delay, Fail, Hang, Drop}

// Fault is something that goes wrong, always or by chance.
type Fault struct {
	// Name is for people and Stats; the kind if empty.
	Name string
	Kind Kind
	// Method is the only one concerned, as "Execute"; empty for all.
	Method string
	// After lets so many messages of a stream pass first: those that the client sends
	// of an upload, those that the server sends of anything else. A stream that ends
	// before has the fault in place of its end. With 1, a call that is no stream is
	// done, but its answer is lost.
	After int
	// Delay is for Delay and Death.
	Delay time.Duration
	// Code and Message are the answer where there is one; Unavailable if OK.
	Code    codes.Code
	Message string
	// RetryAfter goes with the answer if not 0, as RetryInfo.
	RetryAfter time.Duration
	// Chance is the probability for each occasion; 0 is always.
	Chance float64
	// Skip lets so many occasions pass first; it happens Times times at most, if not 0.
	Skip, Times int
}

func (f Fault) name() string {
	if f.Name != "" {
		return f.Name
	}
	return string(f.Kind)
}

// status is the answer of the fault.
func (f Fault) status(message string) error {
	setDefault(&f.Code, codes.Unavailable)
	setDefault(&f.Message, message)
	out := status.New(f.Code, f.Message)
	if f.RetryAfter != 0 {
		detail := protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(f.RetryAfter)})
		if with, err := out.WithDetails(detail); err == nil {
			out = with
		}
	}
	return out.Err()
}

// faults are those that may happen.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	list   []*armed
	chancy bool // all of them have a chance
	tally  *tally
}

// armed is a fault, how many occasions it had, and how often it happened.
type armed struct {
	Fault
	seen, fired int
}

func newFaults(seed uint64) *faults {
	return &faults{random: rand.New(rand.NewPCG(seed, 0))}
}

// SetFaults replaces the faults; with none, all is well again.
func (s *Server) SetFaults(list ...Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.tally = &s.tally
	s.faults.list = nil
	s.faults.chancy = len(list) > 0
	for _, f := range list {
		s.faults.chancy = s.faults.chancy && f.Chance != 0
		s.faults.list = append(s.faults.list, &armed{Fault: f})
	}
}

// take gives the first fault of some kinds that happens on this occasion. Where
// the list begins is by chance too if it has faults by chance only, so that none
// hides another.
func (f *faults) take(method string, kinds ...Kind) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	begin := 0
	if f.chancy {
		begin = f.random.IntN(len(f.list))
	}
	for i := range f.list {
		a := f.list[(begin+i)%len(f.list)]
		if (a.Method == "" || a.Method == method) && slices.Contains(kinds, a.Kind) && f.fires(a) {
			f.tally.count(func(s *Stats) { s.Faults[a.name()]++ })
			return a.Fault, true
		}
	}
	return Fault{}, false
}

func (f *faults) fires(a *armed) bool {
	a.seen++
	if a.seen <= a.Skip || a.Times != 0 && a.fired >= a.Times {
		return false
	}
	if a.Chance != 0 && f.random.Float64() >= a.Chance {
		return false
	}
	a.fired++
	return true
}

// pick is a number below n, by the same chance.
func (f *faults) pick(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.IntN(n)
}

// damaged is what a client gets of a blob's bytes.
func (s *Server) damaged(method string, data []byte) []byte {
	if len(data) == 0 {
		return data
	}
	if _, ok := s.faults.take(method, Corrupt); ok {
		data = slices.Clone(data)
		data[s.faults.pick(len(data))] ^= 1
	}
	if _, ok := s.faults.take(method, Short); ok {
		data = data[:s.faults.pick(len(data))]
	}
	return data
}

// spoil removes the outputs that a result names, on LostOutput.
func (s *Server) spoil(method string, function repb.DigestFunction_Value, result *repb.ActionResult) {
	if _, ok := s.faults.take(method, LostOutput); !ok {
		return
	}
	for _, f := range result.OutputFiles {
		if k, err := newKey(function, f.Digest); err == nil {
			s.store.evict(k)
		}
	}
}
