// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// hangingLLD does not end the links whose arguments have a word.
const hangingLLD = `#!/bin/sh
case "$*" in *"WORD"*) ;; *) exec ld.lld-19 "$@";; esac
sleep 3600 &
echo "$$ $!" >>pids
wait
`

// TestStepsInterrupted ends thin links and final links in the middle: no process, no stage and
// no half of anything is left, and the map is the old one.
func TestStepsInterrupted(t *testing.T) {
	for _, step := range []struct{ name, hangs, option string }{
		{"thin link", "--thinlto-index-only", "--thinlto-index=obj/exe.map"},
		{"final link", "-o program", "--remap-inputs-file=obj/exe.map"},
	} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(step.name+" "+signal.String(), func(t *testing.T) {
				t.Parallel()
				s := newStaging(t, 19)
				s.bitcode("main.o", "int f(void); int main(void) { return f(); }", "f.o", "int f(void) { return 0; }")
				s.archive("lib.a", "f.o")
				words := []string{"-e", "main", "-o", "program", "main.o", "lib.a"}
				prefix := "--thinlto-prefix-replace=;obj/"
				s.write("obj/keep", "")
				llvmtest.Run(t, s.dir, "ld.dtlto", with(words, "--dtlto-lld=ld.lld-19", "--thinlto-index=obj/exe.map", prefix)...)
				s.backendStep(s.readMap("obj/exe.map"), false)
				llvmtest.Run(t, s.dir, "ld.dtlto", with(words, "--dtlto-lld=ld.lld-19", "--remap-inputs-file=obj/exe.map")...)
				s.write("program", "the old program", "lld", strings.Replace(hangingLLD, "WORD", step.hangs, 1))
				if err := os.Chmod(s.path("lld"), 0o755); err != nil {
					t.Fatal(err)
				}
				before := s.files(".")
				words = with(words, step.option, "--dtlto-lld="+s.path("lld"))
				if step.name == "thin link" {
					words = append(words, prefix)
				}
				cmd := exec.Command(filepath.Join(bin, "ld.dtlto"), words...)
				pids := startHanging(t, s.dir, cmd, 1)
				send(t, cmd.Process.Pid, signal)
				if err := cmd.Wait(); err == nil {
					t.Error("exit code 0")
				}
				wantGone(t, pids[:1]) // what LLD starts is not ours to know
				for name, text := range s.files(".") {
					if name != "pids" && before[name] != text {
						t.Errorf("%s is left or has changed", name)
					}
				}
				wantNoStageFolder(t, s.dir)
				wantNoStageFolder(t, s.path("obj"))
			})
		}
	}
}
