// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	bspb "google.golang.org/genproto/googleapis/bytestream"

	"github.com/dtlto/dtlto/internal/reapi/channel"
	"github.com/dtlto/dtlto/internal/remote"
)

// How many calls of a kind are under way at once. More would not be faster: each
// takes what is there, up to 4 MiB.
const (
	findCalls   = 2
	updateCalls = 4
	readCalls   = 4
	streams     = 8 // uploads, and as many downloads, of large blobs
)

// defaultJobs bounds executions if the options do not.
const defaultJobs = 256

// Client speaks to a cluster. All methods may be called concurrently.
type Client struct {
	o remote.Options
	// storage has blobs and the action cache; executor is nil if nothing is executed.
	storage, executor *channel.Channel
	blobs             repb.ContentAddressableStorageClient
	bytes             bspb.ByteStreamClient
	results           repb.ActionCacheClient
	executions        repb.ExecutionClient

	identity identity // for RequestMetadata
	known    atomic.Pointer[session]
	asking   flights
	codec    codec
	// translation is used with servers that do not take SHA-256.
	translation *translation

	present  *present
	find     *queue[*upload]
	update   *queue[*upload]
	write    *queue[*upload]
	read     *queue[*download]
	reading  slots // downloads of large blobs
	jobs     slots // executions
	batch    atomic.Int64
	refusals refusals

	sent, received, uploaded, fetched atomic.Int64

	ctx    context.Context // ends with the client
	stop   context.CancelCauseFunc
	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

var errClosed = errors.New("client is closed")

// Connect makes a client of the cluster that o describes. It reads what o names and
// does not use the network.
func Connect(o remote.Options) (*Client, error) {
	c := &Client{o: o, present: newPresent(), translation: newTranslation()}
	if !o.Remote() {
		return nil, errors.New("remote: no address of an executor or a cache")
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	c.ctx, c.stop = context.WithCancelCause(context.Background())
	c.identity = newIdentity(&c.o)
	c.find = newQueue(c, findCalls, c.takeFind, c.findMissing)
	c.update = newQueue(c, updateCalls, c.takeUpdate, c.updateBatch)
	c.write = newQueue(c, streams, takeOne, c.writeBlob)
	c.read = newQueue(c, readCalls, c.takeRead, c.readBatch)
	c.reading = newSlots(streams)
	c.jobs = newSlots(cmp.Or(max(o.Jobs, 0), defaultJobs))
	c.batch.Store(maxMessage)
	return c, nil
}

// open makes two channels even to one address: executions are long streams, and a
// server that allows only so many on a connection must not make blobs wait for them.
func (c *Client) open() (err error) {
	address := c.o.Cache
	if c.o.Executor != "" {
		if c.executor, err = channel.Open(c.o.Executor, channel.Execution, &c.o); err != nil {
			return err
		}
		c.executions = repb.NewExecutionClient(c.executor)
	}
	if address == "" {
		address = c.o.Executor
	}
	if c.storage, err = channel.Open(address, channel.Storage, &c.o); err != nil {
		if c.executor != nil {
			c.executor.Close()
		}
		return err
	}
	c.blobs = repb.NewContentAddressableStorageClient(c.storage)
	c.bytes = bspb.NewByteStreamClient(c.storage)
	c.results = repb.NewActionCacheClient(c.storage)
	return nil
}

// Close ends everything that is under way and returns when it has ended.
func (c *Client) Close() {
	c.stop(errClosed)
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.work.Wait()
	c.storage.Close()
	if c.executor != nil {
		c.executor.Close()
	}
	c.codec.close()
}

// spawn runs f in a goroutine that Close waits for. After Close it is run here: all
// that it does fails at once.
func (c *Client) spawn(f func()) {
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.work.Go(f)
	}
	c.mu.Unlock()
	if closed {
		f()
	}
}

// Traffic is what was sent and received so far.
func (c *Client) Traffic() remote.Traffic {
	t := c.storage.Traffic()
	if c.executor != nil {
		e := c.executor.Traffic()
		t.Calls += e.Calls
		t.Retries += e.Retries
		t.Abandoned += e.Abandoned
	}
	t.Sent, t.Received = c.sent.Load(), c.received.Load()
	t.Uploaded, t.Fetched = c.uploaded.Load(), c.fetched.Load()
	return t
}

// slots bound how much of something is done at once.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, n) }

// take waits for a slot, or for ctx to end.
func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	default:
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s slots) give() { <-s }
