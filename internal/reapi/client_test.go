// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"

	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/remote"
)

const double = "cat a.bc b.bc >a.o; echo said; echo warned >&2"

func inputs() map[string]remote.Blob {
	return map[string]remote.Blob{"a.bc": inMemory([]byte("one ")), "b.bc": inMemory([]byte("two"))}
}

// servers are kinds of servers that do all the same things.
var servers = map[string]reapitest.Options{
	"plain":      {},
	"raw":        {RawStreams: true},
	"split":      {Split: true},
	"instance":   {Instance: "main/one"},
	"zstd":       {Zstd: true, BatchZstd: true},
	"Buildbarn":  {Zstd: true, NoLookup: true, NoInline: true, OneMissing: true, ZstdOffset: true, NoEarlyAnswer: true},
	"BLAKE3":     {Functions: blake3Only},
	"BLAKE3, no": {Functions: blake3Only, NoInline: true, Zstd: true},
}

var blake3Only = []repb.DigestFunction_Value{reapitest.BLAKE3}

// An action is executed, found, and its outputs are fetched.
func TestExecute(t *testing.T) {
	for name, o := range servers {
		t.Run(name, func(t *testing.T) {
			_, c := start(t, o)
			a := job("a.bc", double, inputs(), "a.o")
			if _, ok, err := c.Result(t.Context(), a); ok || err != nil {
				t.Fatalf("Result before: %v, %v", ok, err)
			}
			r, err := c.Execute(t.Context(), a, false)
			if err != nil {
				t.Fatal(err)
			}
			checkDouble(t, c, r)
			r, ok, err := c.Result(t.Context(), a)
			if !ok || err != nil || !r.Cached {
				t.Fatalf("Result after: %+v, %v, %v", r, ok, err)
			}
			checkDouble(t, c, r)
		})
	}
}

func checkDouble(t *testing.T, c *Client, r remote.Result) {
	t.Helper()
	if r.ExitCode != 0 || string(r.Messages) != "said\nwarned\n" {
		t.Errorf("exit code %d, messages %q", r.ExitCode, r.Messages)
	}
	if got := fetched(t, c, r.Outputs); got["a.o"] != "one two" || len(got) != 1 {
		t.Errorf("outputs %q", got)
	}
}

// A command that fails is a result with all that it said, and is not found later.
func TestExecuteFailing(t *testing.T) {
	for name, o := range servers {
		t.Run(name, func(t *testing.T) {
			_, c := start(t, o)
			a := job("a.bc", "echo no good >&2; exit 3", inputs(), "a.o")
			r, err := c.Execute(t.Context(), a, false)
			if err != nil || r.ExitCode != 3 || string(r.Messages) != "no good\n" {
				t.Errorf("%+v, %v", r, err)
			}
			if _, ok, err := c.Result(t.Context(), a); ok || err != nil {
				t.Errorf("found: %v, %v", ok, err)
			}
		})
	}
}

// Blobs that many actions share are asked for and sent once.
func TestOnce(t *testing.T) {
	s, c := start(t, reapitest.Options{Slots: 64, Simulation: &reapitest.Simulation{Duration: time.Millisecond, Size: 100}})
	shared := map[string]remote.Blob{}
	for i := range 50 {
		shared[fmt.Sprintf("%03d.bc", i)] = inMemory(random(uint64(i), 1000*i))
	}
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if _, err := c.Execute(t.Context(), job("m", fmt.Sprint("true ", i), shared, "a.o"), false); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	st := s.Stats()
	for d, n := range st.Uploads {
		if n != 1 {
			t.Errorf("blob %s was sent %d times", d, n)
		}
	}
	if st.Asked != 50+200*2+1 {
		t.Errorf("%d digests were asked about", st.Asked)
	}
	if n := st.Calls["FindMissingBlobs"] + st.Calls["BatchUpdateBlobs"]; n > 60 {
		t.Errorf("%d calls: %v", n, st.Calls)
	}
	if m := s.Metadata("Execute"); m.GetToolInvocationId() != "an-invocation" || m.GetActionMnemonic() != "ThinLTOBackend" ||
		m.GetTargetId() != "m" || len(m.GetActionId()) != 64 || m.GetToolDetails().GetToolName() != "dtlto" {
		t.Errorf("metadata %v", m)
	}
	if tr := c.Traffic(); tr.Uploaded != int64(len(st.Uploads)) || tr.Sent != st.BlobsIn || tr.Retries != 0 {
		t.Errorf("traffic %+v, server %+v", tr, st)
	}
}

// Large blobs go alone, small ones together; all arrive.
func TestEnsure(t *testing.T) {
	for name, o := range servers {
		t.Run(name, func(t *testing.T) {
			s, c := start(t, o)
			var blobs []remote.Blob
			for i, size := range []int{0, 1, 1000, 100_000, 600_000, 3_000_000, 4_500_000, 9_000_000} {
				blobs = append(blobs, inMemory(random(uint64(i), size)), onDisk(t, text(uint64(i), size)))
			}
			if err := c.Ensure(t.Context(), blobs); err != nil {
				t.Fatal(err)
			}
			for _, b := range blobs {
				if strings.HasPrefix(name, "BLAKE3") {
					continue
				}
				if !s.Has(message(b.Digest)) {
					t.Errorf("blob %v is not there", b.Digest)
				}
			}
		})
	}
}
