// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"os"
	"testing"
	"testing/fstest"
)

func TestAvailableMemory(t *testing.T) {
	meminfo := "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable:     800 kB\n"
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  uint64
		ok    bool
	}{
		{"no proc", nil, 0, false},
		{"old kernel", map[string]string{"proc/meminfo": "MemFree: 10 kB\n"}, 0, false},
		{"broken", map[string]string{"proc/meminfo": "MemAvailable: many kB\n"}, 0, false},
		{"machine", map[string]string{"proc/meminfo": meminfo}, 800 << 10, true},
		{"no limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n",
			"sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/memory.current": "5\n"}, 800 << 10, true},
		{"limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "1:x:/b\n0::/a\n",
			"sys/fs/cgroup/a/memory.max": "1000\n", "sys/fs/cgroup/a/memory.current": "900\n",
			"sys/fs/cgroup/a/memory.stat": "anon 5\ninactive_file 50\n"}, 150, true},
		{"limit of a parent", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b/c\n",
			"sys/fs/cgroup/a/memory.max": "1000\n", "sys/fs/cgroup/a/memory.current": "1200\n"}, 0, true},
		{"container", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "1000\n", "sys/fs/cgroup/memory.current": "400\n"}, 600, true},
		{"outside", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../../x\n"}, 800 << 10, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range tc.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			got, ok := availableMemory(root)
			if got != tc.want || ok != tc.ok {
				t.Errorf("%d, %v; want %d, %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestAvailableMemoryOfThisMachine(t *testing.T) {
	if _, err := os.Stat("/proc/meminfo"); err != nil {
		t.Skip("this system has no /proc/meminfo")
	}
	if got, ok := availableMemory(os.DirFS("/")); !ok || got < 1<<20 {
		t.Errorf("%d, %v", got, ok)
	}
}
