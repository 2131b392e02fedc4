// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

const (
	// maxFind is how many digests one call asks about: 0.7 MiB of them.
	maxFind = 10000
	// maxMessage is how large the blobs of one message may be, with what surrounds
	// them. gRPC's own limit for a message is 4 MiB.
	maxMessage = 4<<20 - 64<<10
	// around is what surrounds a blob in a batch: 64 bytes of hash, sizes, tags.
	around = 128
	// compressible is from what size on a blob goes alone if it can be compressed only
	// then.
	compressible = 512 << 10
)

// Ensure returns when the storage has all the blobs. Those that it is known to
// have cost nothing; a blob that several want is sent once.
func (c *Client) Ensure(ctx context.Context, blobs []remote.Blob) error {
	s, err := c.session(ctx)
	if err != nil {
		return err
	}
	if s.translation != nil {
		if blobs, err = s.translation.blobs(blobs); err != nil {
			return err
		}
	}
	return c.ensure(ctx, blobs)
}

func (c *Client) ensure(ctx context.Context, blobs []remote.Blob) error {
	for {
		claims := c.present.claim(blobs)
		c.find.put(claims.ask...)
		c.send(claims.send...)
		if err := c.present.wait(ctx, append(claims.ask, claims.send...)); err != nil {
			c.present.leave(claims.share)
			return err
		}
		err := c.present.wait(ctx, claims.share)
		if err == nil || !c.ours(ctx, err) {
			return err
		}
	}
}

// ours says whether a blob that somebody else could not send may be one that we
// can: a file of theirs could not be read. What the server refused it refuses us too.
func (c *Client) ours(ctx context.Context, err error) bool {
	_, refused := errors.AsType[*remote.Error](err)
	return !refused && ctx.Err() == nil && c.ctx.Err() == nil
}

func (c *Client) takeFind(us []*upload) int { return min(len(us), maxFind) }

// findMissing asks which blobs are not there, and has those sent.
func (c *Client) findMissing(us []*upload) {
	if us = c.present.wanted(us); len(us) == 0 {
		return
	}
	missing, err := c.missing(us)
	if err != nil {
		c.present.settle(err, us...)
		return
	}
	there, gone := us[:0], make([]*upload, 0, len(missing))
	for _, u := range us {
		if missing[u.blob.Digest] {
			gone = append(gone, u)
		} else {
			there = append(there, u)
		}
	}
	c.present.settle(nil, there...)
	c.send(gone...)
}

func (c *Client) missing(us []*upload) (map[cas.Digest]bool, error) {
	request := &repb.FindMissingBlobsRequest{
		InstanceName: c.o.Instance, DigestFunction: c.known.Load().function,
		BlobDigests: messages(len(us), func(i int) cas.Digest { return us[i].blob.Digest }),
	}
	var reply *repb.FindMissingBlobsResponse
	err := c.storage.Do(c.ctx, "find missing blobs", func(ctx context.Context) (err error) {
		reply, err = c.blobs.FindMissingBlobs(c.identity.link(ctx), request)
		return err
	})
	missing := make(map[cas.Digest]bool, len(reply.GetMissingBlobDigests()))
	for _, m := range reply.GetMissingBlobDigests() {
		d, err := parse(m)
		if err != nil {
			return nil, c.strange("find missing blobs", err)
		}
		missing[d] = true
	}
	return missing, err
}

// strange is the error for an answer that makes no sense.
func (c *Client) strange(what string, err error) error {
	return &remote.Error{What: what + " on " + c.storage.String(), Err: err}
}

// send has blobs sent: together with others, or large ones alone.
func (c *Client) send(us ...*upload) {
	if len(us) == 0 {
		return
	}
	s := c.known.Load()
	together, alone := make([]*upload, 0, len(us)), []*upload(nil)
	for _, u := range us {
		switch d := u.blob.Digest; {
		case s.MaxBlob > 0 && d.Size > s.MaxBlob:
			c.present.settle(c.strange("upload", fmt.Errorf("blob %v: larger than the %d bytes that the server takes", d, s.MaxBlob)), u)
		case c.together(s, d):
			together = append(together, u)
		default:
			alone = append(alone, u)
		}
	}
	c.update.put(together...)
	c.write.put(alone...)
}

// together says whether a blob goes with others, up or down.
func (c *Client) together(s *session, d cas.Digest) bool {
	if s.zstdStreams && !s.zstdBatches && d.Size >= compressible {
		return false
	}
	return d.Size <= c.batch.Load()-around // d.Size may be any
}

// takeUpdate fills a message, with one blob at least.
func (c *Client) takeUpdate(us []*upload) int {
	return fill(us, c.batch.Load(), func(u *upload) int64 { return u.blob.Digest.Size })
}

func fill[T any](items []T, room int64, size func(T) int64) int {
	for i, item := range items {
		if room -= size(item) + around; room < 0 {
			return max(i, 1)
		}
	}
	return len(items)
}
