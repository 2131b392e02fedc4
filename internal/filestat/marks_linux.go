// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package filestat

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// marks make of the kernel's number of a mount one that stands for this mount alone.
//
// The number is not enough. The next start of the machine counts the same again;
// that is what the boot's id is for. And a virtual machine may be saved and set back:
// it counts on from where it was, with the same boot's id, and what it mounts then
// has the number that another image had the last time, while a cache that is kept
// elsewhere remembers that one.
//
// Hence a mark: a random word in a file in memory, which is saved and set back with
// the mounts. It says up to which number mounts had been made when it was, and when
// the machine had been started, for the clock may be set right later. Where the
// mark is the same, so is the machine's past up to it, and with that all these mounts.
// A mount with a higher number needs a new mark.
type marks struct {
	boot   string // the file with the boot's id
	folder string // in memory

	mu     sync.Mutex
	mounts map[uint64]mount // by the kernel's numbers
}

// mount is zero if nothing stands for it: no /proc, no file system in memory.
type mount struct {
	number  uint64
	started int64 // when the machine was, in nanoseconds since 1970
}

var theseMarks = &marks{boot: "/proc/sys/kernel/random/boot_id", folder: "/dev/shm"}

// mount is the one that has a number of the kernel's.
func (m *marks) mount(id uint64) mount {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.mounts[id]; ok {
		return known
	}
	found, err := m.find(id)
	if err != nil {
		found = mount{}
	}
	if m.mounts == nil {
		m.mounts = map[uint64]mount{}
	}
	m.mounts[id] = found
	return found
}

func (m *marks) find(id uint64) (mount, error) {
	boot, err := os.ReadFile(m.boot)
	if err == nil && len(bytes.TrimSpace(boot)) == 0 {
		err = errors.New("empty boot id")
	}
	if err != nil {
		return mount{}, err
	}
	path := filepath.Join(m.folder, "dtlto-mark-"+strconv.Itoa(os.Geteuid()))
	it, err := readMark(path, id)
	if err != nil {
		it, err = newMark(path, id)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", boot, it, id))
	return mount{max(1, binary.LittleEndian.Uint64(sum[:])), it.started}, err
}

// mark is what its file says.
type mark struct {
	highest uint64 // mount that it holds for
	started int64  // when the machine was, by the clock at the time of the mark
	random  string
}

// markSize is how long a mark's file is at most, in bytes.
const markSize = 200

func (k mark) String() string {
	return fmt.Sprintf("dtlto mark 1 %d %d %s\n", k.highest, k.started, k.random)
}

// parseMark reads what String writes, and nothing else.
func parseMark(text string) (mark, error) {
	var k mark
	_, err := fmt.Sscanf(text, "dtlto mark 1 %d %d %s\n", &k.highest, &k.started, &k.random)
	if err != nil || k.String() != text {
		return mark{}, errors.New("no mark")
	}
	return k, nil
}

// readMark gives the mark in a file if it holds for a mount. The folder belongs to
// everybody, so the file must be this user's own.
func readMark(path string, id uint64) (mark, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return mark{}, err
	}
	defer f.Close()
	if err := checkMark(f); err != nil {
		return mark{}, err
	}
	b, err := io.ReadAll(io.LimitReader(f, markSize))
	if err != nil {
		return mark{}, err
	}
	k, err := parseMark(string(b))
	if err == nil && k.highest < id {
		err = errors.New("a mark from before this mount")
	}
	return k, err
}

// checkMark refuses a file that somebody else made, and one that is not in memory,
// so that it would outlive the mounts.
func checkMark(f *os.File) error {
	var st unix.Stat_t
	var fs unix.Statfs_t
	if err := errors.Join(unix.Fstat(int(f.Fd()), &st), unix.Fstatfs(int(f.Fd()), &fs)); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || int(st.Uid) != os.Geteuid() || uint32(fs.Type) != unix.TMPFS_MAGIC {
		return errors.New("not this user's file in memory")
	}
	return nil
}

// newMark makes a mark for all mounts up to a number. The time is in it because a
// virtual machine that was set back may draw the same random numbers again. Of two
// that make one at once the other's stays, and this one is never met again.
func newMark(path string, id uint64) (mark, error) {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return mark{}, err
	}
	now := time.Now().UnixNano()
	k := mark{id, now - unix.TimespecToNsec(up), fmt.Sprintf("%s-%d-%d", rand.Text(), now, os.Getpid())}
	return k, k.write(path)
}

// write gives the file its name when it is whole.
func (k mark) write(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".dtlto-mark-*") // for this user only
	if err != nil {
		return err
	}
	_, err = f.WriteString(k.String())
	err = errors.Join(err, checkMark(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
