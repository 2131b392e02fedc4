// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/proto"
	"lukechampine.com/blake3"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

// maxTranslated is how large an output can be that has to be held to be renamed.
const maxTranslated = 256 << 20

// translation is between this program's digests, SHA-256, and those of servers that take
// BLAKE3 only. Actions are written anew with the others; outputs are fetched at once, for
// there is no other way to know what they are called here. Nothing of it is used with
// other servers.
type translation struct {
	mu     sync.Mutex
	leaves map[cas.Digest]*leaf
	keys   map[cas.ActionKey]cas.ActionKey
}

// leaf is a blob without digests in it: its other digest.
type leaf struct {
	once sync.Once
	wire cas.Digest
	err  error
}

func newTranslation() *translation {
	return &translation{leaves: make(map[cas.Digest]*leaf), keys: make(map[cas.ActionKey]cas.ActionKey)}
}

// digest is the server's name of a blob. Each is read once.
func (t *translation) digest(b *remote.Blob) (cas.Digest, error) {
	t.mu.Lock()
	l := t.leaves[b.Digest]
	if l == nil {
		l = new(leaf)
		t.leaves[b.Digest] = l
	}
	t.mu.Unlock()
	l.once.Do(func() { l.wire, l.err = rename(b) })
	if l.err != nil {
		t.mu.Lock()
		if t.leaves[b.Digest] == l {
			delete(t.leaves, b.Digest)
		}
		t.mu.Unlock()
	}
	return l.wire, l.err
}

// rename reads a blob, which must be what its digest says: a server can check only
// the other one.
func rename(b *remote.Blob) (cas.Digest, error) {
	r, err := reader(b)
	if err != nil {
		return cas.Digest{}, err
	}
	defer r.Close()
	sha, blake := sha256.New(), blake3.New(len(b.Digest.Hash), nil)
	n, err := io.Copy(io.MultiWriter(sha, blake), io.LimitReader(r, b.Digest.Size+1))
	if err != nil {
		return cas.Digest{}, err
	}
	if n != b.Digest.Size || [32]byte(sha.Sum(nil)) != b.Digest.Hash {
		return cas.Digest{}, fmt.Errorf("blob %v: its contents have changed", b.Digest)
	}
	return cas.Digest{Hash: [32]byte(blake.Sum(nil)), Size: n}, nil
}

