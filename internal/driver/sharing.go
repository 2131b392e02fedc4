// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

// sharePatience is how long a link waits at its end for a cluster that takes nothing of
// what is to be shared.
const sharePatience = 5 * time.Second

// sharing is what goes on beside the compiles.
type sharing struct {
	all  sync.WaitGroup
	left atomic.Int64
	once sync.Once // for what is said once
}

// share gives the cluster what was compiled here, meanwhile. The objects must stay
// where they are until end.
func (c *cluster) share(p *planned, r cas.Result) {
	if c == nil || !c.settings.RemoteUploadLocalResults || p.action == nil {
		return
	}
	c.sharing.left.Add(1)
	c.sharing.all.Go(func() {
		defer c.sharing.left.Add(-1)
		if err := c.publish(p, r); err != nil && c.ctx.Err() == nil {
			c.sharing.once.Do(func() { c.tell(err) })
		}
	})
}

func (c *cluster) publish(p *planned, r cas.Result) error {
	w, err := c.theWorker(c.ctx)
	if err != nil {
		return nil // it was said when the job came back
	}
	result := remote.Result{Messages: r.Messages, Duration: r.Duration}
	var blobs []remote.Blob
	for i, output := range r.Outputs {
		result.Outputs = append(result.Outputs, remote.Output{Name: output.Name, Digest: output.Digest})
		blobs = append(blobs, remote.Blob{Digest: output.Digest, Open: openFile(p.job.Outputs[i])})
	}
	encoded := p.action.EncodeFor(w.Worker)
	// Some servers refuse results of actions that they do not have.
	blobs = append(blobs, inMemory(encoded.Action), inMemory(encoded.Command))
	if err := c.client.Ensure(c.ctx, blobs); err != nil {
		return err
	}
	return c.client.Publish(c.ctx, encoded.Key, result)
}

// tell says once why results are not shared, unless it was said why nothing works, or
// there are workers: what they make is shared, and many a cluster takes no other results.
func (c *cluster) tell(err error) {
	if c.executes {
		return
	}
	if unavailable, ok := errors.AsType[*remote.Error](err); ok && unavailable.Final {
		c.once.Do(func() { c.warn(err) })
		return
	}
	c.warn(fmt.Errorf("%w: what is compiled here is not shared (--remote-upload-local-results=false does not try to)", err))
}

// shared is what moves while sharing goes on.
func (c *cluster) shared() [3]int64 {
	traffic := c.client.Traffic()
	return [3]int64{c.sharing.left.Load(), traffic.Sent, traffic.Uploaded}
}

// awaitSharing waits until all is shared or nothing has been sent for some time, and says
// how many results are left.
func (c *cluster) awaitSharing() (left int64) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.sharing.all.Wait()
	}()
	before := c.shared()
	for {
		select {
		case <-done:
			return 0
		case <-c.ctx.Done():
			return c.sharing.left.Load()
		case <-time.After(sharePatience):
			now := c.shared()
			if now == before {
				return c.sharing.left.Load()
			}
			before = now
		}
	}
}
