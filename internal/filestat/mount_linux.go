// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package filestat

import "golang.org/x/sys/unix"

// A file whose change time is a whole second comes from an image, and what an image
// says of its files says nothing of their contents: another image, mounted in its
// place, may say the same. So such a file's Stat has the mount in it as well. While
// an image stays mounted, a file in it changes only by being written to, which
// stamps it with the time. (Whoever exchanges the blocks beneath a mounted file
// system, by writing to the image or with a loop device's LOOP_CHANGE_FD, deceives
// the kernel too, whose cache has the old ones.)
//
// What tells mounts apart is the kernel's number for each (STATX_MNT_ID_UNIQUE,
// Linux 6.8), which has 64 bits and is not given again until the machine is started
// anew, in all namespaces and containers; a bind mount, and a new namespace's
// copy of a mount, has a number of its own and costs reading the files again. For
// other starts of the machine, and for a virtual machine that is set back, see marks.

// withMount is for a file that was found to need it. The file is held while it is
// asked for, so that all the answers are of one.
func withMount(path string, s Stat) (Stat, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return s, nil // which is right without, and not settled
	}
	defer unix.Close(fd)
	return ofDescriptor(path, fd)
}

// mountOf is what goes into the Stat of an open file: 0 if its kind of file system
// or its change time do not allow to rely on the mount.
func mountOf(fd int, changed int64) uint64 {
	known, writable := imageKind(fd)
	if !known {
		return 0
	}
	var st unix.Statx_t
	err := retry(func() error { return unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID_UNIQUE, &st) })
	if err != nil || st.Mask&unix.STATX_MNT_ID_UNIQUE == 0 {
		return 0
	}
	m := theseMarks.mount(st.Mnt_id)
	if writable && changed >= m.started {
		return 0
	}
	return m.number
}

// imageKind says whether a file is in an image that is mounted here. Squashfs and
// EROFS cannot be written to, ext4 can. There a whole second from before the machine
// was started is no stamp of this kernel's; a later one may be (inodes of 128 bytes,
// ext3), and of two virtual machines that were set back to the same moment each may
// have made another change in that second.
//
// All others are not relied on: a file server, FUSE, or a host that shares a folder
// may have another image in place of the first while the mount here stays; so may what
// overlayfs lies on; FAT has no change time but shows the modification time, which
// whoever restores a file sets.
func imageKind(fd int) (known, writable bool) {
	var fs unix.Statfs_t
	if retry(func() error { return unix.Fstatfs(fd, &fs) }) != nil {
		return false, false
	}
	switch uint32(fs.Type) {
	case unix.SQUASHFS_MAGIC, unix.EROFS_SUPER_MAGIC_V1:
		return true, false
	case unix.EXT4_SUPER_MAGIC: // of ext2 and ext3 as well
		return true, true
	}
	return false, false
}
