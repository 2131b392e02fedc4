// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/remote"
)

// options are those of a client of a test server. Failures are known fast.
func options(s *reapitest.Server) remote.Options {
	o := remote.Options{Executor: s.Address(), Timeout: 2 * time.Second, ConnectTimeout: time.Second, Retries: 5,
		Connections: 4, Jobs: 256, Compression: true, Tool: "dtlto", ToolVersion: "test", Invocation: "an-invocation", Link: "a.out"}
	if s.StorageAddress() != s.Address() {
		o.Cache = s.StorageAddress()
	}
	return o
}

func connect(t testing.TB, o remote.Options) *Client {
	t.Helper()
	c, err := Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// start is a server and a client of it.
func start(t testing.TB, o reapitest.Options) (*reapitest.Server, *Client) {
	t.Helper()
	s := reapitest.Start(t, o)
	settings := options(s)
	settings.Instance = o.Instance
	return s, connect(t, settings)
}

// random is size bytes that do not compress; seed makes them differ.
func random(seed uint64, size int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

// text is size bytes that compress well.
func text(seed uint64, size int) []byte {
	line := fmt.Sprintf("line %d of a text that compresses well\n", seed)
	return bytes.Repeat([]byte(line), size/len(line)+1)[:size]
}

func inMemory(b []byte) remote.Blob {
	if b == nil {
		b = []byte{}
	}
	return remote.Blob{Digest: cas.DigestOf(b), Data: b}
}

// onDisk is a blob in a file.
func onDisk(t testing.TB, b []byte) remote.Blob {
	t.Helper()
	d := cas.DigestOf(b)
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return remote.Blob{Digest: d, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// job is an action: a shell command with inputs.
func job(module, script string, inputs map[string]remote.Blob, outputs ...string) *remote.Action {
	a := action.Action{Args: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Outputs: outputs, Toolchain: "a shell"}
	out := &remote.Action{Module: module, Outputs: outputs}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		a.Inputs = append(a.Inputs, action.Input{Name: name, Digest: inputs[name].Digest})
		out.Blobs = append(out.Blobs, inputs[name])
	}
	e := a.Encode()
	out.Key = e.Key
	out.Blobs = append(out.Blobs, inMemory(e.Action), inMemory(e.Command), inMemory(e.Root))
	return out
}

// fetched gives the contents of outputs.
func fetched(t *testing.T, c *Client, outputs []remote.Output) map[string]string {
	t.Helper()
	dir, files := t.TempDir(), []remote.File(nil)
	for _, o := range outputs {
		files = append(files, remote.File{Output: o, Path: filepath.Join(dir, o.Name)})
	}
	if err := c.Fetch(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if cas.DigestOf(b) != f.Digest {
			t.Errorf("%s: not what its digest says", f.Name)
		}
		got[f.Name] = string(b)
	}
	return got
}
