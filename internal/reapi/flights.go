// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"sync"
)

// flights let those that want the same at the same time share one asking, and its
// failure.
type flights struct {
	mu      sync.Mutex
	current *flight
}

type flight struct {
	done    chan struct{}
	session *session
	err     error
}

// join waits for the asking under way, or begins one. It goes on without those
// whose ctx ends.
func (f *flights) join(ctx context.Context, c *Client, ask func() (*session, error)) (*session, error) {
	f.mu.Lock()
	current := f.current
	first := current == nil
	if first {
		current = &flight{done: make(chan struct{})}
		f.current = current
	}
	f.mu.Unlock()
	if first {
		c.spawn(func() { f.fly(current, ask) })
	}
	select {
	case <-current.done:
		return current.session, current.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (f *flights) fly(current *flight, ask func() (*session, error)) {
	current.session, current.err = ask()
	f.mu.Lock()
	f.current = nil
	f.mu.Unlock()
	close(current.done)
}
