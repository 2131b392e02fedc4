// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package jobserver

import (
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dtlto/dtlto/internal/exec"
)

// TestMain lets the test's program be a link, for make to run.
func TestMain(m *testing.M) {
	if spec := os.Getenv("DTLTO_TEST_LINK"); spec != "" {
		if err := link(spec); err != nil {
			fmt.Fprintln(os.Stderr, "link:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// link is a link of n compiles, each of which takes some milliseconds and says in a log when
// it begins and ends: "log n ms slots [pool]". It takes tokens as a link of dtlto does.
func link(spec string) error {
	words := strings.Fields(spec)
	log, err := os.OpenFile(words[0], os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	tokens, end, err := tokensFor(words[4:])
	if err != nil {
		return err
	}
	defer end()
	n, _ := strconv.Atoi(words[1])
	ms, _ := strconv.Atoi(words[2])
	slots, _ := strconv.Atoi(words[3])
	q := exec.Queue{}
	for range n {
		q.Add(exec.Compile{Do: func(ctx context.Context, _ exec.Slot) error {
			fmt.Fprintf(log, "+%d\n", os.Getpid())
			defer fmt.Fprintf(log, "-%d\n", os.Getpid())
			select {
			case <-time.After(time.Duration(ms) * time.Millisecond):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}})
	}
	q.Close()
	runner := exec.Runner{Slots: slots, Tokens: tokens}
	if err := runner.Run(ctx, &q); err != nil {
		return err
	}
	return runner.TokenError
}

func tokensFor(pool []string) (tokens exec.Tokens, end func(), err error) {
	switch {
	case len(pool) == 0:
		c, err := Open(os.Getenv("MAKEFLAGS"))
		if err != nil {
			return nil, nil, err
		}
		return c, c.Close, nil
	case pool[0] == "none":
		return nil, func() {}, nil
	}
	p := NewPool(pool[0], 3)
	return p, p.Close, nil
}

// environment is ours for a link or for make, of which the tests may be a job themselves.
func environment(spec string, more ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "MAKEFLAGS" || name == "MFLAGS" || name == "MAKELEVEL"
	})
	return append(append(env, "DTLTO_TEST_LINK="+spec), more...)
}

// history is what compiles did, by a log.
type history struct {
	begun, most int
	now         map[string]int // under way at the end, of each link
	late        map[string]int // at once at most in the second half
}

func read(t *testing.T, log string) history {
	t.Helper()
	text, err := os.ReadFile(log)
	must(t, err)
	h := history{now: map[string]int{}, late: map[string]int{}}
	now := 0
	lines := strings.Fields(string(text))
	for i, line := range lines {
		if line[0] == '+' {
			h.begun++
			now++
			h.now[line[1:]]++
			if i > len(lines)/2 {
				h.late[line[1:]] = max(h.late[line[1:]], h.now[line[1:]])
			}
		} else {
			now--
			h.now[line[1:]]--
		}
		h.most = max(h.most, now)
	}
	return h
}

// runMake runs a Makefile whose targets a to f are links, and gives what it printed.
func runMake(t *testing.T, spec, prefix string, args ...string) string {
	t.Helper()
	if _, err := osexec.LookPath("make"); err != nil {
		t.Fatal("make is needed: ", err)
	}
	folder := t.TempDir()
	text := "all: a b c d e f\na b c d e f:\n\t" + prefix + "@" + os.Args[0] + "\n"
	must(t, os.WriteFile(filepath.Join(folder, "Makefile"), []byte(text), 0o600))
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := osexec.CommandContext(ctx, "make", args...)
	cmd.Dir, cmd.Env = folder, environment(spec)
	output, err := cmd.CombinedOutput()
	if err != nil {
		output = append(output, err.Error()...)
	}
	return string(output)
}

// Six links under make -j4: never more than four compiles run, and four do.
func TestMake(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	started := time.Now()
	if out := runMake(t, log+" 20 20 8", "+", "-j4"); out != "" {
		t.Errorf("make said %s", out)
	}
	if h := read(t, log); h.most != 4 || h.begun != 120 {
		t.Errorf("%d of %d at once", h.most, h.begun)
	}
	t.Logf("%v, at best 600ms", time.Since(started))
	without := filepath.Join(t.TempDir(), "log")
	started = time.Now()
	runMake(t, without+" 20 20 8 none", "+", "-j4")
	if h := read(t, without); h.most <= 4 {
		t.Errorf("without tokens %d run at once, which tests nothing", h.most)
	} else {
		t.Logf("without tokens: %d at once, %v", h.most, time.Since(started))
	}
}

// Without + make keeps its jobserver, and says so nowhere.
func TestMakeWithoutPlus(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	out := runMake(t, log+" 1 1 8", "", "-j2")
	if !strings.Contains(out, "put + in front of it") {
		t.Errorf("make said %s", out)
	}
	if out := runMake(t, log+" 1 1 8", "+"); !strings.Contains(out, ErrNone.Error()) {
		t.Errorf("without -j: %s", out)
	}
}

// program is a link under way.
type program struct {
	*osexec.Cmd
	said strings.Builder
}

// startLink starts a link with a test's jobserver.
func startLink(t *testing.T, s *server, spec string) *program {
	t.Helper()
	p := &program{Cmd: osexec.Command(os.Args[0])}
	p.Stderr, p.Env = &p.said, environment(spec)
	if s != nil {
		p.Env = append(p.Env, "MAKEFLAGS="+s.makeflags)
		if strings.Contains(s.makeflags, "fifo:") {
			p.ExtraFiles = nil
		} else { // which become 3 and 4
			p.ExtraFiles = []*os.File{os.NewFile(uintptr(dup(t, s.read)), "r"), os.NewFile(uintptr(dup(t, s.write)), "w")}
			p.Env[len(p.Env)-1] = "MAKEFLAGS= -j --jobserver-auth=3,4"
		}
	}
	must(t, p.Start())
	for _, f := range p.ExtraFiles {
		_ = f.Close()
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

func dup(t *testing.T, fd int) int {
	t.Helper()
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	must(t, err)
	return n
}

// await waits until a link has so many compiles under way.
func await(t *testing.T, log string, p *program, n int) {
	t.Helper()
	for range 1000 {
		if _, err := os.Stat(log); err == nil && read(t, log).now[strconv.Itoa(p.Process.Pid)] == n {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%d compiles never ran: %s", n, p.said.String())
}

// Several links of one jobserver: the bytes that were there are there afterwards.
func TestLinks(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		s := serve(t, kind, "abcde")
		log := filepath.Join(t.TempDir(), "log")
		var all []*program
		for range 3 {
			all = append(all, startLink(t, s, log+" 40 10 8"))
		}
		for _, p := range all {
			if err := p.Wait(); err != nil {
				t.Error(err, p.said.String())
			}
		}
		h := read(t, log)
		if back := s.drain(t); back != "abcde" || h.most > 3+5 || h.begun != 120 {
			t.Errorf("%q are back, %d at once, %d in all", back, h.most, h.begun)
		}
	})
}

// The first link, which needs no more tokens than it has, leaves some to others.
func TestLinksShare(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		s := serve(t, kind, "abc")
		log := filepath.Join(t.TempDir(), "log")
		first := startLink(t, s, log+" 5000 20 4")
		await(t, log, first, 4)
		all := []*program{first}
		for range 2 {
			all = append(all, startLink(t, s, log+" 5000 20 4"))
		}
		time.Sleep(time.Second)
		for _, p := range all {
			must(t, p.Process.Signal(os.Interrupt))
			_ = p.Wait()
		}
		h := read(t, log)
		for pid, n := range h.late {
			if n < 2 {
				t.Errorf("%s had no token", pid)
			}
		}
		if back := s.drain(t); back != "abc" || h.most > 3+3 || len(h.late) != 3 {
			t.Errorf("%q are back, %d at once, of %v", back, h.most, h.late)
		}
	})
}

// A link that is interrupted gives back all that it has.
func TestInterruptedLink(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			s := serve(t, kind, "abc")
			log := filepath.Join(t.TempDir(), "log")
			p := startLink(t, s, log+" 40 60000 8")
			await(t, log, p, 4)
			must(t, p.Process.Signal(sig))
			if err := p.Wait(); err == nil {
				t.Error("not interrupted")
			}
			if back := s.drain(t); back != "abc" {
				t.Errorf("%q are back", back)
			}
		}
	})
}

// What a link that is killed has of make's tokens is lost, and no more; links go on
// without, each with the compile that needs none. Its locks are free at once.
func TestKilledLink(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		s := serve(t, kind, "abc")
		log := filepath.Join(t.TempDir(), "log")
		killed := startLink(t, s, log+" 40 60000 8")
		await(t, log, killed, 4)
		must(t, killed.Process.Kill())
		_ = killed.Wait()
		s.put(t, "d")
		next := startLink(t, s, log+" 20 5 8")
		if err := next.Wait(); err != nil {
			t.Error(err, next.said.String())
		}
		if back := s.drain(t); back != "d" {
			t.Errorf("%q are back", back)
		}
	})
	t.Run("locks", func(t *testing.T) {
		folder := t.TempDir()
		log := folder + "/log"
		killed := startLink(t, nil, log+" 40 60000 8 "+folder+"/pool")
		await(t, log, killed, 4)
		next := startLink(t, nil, log+" 40 60000 8 "+folder+"/pool")
		await(t, log, next, 1)
		must(t, killed.Process.Kill())
		_ = killed.Wait()
		await(t, log, next, 4)
		must(t, next.Process.Signal(os.Interrupt))
		_ = next.Wait()
	})
}
