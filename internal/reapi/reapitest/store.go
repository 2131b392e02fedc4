// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxInMemory is the largest blob that is kept in memory.
const maxInMemory = 1 << 20

// blob is what the storage has of a blob: its bytes, or a file with them.
type blob struct {
	data []byte
	path string
}

// store is the content-addressable storage. What is in it was verified.
type store struct {
	dir string // must exist

	mu    sync.Mutex
	blobs map[key]blob
	room  int64 // bytes that may still go into memory
	bytes int64
	next  int // number of the next file
}

func newStore(dir string, memory int64) *store {
	return &store{dir: dir, blobs: map[key]blob{}, room: memory}
}

// get is a blob. The empty one is always there, as the API wants.
func (s *store) get(k key) (blob, bool) {
	if k.size == 0 && k == keyOf(k.function, nil) {
		return blob{}, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[k]
	return b, ok
}

func (s *store) has(k key) bool {
	_, ok := s.get(k)
	return ok
}

// evict forgets a blob and says whether it was there. Who reads it may go on.
func (s *store) evict(k key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[k]
	if !ok {
		return false
	}
	delete(s.blobs, k)
	s.bytes -= k.size
	s.discard(b)
	return true
}

// discard gives the room of a blob back. The lock must be held.
func (s *store) discard(b blob) {
	s.room += int64(len(b.data))
	if b.path != "" {
		_ = os.Remove(b.path)
		_ = os.Remove(b.path + "+x")
	}
}

func (s *store) keys() []key {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]key, 0, len(s.blobs))
	for k := range s.blobs {
		keys = append(keys, k)
	}
	return keys
}

// usage is how many blobs and bytes there are.
func (s *store) usage() (int, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.blobs), s.bytes
}

// keep stores bytes of our own and gives their digest.
func (s *store) keep(function repb.DigestFunction_Value, data []byte) (key, error) {
	k := keyOf(function, data)
	if s.reserve(k.size) {
		s.add(k, blob{data: data})
		return k, nil
	}
	return k, s.put(k, data)
}

// put stores bytes that have a digest, or says that they have another.
func (s *store) put(k key, data []byte) error {
	in, err := s.receive(k)
	if err != nil {
		return err
	}
	if _, err := in.Write(data); err != nil {
		in.abandon()
		return err
	}
	return in.finish()
}

func (s *store) add(k key, b blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.blobs[k]; ok {
		s.discard(b)
		return
	}
	s.blobs[k] = b
	s.bytes += k.size
}

func (s *store) fileName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return filepath.Join(s.dir, fmt.Sprintf("blob%d", s.next))
}

// reserve takes room in memory, if there is enough.
func (s *store) reserve(size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > maxInMemory || size > s.room {
		return false
	}
	s.room -= size
	return true
}

// open reads a blob.
func (b blob) open() (io.ReadSeekCloser, error) {
	if b.path != "" {
		return os.Open(b.path)
	}
	return memoryReader{bytes.NewReader(b.data)}, nil
}

func (b blob) bytes() ([]byte, error) {
	if b.path != "" {
		return os.ReadFile(b.path)
	}
	return b.data, nil
}

type memoryReader struct{ *bytes.Reader }

func (memoryReader) Close() error { return nil }

// incoming is a blob on its way in.
type incoming struct {
	store *store
	key   key
	hash  hash.Hash
	data  []byte
	file  *os.File // nil: in data
	got   int64
}

func (s *store) receive(k key) (*incoming, error) {
	in := &incoming{store: s, key: k, hash: newHash(k.function)}
	if s.reserve(k.size) {
		in.data = make([]byte, 0, k.size)
		return in, nil
	}
	var err error
	in.file, err = os.OpenFile(s.fileName(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o444)
	return in, err
}

// Write takes no byte more than the digest says.
func (in *incoming) Write(p []byte) (int, error) {
	if in.got+int64(len(p)) > in.key.size {
		return 0, status.Errorf(codes.InvalidArgument, "Buffer is at least %d bytes in size, while %d bytes were expected", in.got+int64(len(p)), in.key.size)
	}
	in.got += int64(len(p))
	in.hash.Write(p)
	if in.file != nil {
		return in.file.Write(p)
	}
	in.data = append(in.data, p...)
	return len(p), nil
}

// finish verifies the blob and stores it.
func (in *incoming) finish() error {
	if in.got != in.key.size {
		in.abandon()
		return status.Errorf(codes.InvalidArgument, "Buffer is %d bytes in size, while %d bytes were expected", in.got, in.key.size)
	}
	if sum := hex.EncodeToString(in.hash.Sum(nil)); sum != in.key.hash {
		in.abandon()
		return status.Errorf(codes.InvalidArgument, "Buffer has checksum %s, while %s was expected", sum, in.key.hash)
	}
	b := blob{data: in.data}
	if in.file != nil {
		b.path = in.file.Name()
		if err := in.file.Close(); err != nil {
			return err
		}
	}
	in.store.add(in.key, b)
	return nil
}

// abandon leaves nothing.
func (in *incoming) abandon() {
	if in.file != nil {
		in.file.Close()
		_ = os.Remove(in.file.Name())
		return
	}
	in.store.mu.Lock()
	defer in.store.mu.Unlock()
	in.store.room += in.key.size
}
