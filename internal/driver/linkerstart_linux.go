// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// linkerStart is when the linker that called us began, to a hundredth of a second; ok is
// false if process pid is not our parent, or that cannot be told.
func linkerStart(pid int) (started time.Time, ok bool) {
	if pid == 0 || pid != os.Getppid() {
		return time.Time{}, false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	var now unix.Timespec
	if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return time.Time{}, false
	}
	ticks, ok := startTicks(stat)
	const perSecond = 100 // USER_HZ of every architecture that Go knows
	age := time.Duration(now.Nano()) - time.Duration(ticks)*(time.Second/perSecond)
	if !ok || age < 0 || age > maxLinkAge {
		return time.Time{}, false
	}
	return time.Now().Add(-age), true
}

// maxLinkAge is more than any link takes: what is older is another clock's.
const maxLinkAge = 7 * 24 * time.Hour

// startTicks is field 22 of a process's stat file. The second, its name in parentheses,
// may have spaces and parentheses in it.
func startTicks(stat []byte) (ticks int64, ok bool) {
	_, after, found := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	fields := bytes.Fields(after)
	const starttime = 22 - 3
	if !found || len(fields) <= starttime {
		return 0, false
	}
	ticks, err := strconv.ParseInt(string(fields[starttime]), 10, 64)
	return ticks, err == nil && ticks >= 0 && ticks < 1<<50
}
