// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/dtlto/dtlto/internal/cas"
)

const (
	// tiny blobs are not compressed: a canonical index of a few hundred bytes loses
	// a tenth and costs 5 µs.
	tiny = 1 << 10
	// window is what an encoder looks back at, and what makes up its memory.
	window = 1 << 20
	// maxWindow bounds a decoder's memory. Encoders at their usual levels use 8 MiB at most.
	maxWindow = 32 << 20
)

// codec has the zstd encoders and decoders, made when first used.
type codec struct {
	once       sync.Once
	whole      *zstd.Encoder // for blobs in memory
	wholeBack  *zstd.Decoder
	encoders   sync.Pool // *zstd.Encoder for streams
	decoders   sync.Pool // *zstd.Decoder for streams
	wholeInUse bool
}

func (c *codec) setUp() {
	c.once.Do(func() {
		n := runtime.GOMAXPROCS(0)
		// The options are constants: there is nothing to fail.
		c.whole, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(n), zstd.WithEncoderCRC(false))
		c.wholeBack, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(n), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(maxWindow))
		c.wholeInUse = true
	})
}

func (c *codec) close() {
	if c.wholeInUse {
		c.wholeBack.Close()
	}
}

// compress gives b compressed, or nil if it may not be or that is not worth it.
func (c *codec) compress(b []byte, may bool) []byte {
	if !may || len(b) < tiny {
		return nil
	}
	c.setUp()
	out := c.whole.EncodeAll(b, make([]byte, 0, len(b)))
	if len(out) > len(b)-len(b)/16 {
		return nil
	}
	return out
}

// decompress gives the blob with digest d that b claims to be, never more than it.
func (c *codec) decompress(d cas.Digest, b []byte) ([]byte, error) {
	if d.Size > maxMessage {
		return nil, fmt.Errorf("blob %v: too large for a batch", d)
	}
	c.setUp()
	return c.wholeBack.DecodeAll(b, make([]byte, 0, d.Size))
}

// encoder compresses what is written to it into w. Close it, then give it back.
func (c *codec) encoder(w io.Writer) *zstd.Encoder {
	if e, ok := c.encoders.Get().(*zstd.Encoder); ok {
		e.Reset(w)
		return e
	}
	e, _ := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	return e
}

// giveBack takes an encoder, whatever has become of its stream.
func (c *codec) giveBack(e *zstd.Encoder) {
	e.Reset(nil)
	c.encoders.Put(e)
}

// decoder gives the contents of what r has compressed. With one goroutine for
// each, it starts none of its own and need not be closed.
func (c *codec) decoder(r io.Reader) (*zstd.Decoder, error) {
	if d, ok := c.decoders.Get().(*zstd.Decoder); ok {
		return d, d.Reset(r)
	}
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
}

func (c *codec) takeBack(d *zstd.Decoder) {
	if d.Reset(nil) == nil {
		c.decoders.Put(d)
	}
}
