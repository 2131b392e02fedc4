// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package castest holds the tests that every store of package cas must pass,
// and a store in memory for the tests of its users.
package castest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/cas"
)

// Run tests the stores that open makes, each of them new and empty.
func Run(t *testing.T, open func(t *testing.T) cas.Store) {
	for name, test := range map[string]func(*testing.T, cas.Store){
		"blobs":         testBlobs,
		"absent":        testAbsent,
		"wrong size":    testWrongSize,
		"replaces":      testReplaces,
		"failures":      testFailures,
		"mutation":      testMutation,
		"results":       testResults,
		"bounds":        testBounds,
		"restore":       testRestore,
		"do":            testDo,
		"do fails":      testDoFails,
		"concurrency":   testConcurrency,
		"cancelled":     testCancelled,
		"computed once": testComputedOnce,
		"lock":          testLock,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// Blob is n bytes that differ from those of another seed.
func Blob(seed, n int) []byte {
	b := make([]byte, n)
	state := uint64(seed)*0x9E3779B97F4A7C15 + 1
	for i := range b {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		b[i] = byte(state)
	}
	return b
}

// Key is an action's key that differs from that of another seed.
func Key(seed int) cas.ActionKey {
	return cas.ActionKey(cas.DigestOf(fmt.Appendf(nil, "action %d", seed)))
}

// Put puts data through a file.
func Put(t testing.TB, s cas.Store, data []byte) cas.Digest {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in")
	write(t, path, data)
	digest, err := s.Put(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// wantFile fails the test unless the file at path holds just data.
func wantFile(t testing.TB, path string, data []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("%s: %d bytes that differ from the %d expected", path, len(got), len(data))
	}
}

// wantOnly fails the test if folder holds other files than names.
func wantOnly(t testing.TB, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(entries))
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(append([]string{}, names...), got); diff != "" {
		t.Errorf("%s: %s", folder, diff)
	}
}

// WantMiss fails the test unless err is a miss for one of the reasons.
func WantMiss(t testing.TB, err error, reasons ...cas.Reason) {
	t.Helper()
	miss, ok := errors.AsType[*cas.Miss](err)
	if !ok {
		t.Fatalf("error %v instead of a miss", err)
	}
	for _, reason := range reasons {
		if miss.Reason == reason {
			return
		}
	}
	t.Fatalf("missed because %v, not %v", miss, reasons)
}

func testBlobs(t *testing.T, s cas.Store) {
	for _, size := range []int{0, 1, 4095, 20_000, 256 << 10, 256<<10 + 1, 3<<20 + 5, 5 << 20} {
		data := Blob(size, size)
		digest := Put(t, s, data)
		if digest != cas.DigestOf(data) {
			t.Errorf("size %d: digest %v", size, digest)
		}
		folder := t.TempDir()
		before := time.Now().Add(-10 * time.Second) // file systems' clocks are coarse
		path := filepath.Join(folder, "out.o")
		if err := s.Materialise(t.Context(), digest, path); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, data)
		wantOnly(t, folder, "out.o")
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o400 == 0 || info.ModTime().Before(before) {
			t.Errorf("size %d: %v, mode %v, modified %v", size, err, info.Mode(), info.ModTime())
		}
	}
}

func testAbsent(t *testing.T, s cas.Store) {
	folder := t.TempDir()
	for _, size := range []int{0, 5, 1 << 20} {
		err := s.Materialise(t.Context(), cas.DigestOf(Blob(1, size)), filepath.Join(folder, "o"))
		WantMiss(t, err, cas.Absent)
	}
	wantOnly(t, folder)
	_, err := s.Result(t.Context(), Key(1))
	WantMiss(t, err, cas.Absent)
	if !strings.Contains(err.Error(), Key(1).String()) {
		t.Errorf("%q does not name the action", err)
	}
}

func testWrongSize(t *testing.T, s cas.Store) {
	for _, size := range []int64{19_999, 20_001, 1 << 20, 1 << 62} {
		digest := Put(t, s, Blob(1, 20_000))
		digest.Size = size
		path := filepath.Join(t.TempDir(), "o")
		WantMiss(t, s.Materialise(t.Context(), digest, path), cas.Absent, cas.Corrupt)
		wantOnly(t, filepath.Dir(path))
	}
}

func testReplaces(t *testing.T, s cas.Store) {
	path := filepath.Join(t.TempDir(), "o")
	for seed := range 4 {
		data := Blob(seed/2, 1000)
		if err := s.Materialise(t.Context(), Put(t, s, data), path); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, data)
		wantOnly(t, filepath.Dir(path), "o")
	}
	WantMiss(t, s.Materialise(t.Context(), cas.DigestOf(Blob(9, 9)), path), cas.Absent)
	wantFile(t, path, Blob(1, 1000))
}

