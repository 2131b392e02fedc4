// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"context"
	"encoding/hex"
	"os"
	"sync"
	"time"
)

// patience is how long a lock is waited for. A link that was stopped (Ctrl-Z)
// holds its locks; the others then go on without it, at the price of compiling
// a module twice.
const patience = 2 * time.Minute

// Lock waits until nobody else on this machine computes the action; see
// [Locker]. The lock ends with the process, however that ends. A store that
// keeps nothing has no locks, for there would be nothing to find afterwards.
func (d *Disk) Lock(ctx context.Context, key ActionKey) (unlock func(), err error) {
	return d.lock(ctx, key, patience)
}

func (d *Disk) lock(ctx context.Context, key ActionKey, patience time.Duration) (unlock func(), err error) {
	nothing := func() {}
	if d.stopped.Load() {
		return nothing, ctx.Err()
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	leave, err := d.turns.take(waiting, key)
	if err != nil {
		return nothing, ctx.Err()
	}
	var f *os.File
	err = d.withLayout(func() error {
		f, err = lockFile(waiting, d.in(locksFolder, hex.EncodeToString(key.Hash[:])))
		return err
	})
	if err := ctx.Err(); err != nil {
		leave()
		return nothing, err
	}
	return sync.OnceFunc(func() {
		unlockFile(f)
		leave()
	}), nil
}

// turns lets the goroutines of a process take an action one after the other
// before they ask for the file's lock.
type turns struct {
	mutex sync.Mutex
	taken map[ActionKey]chan struct{} // closed when the holder leaves
}

func (t *turns) take(ctx context.Context, key ActionKey) (leave func(), err error) {
	for {
		left := t.tryTake(key)
		if left == nil {
			return func() { t.leave(key) }, ctx.Err()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-left:
		}
	}
}

func (t *turns) tryTake(key ActionKey) (left chan struct{}) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if left, taken := t.taken[key]; taken {
		return left
	}
	if t.taken == nil {
		t.taken = map[ActionKey]chan struct{}{}
	}
	t.taken[key] = make(chan struct{})
	return nil
}

func (t *turns) leave(key ActionKey) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	close(t.taken[key])
	delete(t.taken, key)
}
