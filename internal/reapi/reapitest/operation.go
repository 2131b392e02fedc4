// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/types/known/anypb"
)

// operations are the actions under way, and those whose end somebody may still
// want to know.
type operations struct {
	patience time.Duration
	mu       sync.Mutex
	byName   map[string]*operation
	byKey    map[key]*operation // those that equal actions can join
}

// operation is an action under way. The lock of operations is its lock.
type operation struct {
	name    string
	key     key
	action  *repb.Action
	queued  time.Time
	ctx     context.Context
	cancel  context.CancelFunc
	stage   repb.ExecutionStage_Value
	answer  *repb.ExecuteResponse // not nil: done
	changed chan struct{}         // closed when stage or answer change
	waiters int
	timer   *time.Timer // runs while nobody waits
}

func newOperations(patience time.Duration) *operations {
	return &operations{patience: patience, byName: map[string]*operation{}, byKey: map[key]*operation{}}
}

// join gives the operation of an action, an equal one that is under way or, with
// fresh, a new one. Its caller waits for it, until leave.
func (t *operations) join(ctx context.Context, k key, action *repb.Action) (op *operation, fresh bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	op = t.byKey[k]
	if fresh = op == nil || action.DoNotCache; fresh {
		op = &operation{name: newName(), key: k, action: action, queued: time.Now(),
			stage: repb.ExecutionStage_QUEUED, changed: make(chan struct{})}
		op.ctx, op.cancel = context.WithCancel(ctx)
		t.byName[op.name] = op
		if !action.DoNotCache {
			t.byKey[k] = op
		}
	}
	t.wait(op)
	return op, fresh
}

// find gives an operation by name; its caller waits for it, until leave.
func (t *operations) find(name string) *operation {
	t.mu.Lock()
	defer t.mu.Unlock()
	op := t.byName[name]
	if op != nil {
		t.wait(op)
	}
	return op
}

func (t *operations) wait(op *operation) {
	op.waiters++
	if op.timer != nil {
		op.timer.Stop()
		op.timer = nil
	}
}

// leave is the end of a wait. What nobody waits for ends after a while.
func (t *operations) leave(op *operation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if op.waiters--; op.waiters == 0 {
		op.timer = time.AfterFunc(t.patience, func() { t.expire(op) })
	}
}

func (t *operations) expire(op *operation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if op.waiters == 0 {
		t.remove(op)
		delete(t.byName, op.name)
		op.cancel()
	}
}

// remove lets equal actions begin anew. The lock must be held.
func (t *operations) remove(op *operation) {
	if t.byKey[op.key] == op {
		delete(t.byKey, op.key)
	}
}

// forget makes an operation unknown, while it goes on.
func (t *operations) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if op := t.byName[name]; op != nil {
		t.remove(op)
		delete(t.byName, name)
	}
}

// advance tells everybody of the next stage.
func (t *operations) advance(op *operation, stage repb.ExecutionStage_Value, answer *repb.ExecuteResponse) {
	t.mu.Lock()
	defer t.mu.Unlock()
	op.stage, op.answer = stage, answer
	if answer != nil {
		t.remove(op)
	}
	close(op.changed)
	op.changed = make(chan struct{})
}

// state is what a client is told now, and what is closed on the next change.
func (t *operations) state(op *operation) (*repb.ExecuteOperationMetadata, *repb.ExecuteResponse, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &repb.ExecuteOperationMetadata{Stage: op.stage, ActionDigest: op.key.proto(), DigestFunction: op.key.function}, op.answer, op.changed
}

// news is that as the message of the API.
func news(name string, metadata *repb.ExecuteOperationMetadata, answer *repb.ExecuteResponse) (*longrunningpb.Operation, error) {
	wrapped, err := anypb.New(metadata)
	if err != nil {
		return nil, err
	}
	out := &longrunningpb.Operation{Name: name, Metadata: wrapped}
	if answer != nil {
		response, err := anypb.New(answer)
		if err != nil {
			return nil, err
		}
		out.Done, out.Result = true, &longrunningpb.Operation_Response{Response: response}
	}
	return out, nil
}

// newName is as long and as random as a UUID.
func newName() string { return rand.Text() }
