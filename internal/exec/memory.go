// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// availableMemory is how many bytes new work can take before the machine
// swaps or the control group's limit strikes; ok is false where that cannot be
// told. root is the file system ("/" as an fs.FS).
//
// The kernel's MemAvailable counts page cache that can be dropped; for a
// control group the same is its limit less its usage, inactive file pages
// taken off (cgroup v2 of the kernel's documentation).
func availableMemory(root fs.FS) (available uint64, ok bool) {
	meminfo, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, false
	}
	kib, ok := field(meminfo, "MemAvailable:")
	if !ok {
		return 0, false
	}
	available = kib << 10
	group, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return available, true
	}
	for folder := cgroupFolder(group); folder != "." && folder != "/"; folder = path.Dir(folder) {
		if left, ok := cgroupLeft(root, path.Join("sys/fs/cgroup", folder)); ok {
			available = min(available, left)
		}
	}
	if left, ok := cgroupLeft(root, "sys/fs/cgroup"); ok { // the root of a container's view
		available = min(available, left)
	}
	return available, true
}

// field is the number behind a name in lines of "name number".
func field(text []byte, name string) (uint64, bool) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) >= 2 && words[0] == name {
			n, err := strconv.ParseUint(words[1], 10, 63)
			return n, err == nil
		}
	}
	return 0, false
}

// cgroupFolder is the version 2 entry of /proc/self/cgroup, "0::/some/group".
func cgroupFolder(text []byte) string {
	for line := range strings.SplitSeq(string(text), "\n") {
		if folder, ok := strings.CutPrefix(line, "0::/"); ok {
			return path.Clean(folder)
		}
	}
	return "."
}

func cgroupLeft(root fs.FS, folder string) (uint64, bool) {
	number := func(file string) (uint64, bool) {
		b, err := fs.ReadFile(root, path.Join(folder, file))
		if err != nil {
			return 0, false
		}
		n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 63) // "max" is no number
		return n, err == nil
	}
	limit, ok := number("memory.max")
	if !ok {
		return 0, false
	}
	used, ok := number("memory.current")
	if !ok {
		return 0, false
	}
	stat, _ := fs.ReadFile(root, path.Join(folder, "memory.stat"))
	reclaimable, _ := field(stat, "inactive_file")
	used -= min(used, reclaimable)
	return limit - min(limit, used), true
}
