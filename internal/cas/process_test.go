// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/cas/castest"
)

// childEnv makes the test program a link of its own on the store in the folder
// that it names.
const childEnv = "CAS_TEST_CHILD"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childEnv); folder != "" {
		if err := child(folder, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// childCommand runs child in a process of its own.
func childCommand(t *testing.T, folder, scratch string, keys int) *exec.Cmd {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, scratch, strconv.Itoa(keys))
	c.Env = append(os.Environ(), childEnv+"="+folder)
	c.Stderr = os.Stderr
	return c
}

// child wants keys actions, in an order of its own and four at a time. Each one
// that it computes adds a line to the file "computed" in scratch.
func child(folder, scratch, keys string) error {
	n, err := strconv.Atoi(keys)
	if err != nil {
		return err
	}
	d := cas.Open(folder, cas.Options{MaxBytes: 1 << 40, HardLinks: rand.N(2) == 0})
	defer d.Close()
	todo, failed := make(chan int), make(chan error, 4)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for seed := range todo {
				if err := want(d, seed, scratch); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		})
	}
	for _, seed := range rand.Perm(n) {
		todo <- seed
	}
	close(todo)
	group.Wait()
	for range 4 {
		if err := <-failed; err != nil {
			return err
		}
	}
	return d.Tidy(context.Background())
}

func size(seed int) int { return 1 + seed*seed*350 } // up to 850 KB for 50 of them

func want(s cas.Store, seed int, scratch string) error {
	out := filepath.Join(scratch, fmt.Sprintf("%d-%d-%d.o", os.Getpid(), seed, rand.Uint32()))
	defer func() { _ = os.Remove(out) }()
	compute := func(context.Context) (cas.Result, error) {
		if err := note(scratch, seed); err != nil {
			return cas.Result{}, err
		}
		time.Sleep(time.Millisecond)
		return cas.Result{Duration: time.Millisecond}, os.WriteFile(out, castest.Blob(seed, size(seed)), 0o666)
	}
	_, _, err := cas.Do(context.Background(), s, castest.Key(seed), []cas.Place{{Name: "o", Path: out}}, compute)
	if err != nil {
		return err
	}
	got, err := os.ReadFile(out)
	if err == nil && !bytes.Equal(got, castest.Blob(seed, size(seed))) {
		err = fmt.Errorf("action %d: wrong contents served", seed)
	}
	return err
}

func note(scratch string, seed int) error {
	f, err := os.OpenFile(filepath.Join(scratch, "computed"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, seed)
	return errors.Join(err, f.Close())
}

// Links in several processes that want the same actions compute each once.
func TestProcessesComputeOnce(t *testing.T) {
	const keys = 30
	folder, scratch := t.TempDir(), t.TempDir()
	var children []*exec.Cmd
	for range 4 {
		c := childCommand(t, folder, scratch, keys)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, c)
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	computed, err := os.ReadFile(filepath.Join(scratch, "computed"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(computed, []byte("\n")); n != keys {
		t.Errorf("%d computed instead of %d", n, keys)
	}
	d := open(t, folder, cas.Options{})
	report, err := d.Verify(t.Context())
	if err != nil || len(report.Bad) > 0 || report.Results != keys {
		t.Errorf("%+v, %v", report, err)
	}
	wantEmpty(t, folder, "tmp", "locks", "links")
}

func wantEmpty(t *testing.T, folder string, names ...string) {
	for _, name := range names {
		left, err := os.ReadDir(filepath.Join(folder, "v1", name))
		if err != nil || len(left) > 0 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
}

// Links are killed at any moment. What is read afterwards is right or missing,
// and no lock of theirs is left.
func TestKilled(t *testing.T) {
	const kills, keys = 150, 50
	folder, scratch := t.TempDir(), t.TempDir()
	d := open(t, folder, cas.Options{})
	killed := 0
	for range kills {
		c := childCommand(t, folder, scratch, keys)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.N(int64(40 * time.Millisecond))))
		_ = c.Process.Kill()
		if c.Wait() != nil {
			killed++
		}
		if rand.N(4) == 0 {
			// Start anew, so that there is something to be written.
			if _, err := d.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, seed := range []int{rand.N(keys), rand.N(keys)} {
			if err := want(d, seed, scratch); err != nil {
				t.Fatal(err)
			}
		}
	}
	if killed < kills/2 {
		t.Errorf("only %d of %d were killed before they had finished", killed, kills)
	}
	report, err := d.Verify(t.Context())
	if err != nil || len(report.Bad) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	for seed := range keys {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // else it would wait for long
		unlock, err := d.Lock(ctx, castest.Key(seed))
		if err != nil {
			t.Fatalf("action %d is still locked: %v", seed, err)
		}
		unlock()
		cancel()
	}
	leftovers(t, d, folder)
}

// leftovers checks that pruning removes what killed processes left, later.
func leftovers(t *testing.T, d *cas.Disk, folder string) {
	d.Close()
	later := open(t, folder, cas.Options{Now: func() time.Time { return time.Now().Add(3 * time.Hour) }})
	if _, err := later.Prune(t.Context(), 1<<40); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, folder, "tmp", "locks", "links")
}
