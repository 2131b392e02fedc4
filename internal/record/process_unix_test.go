// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package record

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const savingIn = "RECORD_TEST_SAVING_IN"

// TestMain is also a program that saves records without end.
func TestMain(m *testing.M) {
	if folder := os.Getenv(savingIn); folder != "" {
		saveForever(folder)
		return
	}
	os.Exit(m.Run())
}

const processOutput = "/build/program"

// versions are links of one output, of different sizes and recognisable by
// every part.
func versions() []*Link {
	links := []*Link{sampleLink(40), sampleLink(2000), sampleLink(300)}
	for i, l := range links {
		l.Output, l.Folder = processOutput, strings.Repeat("x", i+1)
	}
	return links
}

func saveForever(folder string) {
	links := versions()
	if _, err := os.Stdout.WriteString("ready\n"); err != nil {
		panic(err)
	}
	for i, parent := 0, os.Getppid(); os.Getppid() == parent; i++ {
		if err := links[i%len(links)].Save(folder); err != nil {
			panic(err)
		}
	}
}

// Links of one output at once, some of them killed: there is a whole record at
// any moment, of one of them, and nothing is left for good.
func TestSaveKilled(t *testing.T) {
	folder := t.TempDir()
	links := versions()
	check(t, links[0].Save(folder))
	for round := range 40 {
		var processes []*exec.Cmd
		for range 2 {
			processes = append(processes, startSaving(t, folder))
		}
		for until := time.Now().Add(time.Duration(round) * time.Millisecond); ; {
			isOneOf(t, folder, links)
			if time.Now().After(until) {
				break
			}
		}
		for _, p := range processes {
			check(t, p.Process.Kill())
			_ = p.Wait()
		}
		isOneOf(t, folder, links)
	}
	left := 0
	for _, name := range names(t, folder) {
		if strings.HasPrefix(name, aside) {
			left++
			aged(t, folder+"/"+name, 2*abandoned)
		}
	}
	if left > 80 {
		t.Errorf("%d files are left of 80 that were killed", left)
	}
	t.Logf("%d of 80 were killed while they wrote", left)
	save(t, folder, "/another/output")
	if got := names(t, folder); len(got) != 3 {
		t.Errorf("in the folder: %v", got)
	}
}

func startSaving(t *testing.T, folder string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	check(t, err)
	c := exec.Command(program)
	c.Env = append(os.Environ(), savingIn+"="+folder)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	check(t, err)
	check(t, c.Start())
	ready := make([]byte, len("ready\n"))
	if _, err := out.Read(ready); err != nil {
		t.Fatal(err)
	}
	return c
}

func isOneOf(t *testing.T, folder string, links []*Link) {
	t.Helper()
	got, err := Load(folder, processOutput)
	if err != nil || got == nil {
		t.Fatalf("%v, %v", got, err)
	}
	isOne(t, got, links)
	if got, err = LoadBefore(folder, processOutput); err != nil {
		t.Fatal(err)
	}
	if got != nil {
		isOne(t, got, links)
	}
}

func isOne(t *testing.T, got *Link, links []*Link) {
	t.Helper()
	for _, l := range links {
		if l.Folder == got.Folder && len(l.Jobs) == len(got.Jobs) && l.Jobs[0].Module == got.Jobs[0].Module {
			return
		}
	}
	t.Fatalf("a mixture: %s with %d jobs", got.Folder, len(got.Jobs))
}