// What fails at the caller's side is no miss: nothing would be gained by
// computing.
func testFailures(t *testing.T, s cas.Store) {
	for _, size := range []int{100, 1 << 20} {
		digest := Put(t, s, Blob(1, size))
		err := s.Materialise(t.Context(), digest, filepath.Join(t.TempDir(), "none", "o"))
		if _, missed := errors.AsType[*cas.Miss](err); err == nil || missed || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("no folder: %v", err)
		}
		// And the blob is still there.
		if err := s.Materialise(t.Context(), digest, filepath.Join(t.TempDir(), "o")); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Put(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := s.Put(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder was put")
	}
}

// The file that was put and the files that were made do not stand for the blob:
// after changing them, the store gives the right contents or a miss.
func testMutation(t *testing.T, s cas.Store) {
	for _, size := range []int{1000, 5 << 20} {
		folder, data := t.TempDir(), Blob(1, size)
		in, out, again := filepath.Join(folder, "in"), filepath.Join(folder, "out"), filepath.Join(folder, "again")
		write(t, in, data)
		digest, err := s.Put(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		write(t, in, Blob(2, size))
		if err := s.Materialise(t.Context(), digest, out); err != nil {
			t.Fatal(err)
		}
		wantFile(t, out, data)
		if err := os.Chmod(out, 0o666); err != nil {
			t.Fatal(err)
		}
		write(t, out, Blob(3, size))
		err = s.Materialise(t.Context(), digest, again)
		if _, missed := errors.AsType[*cas.Miss](err); missed {
			wantOnly(t, folder, "in", "out")
		} else if err != nil {
			t.Error(err)
		} else {
			wantFile(t, again, data)
		}
	}
}

func sample(outputs int) cas.Result {
	r := cas.Result{Messages: []byte("01.bc: warning: \x00é\n"), Duration: 1234567 * time.Microsecond}
	for i := range outputs {
		r.Outputs = append(r.Outputs, cas.Output{Name: fmt.Sprintf("out/%d.o", i), Digest: cas.DigestOf(Blob(i, i))})
	}
	return r
}

// equal compares, no outputs or messages being the same as empty ones.
func equal(a, b cas.Result) string {
	for _, r := range []*cas.Result{&a, &b} {
		if len(r.Outputs) == 0 {
			r.Outputs = nil
		}
		if len(r.Messages) == 0 {
			r.Messages = nil
		}
	}
	if reflect.DeepEqual(a, b) {
		return "" // quickly
	}
	return cmp.Diff(a, b)
}

func testResults(t *testing.T, s cas.Store) {
	large := sample(cas.MaxOutputs)
	large.Messages = Blob(1, cas.MaxMessages)
	large.Outputs[0].Name = strings.Repeat("n", cas.MaxName)
	for i, r := range []cas.Result{{}, sample(0), sample(1), sample(3), large, sample(2)} {
		for _, key := range []cas.ActionKey{Key(i), Key(100)} { // the last one again and again
			if err := s.Publish(t.Context(), key, r); err != nil {
				t.Fatal(err)
			}
			got, err := s.Result(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if diff := equal(r, got); diff != "" {
				t.Error(diff)
			}
		}
	}
	other := Key(1)
	other.Size++
	_, err := s.Result(t.Context(), other)
	WantMiss(t, err, cas.Absent, cas.Corrupt)
}

func testBounds(t *testing.T, s cas.Store) {
	named := func(name string) cas.Result {
		return cas.Result{Outputs: []cas.Output{{Name: name}}}
	}
	for name, r := range map[string]cas.Result{
		"outputs":   sample(cas.MaxOutputs + 1),
		"messages":  {Messages: make([]byte, cas.MaxMessages+1)},
		"duration":  {Duration: -1},
		"size":      {Outputs: []cas.Output{{Name: "a", Digest: cas.Digest{Size: -1}}}},
		"long":      named(strings.Repeat("n", cas.MaxName+1)),
		"empty":     named(""),
		"absolute":  named("/a"),
		"up":        named("a/../../b"),
		"nul":       named("a\x00"),
		"backslash": named(`..\a`),
		"not utf-8": named("\xff"),
	} {
		if err := s.Publish(t.Context(), Key(1), r); err == nil {
			t.Errorf("%s: published", name)
		}
	}
	_, err := s.Result(t.Context(), Key(1))
	WantMiss(t, err, cas.Absent)
}

func testRestore(t *testing.T, s cas.Store) {
	first, second := Blob(1, 5000), Blob(2, 300)
	r := sample(0)
	r.Outputs = []cas.Output{{Name: "a", Digest: Put(t, s, first)}, {Name: "b", Digest: Put(t, s, second)}}
	if err := s.Publish(t.Context(), Key(1), r); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	place := func(name string) cas.Place { return cas.Place{Name: name, Path: filepath.Join(folder, name+".o")} }
	got, err := cas.Restore(t.Context(), s, Key(1), []cas.Place{place("a"), place("b")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := equal(r, got); diff != "" {
		t.Error(diff)
	}
	wantFile(t, place("a").Path, first)
	wantFile(t, place("b").Path, second)
	for _, places := range [][]cas.Place{nil, {place("a")}, {place("b"), place("a")}, {place("a"), place("b"), place("c")}} {
		_, err := cas.Restore(t.Context(), s, Key(1), places)
		WantMiss(t, err, cas.Unfit)
	}
	r.Outputs[1].Digest = cas.DigestOf([]byte("never put"))
	if err := s.Publish(t.Context(), Key(1), r); err != nil {
		t.Fatal(err)
	}
	_, err = cas.Restore(t.Context(), s, Key(1), []cas.Place{place("a"), place("b")})
	WantMiss(t, err, cas.Absent)
}

// compile gives places in a new folder and a compute that fills them.
func compile(t testing.TB, seed int, started func()) ([]cas.Place, func(context.Context) (cas.Result, error)) {
	places := []cas.Place{{Name: "o", Path: filepath.Join(t.TempDir(), "x.o")}}
	return places, func(context.Context) (cas.Result, error) {
		started()
		if err := os.WriteFile(places[0].Path, Blob(seed, 3000+seed), 0o666); err != nil {
			return cas.Result{}, err
		}
		return cas.Result{Messages: []byte("warning\n"), Duration: time.Second}, nil
	}
}

func testDo(t *testing.T, s cas.Store) {
	computed := 0
	for i := range 3 {
		places, compute := compile(t, 1, func() { computed++ })
		r, miss, err := cas.Do(t.Context(), s, Key(1), places, compute)
		if err != nil {
			t.Fatal(err)
		}
		if (miss == nil) != (i > 0) || string(r.Messages) != "warning\n" || r.Duration != time.Second || len(r.Outputs) != 1 {
			t.Errorf("time %d: missed %v, result %v", i, miss, r)
		}
		wantFile(t, places[0].Path, Blob(1, 3001))
	}
	if computed != 1 {
		t.Errorf("computed %d times", computed)
	}
}

func testDoFails(t *testing.T, s cas.Store) {
	failure := errors.New("compiler: exit status 1")
	places, compute := compile(t, 1, func() {})
	_, _, err := cas.Do(t.Context(), s, Key(1), places, func(context.Context) (cas.Result, error) { return cas.Result{}, failure })
	if !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
	_, _, err = cas.Do(t.Context(), s, Key(1), places, func(context.Context) (cas.Result, error) { return cas.Result{}, nil })
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no output, and error %v", err)
	}
	_, err = s.Result(t.Context(), Key(1))
	WantMiss(t, err, cas.Absent)
	// Too much to say is no failure.
	_, _, err = cas.Do(t.Context(), s, Key(1), places, func(ctx context.Context) (cas.Result, error) {
		r, err := compute(ctx)
		r.Messages = make([]byte, cas.MaxMessages+1)
		return r, err
	})
	if err != nil {
		t.Error(err)
	}
	if _, miss, err := cas.Do(t.Context(), s, Key(1), places, compute); err != nil || miss == nil {
		t.Errorf("after two failures: miss %v, error %v", miss, err)
	}
}

func testConcurrency(t *testing.T, s cas.Store) {
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 60 {
				seed := (i*7 + g) % 20
				places, compute := compile(t, seed, func() {})
				if _, _, err := cas.Do(t.Context(), s, Key(seed), places, compute); err != nil {
					t.Error(err)
					return
				}
				if got, err := os.ReadFile(places[0].Path); err != nil || !bytes.Equal(got, Blob(seed, 3000+seed)) {
					t.Errorf("seed %d: wrong contents, %v", seed, err)
				}
			}
		})
	}
	group.Wait()
}

func testCancelled(t *testing.T, s cas.Store) {
	digest := Put(t, s, Blob(1, 10))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "o")
	_, putErr := s.Put(ctx, os.Args[0])
	_, resultErr := s.Result(ctx, Key(1))
	for _, err := range []error{putErr, resultErr, s.Materialise(ctx, digest, path), s.Publish(ctx, Key(1), cas.Result{})} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	wantOnly(t, filepath.Dir(path))
}

