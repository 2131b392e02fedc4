// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package filestat tells whether a file is as it was without reading it, by what
// the file system says of it. [Of] and [OfOpen] give that as a [Stat], and
// [Stat.Settled] says whether it can be relied on.
package filestat

import (
	"errors"
	"fmt"
	"time"
)

// Stat is what the file system says of a regular file. Two equal ones of one path
// mean the same contents if they were settled when the contents were read, and are
// settled now: see [Stat.Settled].
type Stat struct {
	Size       int64  // bytes
	ModTime    int64  // nanoseconds since 1970
	ChangeTime int64  // of the contents or the inode; 0 where there is none
	Device     uint64 // 0 where there is none, as Inode
	Inode      uint64
	// Mount stands for the mount that the file is in, until that is unmounted or
	// the machine is started again. It is only there where it is needed, for a file
	// whose change time is a whole second, and where it can be had; else it is 0.
	Mount uint64
}

// String has all of a Stat, in one spelling.
func (s Stat) String() string {
	return fmt.Sprintf("%d %d %d %d %d %d", s.Size, s.ModTime, s.ChangeTime, s.Device, s.Inode, s.Mount)
}

// Margin is how much older than its reading a file must be for its Stat to stand
// for what was read. A file system stamps changes with a clock that may stand still
// for a while: 4 to 10 ms where the kernel's coarse clock is used, 1 s on NFS
// servers of old and on HFS+, 2 s on FAT. Whoever changes a file within that
// time of its reading leaves every field of its Stat as it was. And a page that a
// program writes through a mapping is stamped once and then not until it was
// written to the disk, which the kernel puts off for 30 s.
const Margin = 40 * time.Second

// Settled says whether a file that is read at a time by the clock that stamps it
// cannot change any more without its Stat changing too. A file from the future is
// not settled: its times come from another clock, or from somebody who sets them.
//
// Nor is one whose change time is a whole second, unless its mount is known: that
// is not the time of a change but what an image of a file system (squashfs, a disk
// image made from a folder) was made with, and another image in its place may have
// the same, down to the inode and the device.
func (s Stat) Settled(at time.Time) bool {
	return (!s.wholeSecond() || s.Mount != 0) && max(s.ModTime, s.ChangeTime) < at.UnixNano()-int64(Margin)
}

func (s Stat) wholeSecond() bool { return s.ChangeTime%int64(time.Second) == 0 }

// ErrNotFile is what Of and OfOpen say of a folder, a pipe or a device.
var ErrNotFile = errors.New("not a regular file")
