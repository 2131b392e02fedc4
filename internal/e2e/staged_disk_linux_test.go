// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestStagedFullDisk links onto disks on which there is room for less and less of the
// stage and of the program. What fails says why and leaves nothing.
func TestStagedFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: only root can mount a small file system")
	}
	withEachLLVM(t, func(s *staging) {
		losing(s)
		failed := 0
		for _, pages := range []int{1, 3, 6, 9, 12, 16, 20, 25, 40} {
			if s.linkOnto(pages) {
				failed++
			}
		}
		if failed == 0 {
			s.t.Error("no disk is too small")
		}
	})
}

// linkOnto links onto a file system with room for so many pages and says whether that
// failed.
func (s *staging) linkOnto(pages int) bool {
	s.t.Helper()
	disk := s.path(fmt.Sprint("disk", pages))
	if err := os.Mkdir(disk, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%d", pages*os.Getpagesize())); err != nil {
		s.t.Skipf("NOT TESTED: no small file system: %v", err)
	}
	defer func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) }()
	p, err := s.try(stagedLLD, "main.o", "root.o", "libmixed.a", "-o", disk+"/program")
	if err == nil {
		wantNames(s.t, disk, []string{"program"})
		if got := sorted(s.run(disk + "/program")); !strings.HasPrefix(got, "exit status 7\n") {
			s.t.Errorf("%d pages: the program prints %s", pages, got)
		}
		return false
	}
	wantNames(s.t, disk, nil)
	// LLD maps its output, so it is killed when there is no room for that: in-process too.
	if said := strings.ToLower(p.said); !strings.Contains(said, "no space left on device") && !strings.Contains(said, "bus error") {
		s.t.Errorf("%d pages: the link says %q", pages, p.said)
	}
	return true
}
