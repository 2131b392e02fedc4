// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultMaxBytes is how large a [Disk] grows unless its user says otherwise.
const DefaultMaxBytes = 10 << 30

// Options say how a [Disk] behaves.
type Options struct {
	// MaxBytes is the size that Tidy keeps the store to; 0 or less: no bound.
	MaxBytes int64

	// HardLinks lets Materialise hand out hard links to the store's own files,
	// read-only and with the store's times. For objects that are read once
	// and removed; see the package comment.
	HardLinks bool

	// Warn is told, once at most, why nothing more can be kept (a full disk,
	// a read-only folder). May be nil.
	Warn func(error)

	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// Disk is a [Store] in a folder, shared by any number of processes of one
// machine. It is a [Locker].
type Disk struct {
	folder  string
	options Options

	stopping sync.Once
	stopped  atomic.Bool // nothing more is kept
	noLinks  atomic.Bool // a hard link or shared blocks are not to be had here
	noClones atomic.Bool

	link  link // this process's claim on what it uses
	turns turns
	grown growth
}

var _ Locker = (*Disk)(nil)
var _ Store = (*Disk)(nil)

// Open gives the store in folder. It does not touch the folder, which is made
// when something is first looked up or kept, and it never fails: what cannot be
// read is a miss, and what cannot be kept is reported through options.Warn.
// Close it after use.
func Open(folder string, options Options) *Disk {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Disk{folder: filepath.Clean(folder), options: options}
}

// Close ends the claim on what this Disk has used. It does not remove
// anything; see [Disk.Tidy].
func (d *Disk) Close() {
	d.flushGrowth()
	d.link.end()
}

// stop gives up keeping things, for the rest of the process. A folder that
// cannot be written now will hardly be in a moment, and trying anew for each
// of 20,000 objects takes time. That something is gone which was there is no
// reason: somebody emptied the cache meanwhile.
func (d *Disk) stop(err error) {
	if isGone(err) {
		return
	}
	d.stopping.Do(func() {
		d.stopped.Store(true)
		if d.options.Warn != nil {
			d.options.Warn(fmt.Errorf("cache %s: keeping nothing more: %w", d.folder, err))
		}
	})
}

// Stopped says whether the store has given up keeping things. Its user has been
// told why.
func (d *Disk) Stopped() bool { return d.stopped.Load() }

// useInterval is how exactly the time of an entry's last use is kept. Its
// modification time stands for it and is renewed at most this often, so that a
// warm link writes hardly anything.
const useInterval = time.Hour

// Result gives what is known of an action; see [Results].
func (d *Disk) Result(ctx context.Context, key ActionKey) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	d.begin()
	path := d.entryPath(key.Hash, resultKind)
	r, used, err := readResult(path, key)
	if err != nil {
		return Result{}, d.missed(path, &Miss{Digest: Digest(key)}, err)
	}
	d.used(path, used)
	return r, nil
}

func readResult(path string, key ActionKey) (Result, time.Time, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	data, used, err := readEntry(path, *buffer, maxResult)
	if err != nil {
		return Result{}, used, err
	}
	r, err := decodeResult(key, data)
	return r, used, err
}

// Publish keeps the result of an action; see [Results].
func (d *Disk) Publish(ctx context.Context, key ActionKey, r Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	data, err := encodeResult(key, r)
	if err != nil {
		return fmt.Errorf("result of action %v: %w", key, err)
	}
	if d.stopped.Load() {
		return nil
	}
	f, err := d.createTmp()
	if err != nil {
		d.stop(err)
		return nil
	}
	_, err = f.Write(data)
	d.keep(f, int64(len(data)), d.entryPath(key.Hash, resultKind), err)
	return nil
}
