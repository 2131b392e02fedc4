// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package cas keeps blobs under their digests and the results of actions under
// their keys, and gives back only what it has verified.
//
// [Store] is what every store offers: [Disk] here, others elsewhere. A store
// may forget anything at any time, so everything read may be a [Miss], which
// says why; a miss costs time and nothing else. What is not a miss is right:
// a blob has been hashed on its way out, a result carries a checksum and the
// key of its action.
//
// # The disk store
//
// Any number of processes of one machine share a folder. Files are written
// aside and renamed, blobs before the result that names them, so a reader sees
// a whole entry or none; a process may be killed at any instruction.
//
// Nothing is synced to the disk. After a power failure the newest files may be
// empty, short or zeroed; their digests tell, and they are compiled again.
// Waiting for the disk would cost 0.4 ms for each file, on a solid-state disk,
// to save what a compile brings back.
//
// A blob's file belongs to the cache alone unless [Options].HardLinks is set:
// Put copies and Materialise copies (or, from 4 MiB up, lets the file system
// share the blocks), so nothing done to an object can reach the cache. A hit
// of a 20 KB object (result, verified blob, and the linker's removing it again)
// takes 20 µs of processor time with a hard link and 40 to 110 µs with a copy on
// ext4, 19 and 32 µs in memory (tmpfs). Shared blocks cost more than either below
// a few megabytes, for they are read from the disk again (xfs, btrfs). With hard
// links a blob's file, its mode and its times are shared with everyone it was
// handed to: right for objects that a linker reads and removes, wrong for those
// that a build system keeps. A file changed through such a link is found out
// the next time the blob is read.
//
// The checksums protect against accidents. They do not protect against other
// users who may write in the folder: whoever may do that decides what is linked.
package cas
