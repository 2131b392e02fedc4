// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package cas

import (
	"io"
	"os"
	"time"
)

// readEntry reads the whole of a file of at most limit bytes, into buffer if it
// has the room, and tells when it was last modified.
func readEntry(path string, buffer []byte, limit int64) ([]byte, time.Time, error) {
	f, info, err := openEntry(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer f.Close()
	if info.Size() > limit {
		return nil, time.Time{}, errTooLong
	}
	if int64(len(buffer)) < info.Size() {
		buffer = make([]byte, info.Size())
	}
	data := buffer[:info.Size()]
	_, err = io.ReadFull(f, data)
	return data, info.ModTime(), err
}

// openFlags are the flags of a file that is too large for readEntry.
const openFlags = os.O_RDONLY
