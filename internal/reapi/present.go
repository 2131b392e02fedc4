// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"sync"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

// present knows of every blob whether the server has it or is getting it. One
// mutex guards it: an action of 104 blobs that are all there takes it once, for
// about 5 µs.
type present struct {
	mu    sync.Mutex
	blobs map[cas.Digest]state
	clock int64 // counts the blobs that became present
}

// state is what is known of a blob: it is being sent, or was lost by the server, or
// is there.
type state struct {
	upload *upload
	lost   bool
	since  int64 // clock when it was found to be there
}

// upload is a blob on its way: being asked about, waiting to be sent, being sent.
type upload struct {
	blob    remote.Blob
	waiters int // guarded by present.mu
	done    chan struct{}
	err     error // once done is closed
}

func newPresent() *present { return &present{blobs: make(map[cas.Digest]state)} }

var errUnwanted = errors.New("upload: nobody waits for it any more")

// claims are blobs that are not there yet.
type claims struct {
	ask   []*upload // new, to be asked about
	send  []*upload // new, and known not to be there
	share []*upload // somebody else's
}

// claim says what has to happen for blobs to be there.
func (p *present) claim(blobs []remote.Blob) (c claims) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range blobs {
		s, ok := p.blobs[blobs[i].Digest]
		switch {
		case s.upload != nil:
			s.upload.waiters++
			c.share = append(c.share, s.upload)
		case !ok:
			c.ask = append(c.ask, p.begin(blobs[i]))
		case s.lost:
			c.send = append(c.send, p.begin(blobs[i]))
		}
	}
	return c
}

func (p *present) begin(blob remote.Blob) *upload {
	u := &upload{blob: blob, waiters: 1, done: make(chan struct{})}
	p.blobs[blob.Digest] = state{upload: u}
	return u
}

// settle ends uploads. After an error their blobs are unknown again, so that the
// next one who needs them tries.
func (p *present) settle(err error, uploads ...*upload) {
	if len(uploads) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range uploads {
		p.end(u, err)
	}
}

func (p *present) end(u *upload, err error) {
	if err != nil {
		delete(p.blobs, u.blob.Digest)
	} else {
		p.clock++
		p.blobs[u.blob.Digest] = state{since: p.clock}
	}
	u.err = err
	u.blob = remote.Blob{Digest: u.blob.Digest} // its contents may go
	close(u.done)
}

// wanted leaves out the uploads that nobody waits for any more, and ends them.
func (p *present) wanted(uploads []*upload) []*upload {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := uploads[:0]
	for _, u := range uploads {
		if u.waiters > 0 {
			kept = append(kept, u)
		} else {
			p.end(u, errUnwanted)
		}
	}
	return kept
}

// leave says that somebody no longer waits for uploads.
func (p *present) leave(uploads []*upload) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range uploads {
		u.waiters--
	}
}

// now is a moment for forget.
func (p *present) now() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock
}

// forget drops blobs that the server turned out not to have. Those that it named itself
// as lost need not be asked about, unless they became present after the moment before:
// of 256 actions that miss the same blob one sends it, and the others ask.
func (p *present) forget(digests []cas.Digest, lost bool, before int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range digests {
		s, ok := p.blobs[d]
		switch {
		case !ok || s.upload != nil || s.lost:
		case lost && s.since <= before:
			p.blobs[d] = state{lost: true}
		default:
			delete(p.blobs, d)
		}
	}
}

// wait returns when the uploads have ended, with the first error.
func (p *present) wait(ctx context.Context, uploads []*upload) error {
	for i, u := range uploads {
		select {
		case <-u.done:
		default:
			select {
			case <-u.done:
			case <-ctx.Done():
				p.leave(uploads[i:])
				return context.Cause(ctx)
			}
		}
		if u.err != nil {
			p.leave(uploads[i+1:])
			return u.err
		}
	}
	return nil
}
