// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/dtlto/dtlto/internal/remote"
)

// Fetch makes files with the contents of outputs. They are verified before they have
// their names. If it fails, none of them is left; the error is a [*cas.Miss] if
// the server does not have a blob or has it wrong.
func (c *Client) Fetch(ctx context.Context, files []remote.File) error {
	s, err := c.session(ctx)
	if err != nil {
		return err
	}
	if s.translation != nil {
		files = s.translation.files(files)
	}
	f := &fetching{client: c, session: s, files: files}
	defer f.cancel()
	if err = f.all(ctx); err != nil {
		f.remove()
	}
	return err
}

// fetching is one call of Fetch.
type fetching struct {
	client  *Client
	session *session
	files   []remote.File
	wait    []waiting
	made    []string
}

// waiting is a file and the blob that was ordered for it.
type waiting struct {
	file *remote.File
	*download
}

// all orders small blobs, deals with what needs no waiting meanwhile, and then takes
// what was ordered.
func (f *fetching) all(ctx context.Context) error {
	var large []*remote.File
	for i := range f.files {
		file := &f.files[i]
		switch {
		case f.inline(file):
			if err := f.place(file, file.Inline); err != nil {
				return err
			}
			f.count(file)
		case f.client.together(f.session, file.Digest):
			f.wait = append(f.wait, waiting{file, f.client.order(ctx, file.Digest)})
		default:
			large = append(large, file)
		}
	}
	for _, file := range large {
		if err := f.stream(ctx, file); err != nil {
			return err
		}
	}
	return f.take(ctx)
}

// count counts what came with the answer. With a translation it was fetched before.
func (f *fetching) count(file *remote.File) {
	if f.session.translation == nil {
		f.client.fetched.Add(1)
		f.client.received.Add(int64(len(file.Inline)))
	}
}

// inline says whether the file's contents came with the answer, whole and right.
func (f *fetching) inline(file *remote.File) bool {
	// A server may leave out what was asked for.
	return int64(len(file.Inline)) == file.Digest.Size && f.session.verify(file.Digest, file.Inline)
}

// take waits for the small blobs. What came damaged, or did not come though it
// should be there, is asked for once more, alone.
func (f *fetching) take(ctx context.Context) error {
	for _, w := range f.wait {
		data, err := w.result(ctx)
		if _, alone := errors.AsType[*aloneError](err); alone {
			err = f.stream(ctx, w.file)
		} else if err == nil {
			err = f.place(w.file, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fetching) cancel() {
	for _, w := range f.wait {
		w.cancel()
	}
}

// place makes a file of verified contents.
func (f *fetching) place(file *remote.File, data []byte) error {
	a, err := beside(file.Path)
	if err != nil {
		return err
	}
	if _, err = a.Write(data); err != nil {
		a.discard()
		return err
	}
	return f.keep(a)
}

func (f *fetching) stream(ctx context.Context, file *remote.File) error {
	if err := f.client.reading.take(ctx); err != nil {
		return err
	}
	defer f.client.reading.give()
	a, err := beside(file.Path)
	if err != nil {
		return err
	}
	if err := f.client.readBlob(ctx, f.session, file.Digest, a); err != nil {
		a.discard()
		return err
	}
	return f.keep(a)
}

func (f *fetching) keep(a *aside) error {
	if err := a.rename(); err != nil {
		return err
	}
	f.made = append(f.made, a.path)
	return nil
}

func (f *fetching) remove() {
	for _, path := range f.made {
		_ = os.Remove(path)
	}
}

// aside is a file being written beside the name that it gets.
type aside struct {
	*os.File
	path string
}

func beside(path string) (*aside, error) {
	name := fmt.Sprintf("%s.%08x.part", path, rand.Uint32())
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	return &aside{file, path}, nil
}

func (a *aside) discard() {
	a.Close()
	_ = os.Remove(a.Name())
}

func (a *aside) rename() error {
	err := a.Close()
	if err == nil {
		err = os.Rename(a.Name(), a.path)
	}
	if err != nil {
		_ = os.Remove(a.Name())
	}
	return err
}
