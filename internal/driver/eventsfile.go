// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// eventsFile is where events go: a file, or what leads to somebody who reads them.
type eventsFile struct {
	*os.File
	regular bool
}

// readerPatience is how long somebody who reads events may take to make room: a link does
// not wait for one that has stopped.
const readerPatience = time.Second

var (
	errNotRegular = errors.New("no regular file")
	errIsOutput   = errors.New("is the output, too")
)

// openEvents opens a file for events behind those that it has. Nothing is waited for.
func openEvents(path, output string) (*eventsFile, error) {
	if isOutput(path, output) {
		return nil, errIsOutput
	}
	info, err := os.Stat(path)
	f := &eventsFile{regular: err != nil || info.Mode().IsRegular()}
	access := os.O_WRONLY
	if f.regular {
		access = os.O_RDWR
	}
	if f.File, err = os.OpenFile(path, access|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o666); err != nil {
		return nil, err
	}
	if f.regular && f.isCut() {
		_, err = f.File.Write([]byte("\n"))
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// isCut says whether the last line has no end, as after a disk was full.
func (f *eventsFile) isCut() bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n'
}

func (f *eventsFile) Write(line []byte) (int, error) {
	if !f.regular {
		_ = f.SetWriteDeadline(time.Now().Add(readerPatience)) // what has none never waits
	}
	return f.File.Write(line)
}

// isOutput says whether a file is the link's output, which is to be something else.
func isOutput(path, output string) bool {
	there, err := os.Stat(path)
	if made, madeErr := os.Stat(output); err == nil && madeErr == nil {
		return os.SameFile(there, made)
	}
	path, err = filepath.Abs(path)
	output, outputErr := filepath.Abs(output)
	return err == nil && outputErr == nil && path == output
}
