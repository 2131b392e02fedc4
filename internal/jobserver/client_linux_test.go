// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package jobserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// server is a jobserver for a test.
type server struct {
	read, write int // ends of the pipe, not closed when a program is run, as make's are not
	makeflags   string
}

// serve makes a jobserver of a kind with tokens, each of which is a byte.
func serve(t *testing.T, kind, tokens string) *server {
	t.Helper()
	s := &server{}
	if kind == "fifo" {
		path := filepath.Join(t.TempDir(), "a b")
		must(t, unix.Mkfifo(path, 0o600))
		var err error
		s.read, err = unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		must(t, err)
		s.write = s.read
		s.makeflags = " -j --jobserver-auth=fifo:" + strings.ReplaceAll(path, " ", "\\ ")
	} else {
		var ends [2]int
		must(t, unix.Pipe2(ends[:], 0))
		s.read, s.write = ends[0], ends[1]
		s.makeflags = fmt.Sprintf(" -j --jobserver-auth=%d,%d", s.read, s.write)
	}
	t.Cleanup(func() {
		_ = unix.Close(s.read)
		_ = unix.Close(s.write)
	})
	s.put(t, tokens)
	return s
}

func (s *server) put(t *testing.T, tokens string) {
	t.Helper()
	if n, err := unix.Write(s.write, []byte(tokens)); n != len(tokens) {
		t.Fatal(n, err)
	}
}

// drain takes all tokens that are there, sorted.
func (s *server) drain(t *testing.T) string {
	t.Helper()
	n, err := unix.IoctlGetInt(s.read, unix.TIOCINQ)
	must(t, err)
	b := make([]byte, n)
	if n > 0 {
		_, err = unix.Read(s.read, b)
		must(t, err)
	}
	slices.Sort(b)
	return string(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, s *server) *Client {
	t.Helper()
	c, err := Open(s.makeflags)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func eachKind(t *testing.T, f func(t *testing.T, kind string)) {
	for _, kind := range []string{"pipe", "fifo"} {
		t.Run(kind, func(t *testing.T) { f(t, kind) })
	}
}

func flags(t *testing.T, fd int) int {
	t.Helper()
	n, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	must(t, err)
	return n
}

// Tokens are taken, each byte comes back as it was, and the flags of the descriptors that
// others have too are left alone.
func TestClient(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		s := serve(t, kind, "abc")
		readFlags, writeFlags := flags(t, s.read), flags(t, s.write)
		c := open(t, s)
		if c.Kind() != kind {
			t.Errorf("kind %q", c.Kind())
		}
		var releases []func()
		for range 3 {
			release, err := c.Acquire(t.Context())
			must(t, err)
			releases = append(releases, release)
		}
		if flags(t, s.read) != readFlags || flags(t, s.write) != writeFlags {
			t.Error("the flags are others")
		}
		if left := s.drain(t); left != "" {
			t.Errorf("%q are left", left)
		}
		for range 2 { // the second time does nothing
			for _, i := range []int{1, 0, 2} {
				releases[i]()
			}
		}
		if back := s.drain(t); back != "abc" {
			t.Errorf("%q are back", back)
		}
	})
}

// Whoever waits gets a token when there is one, or the reason for which the wait ended.
func TestWait(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		s := serve(t, kind, "")
		c := open(t, s)
		enough := errors.New("enough")
		for range 3 { // each wait leaves the client as it was
			ctx, stop := context.WithCancelCause(t.Context())
			time.AfterFunc(5*time.Millisecond, func() { stop(enough) })
			if _, err := c.Acquire(ctx); !errors.Is(err, enough) {
				t.Errorf("error %v", err)
			}
			if _, err := c.Acquire(ctx); !errors.Is(err, enough) {
				t.Errorf("error %v", err)
			}
		}
		time.AfterFunc(5*time.Millisecond, func() { s.put(t, "x") })
		release, err := c.Acquire(t.Context())
		must(t, err)
		release()
		if back := s.drain(t); back != "x" {
			t.Errorf("%q are back", back)
		}
	})
}

