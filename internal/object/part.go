// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"io"
	"os"
)

// A Part is a piece of a file that is something by itself: a member of an archive,
// or a section of an object.
type Part struct {
	File         string
	Offset, Size int64 // in bytes
}

// Look opens the file and lets f see the part, as far as it is there.
func (p Part) Look(f func(r io.ReaderAt, size int64)) error {
	file, err := os.Open(p.File)
	if err != nil {
		return err
	}
	defer file.Close()
	f(io.NewSectionReader(file, p.Offset, p.Size), p.Size)
	return nil
}

// Open gives the part to be read.
func (p Part) Open() (io.ReadCloser, error) {
	file, err := os.Open(p.File)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, p.Offset, p.Size), file}, nil
}

// Extract writes the part to a file that is not there yet.
func (p Part) Extract(to string) error {
	from, err := os.Open(p.File)
	if err != nil {
		return err
	}
	defer from.Close()
	if _, err := from.Seek(p.Offset, io.SeekStart); err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	// The kernel copies from file to file.
	_, err = io.CopyN(file, from, p.Size)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