func (t *translation) blobs(blobs []remote.Blob) ([]remote.Blob, error) {
	out := make([]remote.Blob, len(blobs))
	for i := range blobs {
		out[i] = blobs[i]
		var err error
		if out[i].Digest, err = t.digest(&blobs[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// files gives files the server's names, as far as they are known. Others it does not have.
func (t *translation) files(files []remote.File) []remote.File {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]remote.File, len(files))
	for i, f := range files {
		if l := t.leaves[f.Digest]; l != nil {
			f.Digest = l.wire
		}
		out[i] = f
	}
	return out
}

// rewriting is an action being written anew.
type rewriting struct {
	*translation
	blobs map[cas.Digest]*remote.Blob
	done  map[cas.Digest]cas.Digest
	out   []remote.Blob
}

// translated is the action as the server is to see it.
func (s *session) translated(a *remote.Action) (*remote.Action, error) {
	if s.translation == nil {
		return a, nil
	}
	a, err := a.Whole()
	if err != nil {
		return nil, err
	}
	w := &rewriting{s.translation, make(map[cas.Digest]*remote.Blob, len(a.Blobs)), make(map[cas.Digest]cas.Digest, len(a.Blobs)), nil}
	for i := range a.Blobs {
		w.blobs[a.Blobs[i].Digest] = &a.Blobs[i]
	}
	key, err := w.action(cas.Digest(a.Key))
	if err != nil {
		return nil, fmt.Errorf("action %v: %w", a.Key, err)
	}
	s.translation.mu.Lock()
	s.translation.keys[a.Key] = cas.ActionKey(key)
	s.translation.mu.Unlock()
	return &remote.Action{Key: cas.ActionKey(key), Blobs: w.out, Module: a.Module, Outputs: a.Outputs}, nil
}

func (w *rewriting) action(d cas.Digest) (key cas.Digest, err error) {
	m := new(repb.Action)
	if err = w.read(d, m); err != nil {
		return key, err
	}
	if m.CommandDigest, err = w.rename(m.CommandDigest, w.file); err != nil {
		return key, err
	}
	if m.InputRootDigest, err = w.rename(m.InputRootDigest, w.folder); err != nil {
		return key, err
	}
	return w.write(m)
}

func (w *rewriting) folder(d cas.Digest) (other cas.Digest, err error) {
	m := new(repb.Directory)
	if err = w.read(d, m); err != nil {
		return other, err
	}
	for _, f := range m.Files {
		if f.Digest, err = w.rename(f.Digest, w.file); err != nil {
			return other, err
		}
	}
	for _, f := range m.Directories {
		if f.Digest, err = w.rename(f.Digest, w.folder); err != nil {
			return other, err
		}
	}
	return w.write(m)
}

func (w *rewriting) file(d cas.Digest) (cas.Digest, error) {
	b := w.blobs[d]
	if b == nil {
		return d, fmt.Errorf("blob %v: not given", d)
	}
	out := *b
	var err error
	if out.Digest, err = w.digest(b); err == nil {
		w.out = append(w.out, out)
	}
	return out.Digest, err
}

// rename gives a digest in a message its other value, each once.
func (w *rewriting) rename(m *repb.Digest, other func(cas.Digest) (cas.Digest, error)) (*repb.Digest, error) {
	d, err := parse(m)
	if err != nil {
		return nil, err
	}
	wire, ok := w.done[d]
	if !ok {
		if wire, err = other(d); err != nil {
			return nil, err
		}
		w.done[d] = wire
	}
	return message(wire), nil
}

func (w *rewriting) read(d cas.Digest, m proto.Message) error {
	b := w.blobs[d]
	if b == nil || b.Data == nil && d.Size > 0 {
		return fmt.Errorf("message %v: not given", d)
	}
	return proto.Unmarshal(b.Data, m)
}

// write keeps a message, in the one form that has a digest.
func (w *rewriting) write(m proto.Message) (cas.Digest, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	d := cas.Digest{Hash: blake3.Sum256(data), Size: int64(len(data))}
	w.out = append(w.out, remote.Blob{Digest: d, Data: data})
	return d, err
}

// back gives outputs the names that they have here. That takes their contents.
func (s *session) back(ctx context.Context, c *Client, r *remote.Result) error {
	if s.translation == nil {
		return nil
	}
	for i := range r.Outputs {
		o := &r.Outputs[i]
		if err := s.inline(ctx, c, o); err != nil {
			return err
		}
		l := &leaf{wire: o.Digest}
		l.once.Do(func() {})
		o.Digest = cas.DigestOf(o.Inline)
		s.translation.mu.Lock()
		s.translation.leaves[o.Digest] = l
		s.translation.mu.Unlock()
	}
	return nil
}

// inline fetches an output that did not come with the answer.
func (s *session) inline(ctx context.Context, c *Client, o *remote.Output) (err error) {
	if s.verify(o.Digest, o.Inline) {
		return nil
	}
	if o.Digest.Size > maxTranslated {
		return c.strange("download output", fmt.Errorf("output %q: %d bytes are too many with BLAKE3", o.Name, o.Digest.Size))
	}
	o.Inline, err = c.readShort(ctx, s, o.Digest)
	return err
}

// published is a result by the server's names. Its action was asked for before, and its
// blobs were sent.
func (s *session) published(key cas.ActionKey, outputs []remote.Output) (cas.ActionKey, []remote.Output, error) {
	t := s.translation
	if t == nil {
		return key, outputs, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	wire, ok := t.keys[key]
	out := make([]remote.Output, len(outputs))
	for i, o := range outputs {
		l := t.leaves[o.Digest]
		if ok = ok && l != nil; ok {
			out[i] = remote.Output{Name: o.Name, Digest: l.wire}
		}
	}
	if !ok {
		return key, nil, fmt.Errorf("result %v: its action or outputs were not sent to this server", key)
	}
	return wire, out, nil
}
