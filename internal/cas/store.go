// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"context"
	"errors"
	"fmt"
)

// Blobs keeps files under their digests. All methods may be called
// concurrently.
type Blobs interface {
	// Put takes the file at path in, as well as the store can, and gives its
	// digest. The file stays as it is and may be changed afterwards. Put fails
	// only if the file cannot be read or ctx has ended: a store that cannot
	// keep more does not, and says so by its own means.
	Put(ctx context.Context, path string) (Digest, error)

	// Materialise makes a file at path with the blob's verified contents,
	// replacing what is there. If it fails, path is as it was. The error is
	// a [*Miss] if the blob is not to be had, another one if the file cannot
	// be made.
	Materialise(ctx context.Context, d Digest, path string) error
}

// Results keeps results under the keys of their actions. All methods may be
// called concurrently.
type Results interface {
	// Result gives what was published last for key, or a [*Miss]. Its blobs may
	// be missing.
	Result(ctx context.Context, key ActionKey) (Result, error)

	// Publish keeps r, whose blobs must have been put before. It fails only
	// if r exceeds the bounds of a result or ctx has ended.
	Publish(ctx context.Context, key ActionKey, r Result) error
}

// Store keeps both.
type Store interface {
	Blobs
	Results
}

// Locker is a [Store] that lets several users of it agree on who computes an
// action.
type Locker interface {
	// Lock waits until nobody else holds key's lock. It fails only when ctx
	// ends. A lock that cannot be had for other reasons is gone without, and
	// unlock then does nothing: the lock saves work, it protects nothing.
	//
	// Whoever holds a lock must not wait for something that a holder of
	// another lock may be keeping, such as a slot to compile in: take the slot
	// first. Under that rule there is no deadlock.
	Lock(ctx context.Context, key ActionKey) (unlock func(), err error)
}

// Place says where an output of an action belongs.
type Place struct {
	Name string // the output's name in the action
	Path string // the file to make
}

// Restore puts the outputs of a known action in their places. A result is known
// only if all its outputs are: if one of them is missing, or they are not those
// that places asks for, the error is a [*Miss], and some places may hold
// verified outputs already.
func Restore(ctx context.Context, s Store, key ActionKey, places []Place) (Result, error) {
	r, err := s.Result(ctx, key)
	if err != nil {
		return Result{}, err
	}
	if err := fit(r, places); err != nil {
		return Result{}, &Miss{Digest: Digest(key), Reason: Unfit, Err: err}
	}
	for i, place := range places {
		if err := s.Materialise(ctx, r.Outputs[i].Digest, place.Path); err != nil {
			return Result{}, err
		}
	}
	return r, nil
}

func fit(r Result, places []Place) error {
	if len(r.Outputs) != len(places) {
		return fmt.Errorf("%d outputs instead of %d", len(r.Outputs), len(places))
	}
	for i, place := range places {
		if r.Outputs[i].Name != place.Name {
			return fmt.Errorf("output %d is %q instead of %q", i, r.Outputs[i].Name, place.Name)
		}
	}
	return nil
}

// Do gives the result of an action and its outputs in their places, from the
// store if it is known there. Otherwise compute must make all the outputs in
// their places and say the rest of the result; Do then keeps it. If s is
// a [Locker], of several that want the same action at once one computes and the
// others wait for it. A result with more than [MaxMessages] bytes of messages is
// given but not kept.
//
// The returned miss says why the action was computed; it is nil if the result
// was known. An error of compute is returned as it is, and nothing is kept.
func Do(ctx context.Context, s Store, key ActionKey, places []Place, compute func(context.Context) (Result, error)) (Result, *Miss, error) {
	r, err := Restore(ctx, s, key, places)
	miss, missed := errors.AsType[*Miss](err)
	if !missed {
		return r, nil, err
	}
	unlock, err := lock(ctx, s, key)
	if err != nil {
		return Result{}, miss, err
	}
	defer unlock()
	// While we waited, another may have done it.
	if r, err = Restore(ctx, s, key, places); err == nil {
		return r, nil, nil
	}
	if _, missed = errors.AsType[*Miss](err); !missed {
		return Result{}, miss, err
	}
	r, err = computeAndKeep(ctx, s, key, places, compute)
	return r, miss, err
}

func lock(ctx context.Context, s Store, key ActionKey) (func(), error) {
	if locker, ok := s.(Locker); ok {
		return locker.Lock(ctx, key)
	}
	return func() {}, nil
}

func computeAndKeep(ctx context.Context, s Store, key ActionKey, places []Place, compute func(context.Context) (Result, error)) (Result, error) {
	r, err := compute(ctx)
	if err != nil {
		return Result{}, err
	}
	return Keep(ctx, s, key, places, r)
}

// Keep keeps the outputs that are in their places, and the rest of a result with them.
// A result with more than [MaxMessages] bytes of messages is given but not kept.
func Keep(ctx context.Context, s Store, key ActionKey, places []Place, r Result) (Result, error) {
	r.Outputs = make([]Output, len(places))
	for i, place := range places {
		digest, err := s.Put(ctx, place.Path)
		if err != nil {
			return Result{}, err
		}
		r.Outputs[i] = Output{Name: place.Name, Digest: digest}
	}
	if len(r.Messages) > MaxMessages {
		return r, nil
	}
	return r, s.Publish(ctx, key, r)
}
