// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxEntries is how many files, folders and links an input root may have: a
// folder can be in it any number of times for one digest.
const maxEntries = 1 << 20

const (
	fileEntry = iota
	folderEntry
	linkEntry
)

// entry is a file, folder or symbolic link of an input root.
type entry struct {
	path       string
	kind       int
	key        key
	executable bool
	target     string
}

// inputs are an input root, folders before what is in them.
type inputs struct {
	store    *store
	function repb.DigestFunction_Value
	entries  []entry
	missing  map[key]bool
}

// read adds a folder with all that is in it.
func (in *inputs) read(s *Server, folder key, at string) error {
	d := &repb.Directory{}
	if err := s.message(folder, d); status.Code(err) == codes.FailedPrecondition {
		in.missing[folder] = true
		return nil
	} else if err != nil {
		return err
	}
	if len(in.entries) > maxEntries {
		return status.Error(codes.InvalidArgument, "Input root has too many entries")
	}
	for _, f := range d.Files {
		k, err := in.add(at, f.Name, f.Digest, entry{kind: fileEntry, executable: f.IsExecutable})
		if err != nil {
			return err
		}
		if !in.store.has(k) {
			in.missing[k] = true
		}
	}
	for _, l := range d.Symlinks {
		if _, err := in.add(at, l.Name, nil, entry{kind: linkEntry, target: l.Target}); err != nil {
			return err
		}
	}
	for _, f := range d.Directories {
		k, err := in.add(at, f.Name, f.Digest, entry{kind: folderEntry})
		if err != nil {
			return err
		}
		if err := in.read(s, k, path.Join(at, f.Name)); err != nil {
			return err
		}
	}
	return nil
}

// add adds an entry, if its name and digest are good.
func (in *inputs) add(at, name string, d *repb.Digest, e entry) (k key, err error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return k, status.Errorf(codes.InvalidArgument, "Invalid filename %q in directory %q", name, at)
	}
	if e.kind != linkEntry {
		if k, err = newKey(in.function, d); err != nil {
			return k, err
		}
	}
	e.path, e.key = path.Join(at, name), k
	in.entries = append(in.entries, e)
	return k, nil
}

// build makes the input root in an empty folder.
func (in *inputs) build(root string) error {
	for _, e := range in.entries {
		if err := in.place(filepath.Join(root, filepath.FromSlash(e.path)), e); err != nil {
			return err
		}
	}
	return nil
}

func (in *inputs) place(to string, e entry) error {
	var err error
	switch e.kind {
	case folderEntry:
		err = os.Mkdir(to, 0o777)
	case linkEntry:
		err = os.Symlink(e.target, to)
	default:
		err = in.placeFile(to, e)
	}
	if errors.Is(err, fs.ErrExist) {
		return status.Errorf(codes.InvalidArgument, "Directory contains multiple children named %q", e.path)
	}
	return err
}

// placeFile links a file of the storage, or writes what is in memory. Files are
// read-only: a link is the storage's own.
func (in *inputs) placeFile(to string, e entry) error {
	b, ok := in.store.get(e.key)
	if !ok {
		return missing([]key{e.key})
	}
	mode := fs.FileMode(0o444)
	if e.executable {
		mode = 0o555
	}
	if b.path == "" {
		return writeNew(to, mode, b.data)
	}
	from := b.path
	if e.executable {
		from += "+x"
		if err := in.store.executable(b.path); err != nil {
			return err
		}
	}
	err := os.Link(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		return missing([]key{e.key}) // evicted just now
	}
	return err
}

func writeNew(to string, mode fs.FileMode, data []byte) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// copying is held while an executable is copied: one copy of each is enough.
var copying sync.Mutex

// executable makes the copy of a blob's file that can be executed: a link has the
// mode of its file.
func (s *store) executable(path string) error {
	copying.Lock()
	defer copying.Unlock()
	if _, err := os.Lstat(path + "+x"); err == nil {
		return nil
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path+"+tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o555)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		return errors.Join(err, to.Close())
	}
	return errors.Join(to.Close(), os.Rename(path+"+tmp", path+"+x"))
}
