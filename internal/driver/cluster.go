// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/remote"
)

// Cluster is a client of a cluster: package reapi's, which most runs do not need.
type Cluster interface {
	// Capabilities are what the servers say of themselves.
	Capabilities(ctx context.Context) (remote.Capabilities, error)
	// Result gives what the action cache has for an action; false if it has nothing.
	Result(ctx context.Context, a *remote.Action) (remote.Result, bool, error)
	// Execute has an action executed; again also if a result is known.
	Execute(ctx context.Context, a *remote.Action, again bool) (remote.Result, error)
	// Fetch makes files of outputs, verified. The error is a *cas.Miss if one is gone.
	Fetch(ctx context.Context, files []remote.File) error
	// Ensure gives the storage blobs that it does not have.
	Ensure(ctx context.Context, blobs []remote.Blob) error
	// Publish puts a result, whose blobs the storage has, into the action cache.
	Publish(ctx context.Context, key cas.ActionKey, r remote.Result) error
	// Traffic is what was sent and received so far.
	Traffic() remote.Traffic
	Close()
}

// Connect gives a client. It speaks to nobody yet: an error is one of settings.
type Connect func(remote.Options) (Cluster, error)

// cluster is what a link has of the cluster that compiles can be sent to.
type cluster struct {
	*backends
	client   Cluster
	executes bool         // and does not only have a cache
	once     sync.Once    // for what is said once in a link
	undone   atomic.Int64 // attempts that came back

	noLookUps atomic.Bool // the action cache does not work

	ctx     context.Context // for what outlives a job
	stop    context.CancelCauseFunc
	sharing sharing
	worker  lazyWorker
}

// connectCluster gets ready what the compiles have of a cluster, if one was chosen.
// A cluster that cannot be used is no reason not to link, unless the user says so.
func (b *backends) connectCluster(ctx context.Context, connect Connect) error {
	options := b.settings.Remote()
	if !options.Remote() {
		return nil
	}
	options.Tool, options.ToolVersion, options.Invocation, options.Link = "dtlto", Version(), b.view.id, b.jobs.Output
	client, err := connect(options)
	if err != nil {
		if options.Executor != "" && !b.settings.RemoteLocalFallback {
			return &UsageError{Err: err}
		}
		b.warn(fmt.Errorf("%w: everything is compiled here", err))
		return nil
	}
	c := &cluster{backends: b, client: client, executes: options.Executor != ""}
	c.ctx, c.stop = context.WithCancelCause(ctx)
	c.worker.described = make(chan struct{})
	b.cluster = c
	return nil
}

// patience is how long a compile may be away before an idle slot here takes it too.
func (b *backends) patience() time.Duration {
	if b.cluster == nil || b.cluster.executes && !b.settings.RemoteLocalFallback {
		return math.MaxInt64
	}
	return b.settings.RemoteLocalDelay
}

// end waits until all that is to be shared has been sent, as long as that goes on; not
// in a link that failed.
func (c *cluster) end(failed bool) {
	if c == nil {
		return
	}
	if !failed {
		if left := c.awaitSharing(); left > 0 && c.ctx.Err() == nil {
			c.warn(fmt.Errorf("%s not shared: the cluster has not taken anything for %s", count(int(left), "result"), sharePatience))
		}
	}
	c.stop(nil)
	c.sharing.all.Wait()
	c.client.Close()
}

// away is an attempt of the cluster's at a job: from its cache, or executed.
func (c *cluster) away(ctx context.Context, p *attempt) error {
	a, err := c.actionOf(ctx, p.planned)
	if err != nil {
		return c.back(ctx, p.planned, err)
	}
	again := !c.settings.RemoteAcceptCached || c.settings.NoCache
	if !again && !c.noLookUps.Load() {
		done, gone, err := c.lookUp(ctx, p, a)
		if done || err != nil {
			return c.back(ctx, p.planned, err)
		}
		again = gone
	}
	if !c.executes {
		return &exec.NotAway{Err: errNotCached}
	}
	return c.execute(ctx, p, a, again)
}

var errNotCached = errors.New("the cluster's cache does not have it")

// lookUp takes a job's outputs from the cluster's action cache, if they are done there;
// gone says that the cache promised what is not to be had. A cache that does not work is
// left alone if there are workers.
func (c *cluster) lookUp(ctx context.Context, p *attempt, a *remote.Action) (done, gone bool, err error) {
	r, known, err := c.client.Result(ctx, a)
	if err == nil && known {
		err = c.take(ctx, p, r)
		done = err == nil
	}
	unavailable, ok := errors.AsType[*remote.Error](err)
	switch {
	case errors.As(err, new(*cas.Miss)):
		return false, true, nil
	case ok && c.executes && !unavailable.Final && ctx.Err() == nil:
		if c.noLookUps.CompareAndSwap(false, true) {
			c.warn(fmt.Errorf("%w: the cluster's cache is not asked any more", err))
		}
		return false, false, nil
	}
	return done, false, err
}

// execute has a job executed. What a known result should have, and has not, is made
// again.
func (c *cluster) execute(ctx context.Context, p *attempt, a *remote.Action, again bool) error {
	r, err := c.client.Execute(ctx, a, again)
	if err == nil {
		err = c.take(ctx, p, r)
	}
	if r.Cached && (errors.As(err, new(*cas.Miss)) || errors.As(err, new(*exec.Failure))) {
		if r, err = c.client.Execute(ctx, a, true); err == nil {
			err = c.take(ctx, p, r)
		}
	}
	return c.back(ctx, p.planned, err)
}

// back is what becomes of a compile that the cluster did not do, or this machine could
// not give it: it is done here, unless the user forbade that.
func (c *cluster) back(ctx context.Context, p *planned, err error) error {
	var failure *exec.Failure
	switch {
	case err == nil, errors.Is(err, exec.ErrLost), errors.As(err, new(*placeError)):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case c.executes && !c.settings.RemoteLocalFallback:
		return c.failed(p, err)
	}
	errors.As(err, &failure)
	c.undone.Add(1)
	c.once.Do(func() { c.warn(fmt.Errorf("%s: compiled here instead", inWords(err, failure))) })
	return &exec.NotAway{Err: err}
}

// inWords says in one line why a compile comes back.
func inWords(err error, failure *exec.Failure) string {
	if failure == nil {
		return err.Error()
	}
	text := fmt.Sprintf("%s: failed on the cluster: %s", failure.Name, failure.Reason)
	if first, _, _ := strings.Cut(strings.TrimSpace(string(failure.Output)), "\n"); first != "" {
		text += ": " + first
	}
	return text
}
