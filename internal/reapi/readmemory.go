// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"io"

	bspb "google.golang.org/genproto/googleapis/bytestream"

	"github.com/dtlto/dtlto/internal/cas"
)

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) Write(b []byte) (int, error) {
	m.b = append(m.b, b...)
	return len(b), nil
}

// Seek is only ever to the beginning, before Truncate.
func (m *memory) Seek(int64, int) (int64, error) { return 0, nil }

// Truncate is only ever to nothing.
func (m *memory) Truncate(int64) error { m.b = m.b[:0]; return nil }

// readShort gives a whole blob, verified. How large it may be is for the caller to say.
func (c *Client) readShort(ctx context.Context, s *session, d cas.Digest) ([]byte, error) {
	if c.together(s, d) {
		w := c.order(ctx, d)
		defer w.cancel()
		data, err := w.result(ctx)
		if _, alone := errors.AsType[*aloneError](err); !alone {
			return data, err
		}
	}
	if err := c.reading.take(ctx); err != nil {
		return nil, err
	}
	defer c.reading.give()
	into := &memory{}
	err := c.readBlob(ctx, s, d, into)
	return into.b, err
}

// readStart gives the first bytes of a blob that is too long: messages, for people. They
// cannot be verified. The stream is left when there is enough: a ReadLimit is refused by
// Buildbarn, and answered with an error at its end by bazel-remote and elan.
func (c *Client) readStart(ctx context.Context, s *session, d cas.Digest, room int) (start []byte, err error) {
	err = c.storage.Do(ctx, "download messages", func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.bytes.Read(ctx, &bspb.ReadRequest{ResourceName: s.readResource(d, false)})
		if err != nil {
			return err
		}
		from := &messageReader{client: c, ctx: ctx, stream: stream}
		start, err = io.ReadAll(io.LimitReader(from, int64(room)))
		return err
	})
	return start, err
}
