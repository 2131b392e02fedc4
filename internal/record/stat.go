// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"errors"
	"time"
)

// Stat is what the file system says of a file without reading it. Two equal
// ones mean the same contents, unless the file was changed within the clock's
// granularity: see settled.
type Stat struct {
	Size       int64  // bytes
	ModTime    int64  // nanoseconds since 1970
	ChangeTime int64  // of the contents or the inode; 0 where there is none
	Device     uint64 // 0 where there is none, as Inode
	Inode      uint64
}

// margin is how much older than its hashing a file must be for its digest to be
// remembered. A file system stamps changes with a clock that may stand still
// for a while: 4 to 10 ms where the kernel's coarse clock is used, 1 s on NFS
// servers of old and on HFS+, 2 s on FAT. Whoever changes a file within that
// time of its hashing leaves every field of its Stat as it was. And a page that a
// program writes through a mapping is stamped once and then not until it was
// written to the disk, which the kernel puts off for 30 s.
const margin = 40 * time.Second

// settled says whether a file that is read at a time, in nanoseconds since
// 1970, cannot change any more without its Stat changing too. A file from the
// future is not settled: its times come from another clock, or from somebody
// who sets them. Nor is one whose change time is a whole second: that is not the
// time of a change but what an image of a file system (squashfs, ISO 9660) was
// made with, and another image in its place may have the same, down to the inode.
func (s Stat) settled(at int64) bool {
	return s.ChangeTime%int64(time.Second) != 0 && max(s.ModTime, s.ChangeTime) < at-int64(margin)
}

var errNotFile = errors.New("not a regular file")
