// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// hangs is a compiler that writes down its process and that of its child, begins
// its object and then does nothing more for longer than any test takes.
const hangs = `#!/bin/sh
for arg; do object=$arg; done
echo begun >"$object.tmp" && mv "$object.tmp" "$object"
sleep 3600 &
echo "$$ $!" >>pids
wait
`

// TestInterruptedDistributor sends the signal to dtlto alone, as a service
// manager would: it exits with 130 and has ended the compilers.
func TestInterruptedDistributor(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := hangingCompiler(t)
			writeJobs(t, dir)
			before := names(t, dir)
			cmd := exec.Command(filepath.Join(bin, "dtlto"), "--jobs=2", "jobs.json")
			pids := startHanging(t, dir, cmd, 2)
			send(t, cmd.Process.Pid, signal)
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d, want 130", code)
			}
			wantGone(t, pids)
			wantNames(t, dir, append(before, "pids"))
		})
	}
}

// modes are the ways in which LLD 22's links are distributed.
var modes = []string{"native", "staged"}

// TestInterruptedLink sends the signal to the whole group, as a terminal does.
func TestInterruptedLink(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			dir := hangingCompiler(t)
			compile(t, dir, "main.c", "int sum(int); int main(void) { return sum(0); }\n")
			compile(t, dir, "sum.c", "__attribute__((noinline)) int sum(int n) { return n; }\n")
			before := names(t, dir)
			cmd := exec.Command("clang-22", "-O2", "-flto=thin", "-fuse-ld=dtlto", "-Wl,--dtlto-mode="+mode,
				"-Wl,--thinlto-remote-compiler="+filepath.Join(dir, "hangs"), "-Wl,--dtlto-jobs=2",
				"main.o", "sum.o", "-o", "program")
			pids := startHanging(t, dir, cmd, 2)
			send(t, -cmd.Process.Pid, syscall.SIGINT)
			if err := cmd.Wait(); err == nil {
				t.Error("clang exits with 0")
			}
			wantGone(t, pids)
			wantNames(t, dir, append(before, "pids"))
		})
	}
}

// TestKilledLinker kills the linker in a way that it cannot notice: what it started,
// dtlto or compilers, must not go on alone.
func TestKilledLinker(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			dir := hangingCompiler(t)
			compile(t, dir, "main.c", "int sum(int); int main(void) { return sum(0); }\n")
			compile(t, dir, "sum.c", "__attribute__((noinline)) int sum(int n) { return n; }\n")
			// Natively ld.dtlto becomes ld.lld, so that this is LLD's process.
			args := []string{"--dtlto-lld=ld.lld-22", "--dtlto-mode=" + mode, "-e", "main", "--dtlto-jobs=2", "main.o", "sum.o", "-o", "program"}
			cmd := exec.Command(filepath.Join(bin, "ld.dtlto"), append(args, "--thinlto-remote-compiler="+filepath.Join(dir, "hangs"))...)
			pids := startHanging(t, dir, cmd, 2)
			send(t, cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
			if mode == "native" {
				wantGone(t, pids)
				return
			}
			wantGone(t, []int{pids[0], pids[2]}) // the compilers; what these start is not ours to know
			// What is left beside the output the next link removes.
			llvmtest.Run(t, dir, filepath.Join(bin, "ld.dtlto"), args...)
			for _, name := range names(t, dir) {
				if strings.HasPrefix(name, ".dtlto") {
					t.Errorf("%s is left", name)
				}
			}
		})
	}
}

func hangingCompiler(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "hangs"), hangs)
	if err := os.Chmod(filepath.Join(dir, "hangs"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// writeJobs writes a job file of three jobs, one of which has to wait.
func writeJobs(t *testing.T, dir string) {
	t.Helper()
	type job struct {
		Args    []string `json:"args"`
		Inputs  []string `json:"inputs"`
		Outputs []string `json:"outputs"`
	}
	var file struct {
		Common struct {
			Output string   `json:"linker_output"`
			Args   []string `json:"args"`
			Inputs []string `json:"inputs"`
		} `json:"common"`
		Jobs []job `json:"jobs"`
	}
	file.Common.Output, file.Common.Inputs = "program", []string{}
	file.Common.Args = []string{filepath.Join(dir, "hangs"), "-c"}
	for _, name := range []string{"a", "b", "c"} {
		writeFile(t, filepath.Join(dir, name+".bc"), "bitcode")
		writeFile(t, filepath.Join(dir, name+".thinlto.bc"), "shard")
		file.Jobs = append(file.Jobs, job{
			Args:    []string{name + ".bc", "-fthinlto-index=" + name + ".thinlto.bc", "-o", name + ".o"},
			Inputs:  []string{name + ".bc", name + ".thinlto.bc"},
			Outputs: []string{name + ".o"},
		})
	}
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "jobs.json"), string(text))
}

// startHanging starts the command in a process group of its own and waits until n
// compilers hang. It returns their processes and their children's.
func startHanging(t *testing.T, dir string, cmd *exec.Cmd, n int) (pids []int) {
	t.Helper()
	var messages bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &messages, &messages
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A process that is left holds the other end of the pipe: that is what the
	// test looks for itself.
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	for {
		text, err := os.ReadFile(filepath.Join(dir, "pids"))
		if err == nil && bytes.Count(text, []byte("\n")) == n {
			return numbers(t, string(text))
		}
		if !alive(cmd.Process.Pid) {
			t.Fatalf("ended early: %s", &messages)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func numbers(t *testing.T, text string) (all []int) {
	t.Helper()
	for _, word := range strings.Fields(text) {
		n, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// wantGone waits until none of the processes is left. How long a killed process
// takes to go is the system's affair: half a minute stands for never.
func wantGone(t *testing.T, pids []int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for _, pid := range pids {
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Errorf("process %d is left", pid)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// alive says whether a process is there and not a zombie: who reaps the orphans of
// a test is not dtlto's affair.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !os.IsNotExist(err)
	}
	// The state follows the program's name, which is in parentheses.
	i := bytes.LastIndexByte(stat, ')')
	return i < 0 || !bytes.HasPrefix(stat[i:], []byte(") Z"))
}

func send(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

func compile(t *testing.T, dir, name, text string) {
	t.Helper()
	writeFile(t, filepath.Join(dir, name), text)
	cmd := exec.Command("clang-22", "-O2", "-flto=thin", "-c", name)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func wantNames(t *testing.T, dir string, want []string) {
	t.Helper()
	for _, name := range names(t, dir) {
		if !slices.Contains(want, name) {
			t.Errorf("left behind: %s", name)
		}
	}
}