// Close gives back what is not released, ends who waits, and leaves make's pipe open.
func TestClose(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		s := serve(t, kind, "ab")
		c := open(t, s)
		release, err := c.Acquire(t.Context())
		must(t, err)
		_, err = c.Acquire(t.Context())
		must(t, err)
		waits := make(chan error)
		for range 2 {
			go func() {
				_, err := c.Acquire(t.Context())
				waits <- err
			}()
		}
		time.Sleep(5 * time.Millisecond)
		var all sync.WaitGroup
		for range 3 {
			all.Go(c.Close)
		}
		all.Wait()
		for range 2 { // one may have got what was given back
			if err := <-waits; err == nil {
				t.Error("a token after the end")
			}
		}
		release()
		if back := s.drain(t); back != "ab" {
			t.Errorf("%q are back", back)
		}
		if _, err := c.Acquire(t.Context()); err == nil {
			t.Error("a token of a closed client")
		}
		must(t, open(t, s).read.SetReadDeadline(time.Now()))
	})
}

// Many take and give, and many give up: never more have tokens than there are, and in the
// end all are there.
func TestManyClients(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		s := serve(t, kind, "abcd")
		var (
			all       sync.WaitGroup
			now, most atomic.Int64
			got       atomic.Int64
		)
		for range 4 {
			c := open(t, s)
			for range 4 {
				all.Go(func() {
					for i := range 30 {
						ctx, stop := context.WithTimeout(t.Context(), time.Duration(1+i%5)*time.Millisecond)
						if release, err := c.Acquire(ctx); err == nil {
							most.Store(max(most.Load(), now.Add(1)))
							got.Add(1)
							time.Sleep(300 * time.Microsecond)
							now.Add(-1)
							release()
						}
						stop()
					}
				})
			}
		}
		all.Wait()
		if back := s.drain(t); back != "abcd" || most.Load() > 4 || got.Load() < 20 {
			t.Errorf("%q are back, %d at once, %d in all", back, most.Load(), got.Load())
		}
	})
}

// A jobserver is not what only has its numbers or its name.
func TestNotAJobserver(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	must(t, os.WriteFile(file, []byte("text"), 0o600))
	ours, err := os.Open(file)
	must(t, err)
	defer ours.Close()
	r, w, err := os.Pipe() // our own: closed when a program is run
	must(t, err)
	defer r.Close()
	defer w.Close()
	a, b := serve(t, "pipe", "x"), serve(t, "pipe", "x")
	const kept = "put + in front of it"
	for auth, want := range map[string]string{
		"900,901": kept,
		fmt.Sprintf("%d,%d", ours.Fd(), ours.Fd()): kept,
		fmt.Sprintf("%d,%d", r.Fd(), w.Fd()):       kept,
		fmt.Sprintf("%d,%d", a.write, a.read):      kept,
		fmt.Sprintf("%d,%d", a.read, a.read):       kept,
		fmt.Sprintf("%d,%d", a.read, b.write):      kept,
		"0,1":                                      kept,
		"fifo:" + file:                             "not a fifo",
		"fifo:" + folder:                           "cannot be opened",
		"fifo:" + folder + "/none":                 "cannot be opened: no such file",
	} {
		c, err := Open("--jobserver-auth=" + auth)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %v", auth, c, err)
		}
	}
	if a.drain(t) != "x" || b.drain(t) != "x" {
		t.Error("a token was taken")
	}
}

// A device that gives nothing does not keep anybody waiting.
func TestEmptyDevice(t *testing.T) {
	c, err := Open("--jobserver-auth=fifo:/dev/null")
	must(t, err)
	defer c.Close()
	if _, err := c.Acquire(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody writes") {
		t.Errorf("error %v", err)
	}
}

// When make has gone, nothing breaks.
func TestServerGone(t *testing.T) {
	s := serve(t, "fifo", "a")
	c := open(t, s)
	release, err := c.Acquire(t.Context())
	must(t, err)
	_ = unix.Close(s.read)
	s.read, s.write = -1, -1
	release()
	release, err = c.Acquire(t.Context())
	must(t, err)
	release()
}

// What a token costs, but for leaving others the time to take it.
func BenchmarkClient(b *testing.B) {
	var ends [2]int
	if unix.Pipe2(ends[:], 0) != nil {
		b.Fatal("no pipe")
	}
	_, _ = unix.Write(ends[1], []byte("a"))
	c, err := Open(fmt.Sprintf("--jobserver-auth=%d,%d", ends[0], ends[1]))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for range b.N {
		release, err := c.Acquire(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		release()
		c.released.Store(0)
	}
}
