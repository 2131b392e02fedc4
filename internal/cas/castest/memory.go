// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package castest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/dtlto/dtlto/internal/cas"
)

// Memory is a [cas.Store] without a folder, for the tests of a store's users.
// Its zero value is ready to use. It has no locks.
type Memory struct {
	mutex   sync.Mutex
	blobs   map[cas.Digest][]byte
	results map[cas.ActionKey]cas.Result
}

var _ cas.Store = (*Memory)(nil)

// Put keeps the file's contents.
func (m *Memory) Put(ctx context.Context, path string) (cas.Digest, error) {
	if err := ctx.Err(); err != nil {
		return cas.Digest{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return cas.Digest{}, err
	}
	digest := cas.DigestOf(data)
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.blobs == nil {
		m.blobs = map[cas.Digest][]byte{}
	}
	m.blobs[digest] = data
	return digest, nil
}

// Materialise writes the blob to a file.
func (m *Memory) Materialise(ctx context.Context, d cas.Digest, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mutex.Lock()
	data, ok := m.blobs[d]
	m.mutex.Unlock()
	if !ok {
		return &cas.Miss{Blob: true, Digest: d, Reason: cas.Absent}
	}
	return os.WriteFile(path, data, 0o666)
}

// Result gives what was published.
func (m *Memory) Result(ctx context.Context, key cas.ActionKey) (cas.Result, error) {
	if err := ctx.Err(); err != nil {
		return cas.Result{}, err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	r, ok := m.results[key]
	if !ok {
		return cas.Result{}, &cas.Miss{Digest: cas.Digest(key), Reason: cas.Absent}
	}
	return clone(r), nil
}

// Publish keeps a copy of r.
func (m *Memory) Publish(ctx context.Context, key cas.ActionKey, r cas.Result) error {
	if err := errors.Join(ctx.Err(), r.Check()); err != nil {
		return fmt.Errorf("result of action %v: %w", key, err)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.results == nil {
		m.results = map[cas.ActionKey]cas.Result{}
	}
	m.results[key] = clone(r)
	return nil
}

// Forget removes everything, which a store may do at any time.
func (m *Memory) Forget() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.blobs, m.results = nil, nil
}

func clone(r cas.Result) cas.Result {
	r.Messages, r.Outputs = bytes.Clone(r.Messages), slices.Clone(r.Outputs)
	return r
}