func testComputedOnce(t *testing.T, s cas.Store) {
	if _, ok := s.(cas.Locker); !ok {
		return // allowed: each computes for itself
	}
	var group sync.WaitGroup
	var mutex sync.Mutex
	computed := 0
	for range 16 {
		places, compute := compile(t, 1, func() {
			mutex.Lock()
			computed++
			mutex.Unlock()
			time.Sleep(5 * time.Millisecond) // so that the others come
		})
		group.Go(func() {
			if _, _, err := cas.Do(t.Context(), s, Key(1), places, compute); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if computed != 1 {
		t.Errorf("computed %d times", computed)
	}
}

func testLock(t *testing.T, s cas.Store) {
	locker, ok := s.(cas.Locker)
	if !ok {
		return
	}
	lock := func(ctx context.Context, seed int) func() {
		unlock, err := locker.Lock(ctx, Key(seed))
		if err != nil {
			t.Fatal(err)
		}
		return unlock
	}
	unlock := lock(t.Context(), 1)
	lock(t.Context(), 2)() // another's is free
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := locker.Lock(ctx, Key(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("locked twice: %v", err)
	}
	unlock()
	again := lock(t.Context(), 1)
	unlock() // a second time does nothing
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := locker.Lock(ctx, Key(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second unlock let another in: %v", err)
	}
	again()
}
