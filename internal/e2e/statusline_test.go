// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build linux

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestStatusLine: at a terminal a link that takes its time has a status line, which is gone
// when words come and at the end; elsewhere there is none.
func TestStatusLine(t *testing.T) {
	dir := t.TempDir()
	writeModules(t, dir, 4)
	slow := filepath.Join(dir, "slow")
	writeFile(t, slow, "#!/bin/sh\ncase \"$*\" in *-fthinlto-index*) sleep 1; echo 'clang: warning: it was slow' >&2;; esac\nexec clang-22 \"$@\"\n")
	if out, err := exec.Command("chmod", "755", slow).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, mode := range []string{"native", "staged"} {
		link := "clang-22 -O2 -flto=thin -fuse-ld=dtlto *.o -o program -Wl,--thinlto-remote-compiler=" + slow +
			",--dtlto-jobs=2,--dtlto-summary,--dtlto-mode=" + mode
		t.Run(mode, func(t *testing.T) { wantStatusLine(t, atTerminal(t, dir, 40, link, "TERM=xterm", "CI=")) })
		if mode == "native" {
			continue
		}
		for _, variable := range []string{"TERM=dumb", "CI=true", "DTLTO_PROGRESS=never", "MAKEFLAGS= -j2 --jobserver-auth=fifo:/nowhere"} {
			t.Run(mode+"/"+variable, func(t *testing.T) {
				said := atTerminal(t, dir, 40, link, "TERM=xterm", "CI=", variable)
				if strings.Contains(said, "\x1b") || !strings.Contains(said, "dtlto: 4 jobs") {
					t.Errorf("there is a line: %q", said)
				}
			})
		}
	}
}

// atTerminal runs a command at a terminal of so many columns, and returns all that is
// written there.
func atTerminal(t *testing.T, dir string, columns int, command string, env ...string) string {
	t.Helper()
	cmd := exec.Command("script", "-qec", fmt.Sprintf("stty cols %d rows 24; %s", columns, command), "/dev/null")
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

var (
	control = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)
	counter = regexp.MustCompile(`\[ ?\d/4\]`)
)

// wantStatusLine looks at what was written to a terminal of 40 columns.
func wantStatusLine(t *testing.T, said string) {
	t.Helper()
	if !counter.MatchString(said) {
		t.Errorf("there is no line: %q", said)
	}
	plain := control.ReplaceAllString(said, "")
	for part := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if counter.MatchString(part) && (len(part) > 40 || strings.Contains(part, "warning")) {
			t.Errorf("a line of %d columns: %q", len(part), part)
		}
	}
	if n := strings.Count(plain, "clang: warning: it was slow\r\n"); n != 4 {
		t.Errorf("%d warnings of 4 are there: %q", n, said)
	}
	// After the last line that has a counter it is erased, before the summary.
	last := counter.FindAllStringIndex(said, -1)
	rest := said[last[len(last)-1][1]:]
	if erased := strings.LastIndex(rest, "\x1b[J"); erased < 0 || !strings.Contains(rest[erased:], "dtlto: 4 jobs, 0 cached, 4 compiled") {
		t.Errorf("the line is not erased before the summary: %q", rest)
	}
}
