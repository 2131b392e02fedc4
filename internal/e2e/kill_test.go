// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cachedProgram is a small program, linked again and again through one cache.
type cachedProgram struct {
	t       *testing.T
	objects []string // absolute paths
	cache   string
	want    map[int][]byte // the program by variant
}

// programVariants are ways of linking the program that have no action in common.
const programVariants = 5

func newCachedProgram(t *testing.T) *cachedProgram {
	dir := t.TempDir()
	p := &cachedProgram{t: t, cache: filepath.Join(dir, "cache"), want: map[int][]byte{}}
	calls := ""
	for i := range 8 {
		name := fmt.Sprintf("m%d", i)
		calls += fmt.Sprintf("int %s(int); ", name)
		compile(t, dir, name+".c", fmt.Sprintf(
			"__attribute__((noinline)) int %s(int n) { int s = %d; for (int i = 0; i < n; i++) s = s * 31 + i; return s; }\n", name, i))
		p.objects = append(p.objects, filepath.Join(dir, name+".o"))
	}
	compile(t, dir, "main.c", calls+"int main(int n, char **v) { (void)v; return (m0(n) ^ m1(n) ^ m2(n) ^ m3(n) ^ m4(n) ^ m5(n) ^ m6(n) ^ m7(n)) & 1; }\n")
	p.objects = append(p.objects, filepath.Join(dir, "main.o"))
	for variant := range programVariants {
		folder := t.TempDir()
		if said, err := p.command(folder, variant, "--dtlto-no-cache").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		p.want[variant] = p.program(folder)
	}
	return p
}

// command links a variant in a folder.
func (p *cachedProgram) command(folder string, variant int, options ...string) *exec.Cmd {
	args := append([]string{"--dtlto-lld=ld.lld-22", "--dtlto-summary", "--dtlto-cache-dir=" + p.cache, "-e", "main", "-o", "program",
		fmt.Sprintf("--thinlto-remote-compiler-arg=-falign-loops=%d", 1<<variant)}, options...)
	cmd := exec.Command(filepath.Join(bin, "ld.dtlto"), append(args, p.objects...)...)
	cmd.Dir = folder
	return cmd
}

func (p *cachedProgram) program(folder string) []byte {
	b, err := os.ReadFile(filepath.Join(folder, "program"))
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// link links a variant, wants the right program, and returns what was said.
func (p *cachedProgram) link(folder string, variant int) string {
	p.t.Helper()
	said, err := p.command(folder, variant).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v\n%s", err, said)
	}
	if !bytes.Equal(p.program(folder), p.want[variant]) {
		p.t.Fatalf("variant %d: another program than without a cache", variant)
	}
	return string(said)
}

// dtlto runs a verb on the cache.
func (p *cachedProgram) dtlto(args ...string) {
	p.t.Helper()
	said, err := exec.Command(filepath.Join(bin, "dtlto"), append(args, "--cache-dir="+p.cache)...).CombinedOutput()
	if err != nil {
		p.t.Errorf("dtlto %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

// TestKilledLinks kills links that run beside each other on one cache, at any
// moment. Every later link must make the right program, with nothing in its way.
func TestKilledLinks(t *testing.T) {
	rounds := 150
	if testing.Short() {
		rounds = 10
	}
	p := newCachedProgram(t)
	folders := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	killed := 0
	for round := range rounds {
		if round%10 == 0 {
			p.dtlto("cache", "clear") // so that there is something to compile and to keep
		}
		var running []*exec.Cmd
		for i, folder := range folders {
			cmd := p.command(folder, (round+i/2)%programVariants) // two of the same, and another
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			running = append(running, cmd)
		}
		for _, cmd := range running {
			time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		for _, cmd := range running {
			_ = cmd.Wait()
			if !cmd.ProcessState.Exited() {
				killed++
			}
		}
		if round%5 == 4 {
			folder := folders[round%len(folders)]
			p.link(folder, round%programVariants)
			p.wantNothingLeft(folder)
		}
		p.dtlto("cache", "verify")
	}
	if killed < rounds {
		t.Errorf("only %d links were killed", killed)
	}
	for variant := range programVariants {
		p.link(folders[0], variant)
		if said := p.link(folders[0], variant); !strings.Contains(said, " 9 cached") {
			t.Errorf("not everything is cached: %s", said)
		}
	}
	p.dtlto("cache", "prune")
	for _, folder := range []string{"tmp", "locks", "links"} {
		entries, err := os.ReadDir(filepath.Join(p.cache, "cas", "v1", folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			// What a killed link was writing stays for an hour; nobody waits for it.
			if folder != "tmp" {
				t.Errorf("%s/%s is left", folder, e.Name())
			}
		}
	}
}

// wantNothingLeft wants no stage beside the output: the link that just ended
// removed those of the killed ones before it.
func (p *cachedProgram) wantNothingLeft(folder string) {
	p.t.Helper()
	for _, name := range names(p.t, folder) {
		if strings.HasPrefix(name, ".dtlto") {
			p.t.Errorf("%s is left", name)
		}
	}
}

// TestFlippedBits changes a bit in every file of the cache: all that may come of it
// is that things are compiled again.
func TestFlippedBits(t *testing.T) {
	p := newCachedProgram(t)
	folder := t.TempDir()
	p.link(folder, 0)
	p.link(folder, 0)
	for round := range 3 {
		// One at a time, so that no other damage hides it; then all at once.
		files := cacheFiles(t, p.cache)
		if len(files) < 20 {
			t.Fatalf("only %d files in the cache", len(files))
		}
		if round == 0 {
			for _, file := range files {
				flipBit(t, file)
				p.link(folder, 0)
			}
			continue
		}
		for _, file := range files {
			flipBit(t, file)
		}
		if said := p.link(folder, 0); !strings.Contains(said, " 0 cached, 9 compiled") {
			t.Errorf("something damaged was used: %s", said)
		}
		if said := p.link(folder, 0); !strings.Contains(said, " 9 cached, 0 compiled") || strings.Contains(said, "warning") {
			t.Errorf("the cache has not recovered: %s", said)
		}
	}
}

func cacheFiles(t *testing.T, cache string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(cache, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && e.Name() != "README" && e.Name() != "CACHEDIR.TAG" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func flipBit(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return // removed with what was damaged before
	}
	if err == nil && len(b) > 0 {
		b[rand.IntN(len(b))] ^= 1 << rand.IntN(8)
		_ = os.Chmod(file, 0o600)
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
