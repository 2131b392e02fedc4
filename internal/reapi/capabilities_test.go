// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"strings"
	"testing"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/bazelbuild/remote-apis/build/bazel/semver"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/remote"
)

type functions = []repb.DigestFunction_Value

const (
	sha   = repb.DigestFunction_SHA256
	blake = repb.DigestFunction_BLAKE3
	md5   = repb.DigestFunction_MD5
)

func TestDigestFunction(t *testing.T) {
	for _, test := range []struct {
		cache, execution functions
		single           repb.DigestFunction_Value
		want             remote.DigestFunction
	}{
		{functions{sha}, nil, sha, remote.SHA256},
		{functions{md5, blake, sha}, functions{blake, sha}, 0, remote.SHA256},
		{functions{blake, sha}, functions{blake}, blake, remote.BLAKE3},
		{functions{blake}, functions{sha, blake}, sha, remote.BLAKE3},
		{nil, nil, 0, remote.SHA256}, // nothing is said
		{nil, nil, sha, remote.SHA256},
		{functions{sha}, functions{blake}, blake, ""},
		{functions{md5}, nil, md5, ""},
		{nil, functions{blake}, blake, ""},
	} {
		got, err := digestFunction(&repb.CacheCapabilities{DigestFunctions: test.cache},
			&repb.ExecutionCapabilities{ExecEnabled: true, DigestFunctions: test.execution, DigestFunction: test.single})
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%v: %q, %v", test, got, err)
		}
	}
}

func TestVersions(t *testing.T) {
	v := func(major, minor int32) *semver.SemVer { return &semver.SemVer{Major: major, Minor: minor} }
	caps := func(low, high *semver.SemVer) *repb.ServerCapabilities {
		return &repb.ServerCapabilities{LowApiVersion: low, HighApiVersion: high}
	}
	for _, test := range []struct {
		a, b      *repb.ServerCapabilities
		low, high string
		ok        bool
	}{
		{caps(v(2, 0), v(2, 3)), nil, "2.0", "2.3", true},
		{caps(v(2, 3), v(2, 12)), caps(v(2, 0), v(2, 9)), "2.3", "2.9", true},
		{caps(nil, nil), nil, "", "", true},
		{caps(nil, nil), caps(v(2, 0), v(2, 2)), "2.0", "2.2", true},
		{caps(v(1, 0), v(3, 0)), nil, "1.0", "3.0", true},
		{caps(v(3, 0), v(3, 1)), nil, "", "", false},
		{caps(v(2, 0), v(2, 1)), caps(v(1, 0), v(1, 1)), "", "", false},
	} {
		low, high, err := versions(test.a, test.b)
		if low != test.low || high != test.high || (err == nil) != test.ok {
			t.Errorf("%v, %v: %q to %q, %v", test.a, test.b, low, high, err)
		}
	}
}

// What real kinds of servers come to.
func TestCapabilities(t *testing.T) {
	for name, test := range map[string]struct {
		server reapitest.Options
		want   remote.Capabilities
	}{
		"plain":      {reapitest.Options{}, remote.Capabilities{Execution: true, ActionCacheUpdate: true, Digest: "SHA256", Low: "2.0", High: "2.3"}},
		"cache only": {reapitest.Options{CacheOnly: true}, remote.Capabilities{ActionCacheUpdate: true, Digest: "SHA256", Low: "2.0", High: "2.3"}},
		"split": {reapitest.Options{Split: true, ReadOnly: true, MaxBatch: 1 << 20, MaxBlob: 1 << 30, Zstd: true, BatchZstd: true},
			remote.Capabilities{Execution: true, Digest: "SHA256", MaxBatch: 1 << 20, MaxBlob: 1 << 30, Zstd: true, BatchZstd: true, Low: "2.0", High: "2.3"}},
		"BLAKE3": {reapitest.Options{Functions: blake3Only}, remote.Capabilities{Execution: true, ActionCacheUpdate: true, Digest: "BLAKE3", Low: "2.0", High: "2.3"}},
	} {
		s, c := start(t, test.server)
		for range 2 {
			if got, err := c.Capabilities(t.Context()); err != nil || got != test.want {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		if n := s.Stats().Calls["GetCapabilities"]; n != 2 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

// An executor that is away leaves the storage usable.
func TestExecutorAway(t *testing.T) {
	s := reapitest.Start(t, reapitest.Options{CacheOnly: true})
	o := options(s)
	o.Cache, o.Executor, o.Retries = s.Address(), "grpc://127.0.0.1:1", 0
	c := connect(t, o)
	caps, err := c.Capabilities(t.Context())
	if err == nil || !strings.Contains(err.Error(), "--remote-executor") || !caps.ActionCacheUpdate {
		t.Errorf("%+v, %v", caps, err)
	}
	a := job("a.bc", double, inputs(), "a.o")
	if _, ok, err := c.Result(t.Context(), a); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if err := c.Ensure(t.Context(), a.Blobs); err != nil {
		t.Error(err)
	}
	if _, err := c.Execute(t.Context(), a, false); err == nil {
		t.Error("executed")
	}
}

// A cache alone is all that is needed for results.
func TestCacheOnly(t *testing.T) {
	s := reapitest.Start(t, reapitest.Options{CacheOnly: true})
	o := options(s)
	o.Cache, o.Executor = s.Address(), ""
	c := connect(t, o)
	if caps, err := c.Capabilities(t.Context()); err != nil || caps.Execution {
		t.Errorf("%+v, %v", caps, err)
	}
	_, err := c.Execute(t.Context(), job("a.bc", double, inputs(), "a.o"), false)
	if err == nil || !strings.Contains(err.Error(), "--remote-executor") {
		t.Error(err)
	}
	if _, err := Connect(remote.Options{}); err == nil {
		t.Error("connected to nothing")
	}
	if _, err := Connect(remote.Options{Executor: "nonsense://x"}); err == nil {
		t.Error("connected to nonsense")
	}
}

// Limits of the server are kept to, stated ones from the start.
func TestLimits(t *testing.T) {
	s, c := start(t, reapitest.Options{MaxBatch: 100_000, MaxBlob: 1_000_000})
	var blobs []remote.Blob
	for i := range 50 {
		blobs = append(blobs, inMemory(random(uint64(i), 3000*i)))
	}
	if err := c.Ensure(t.Context(), blobs); err != nil {
		t.Fatal(err)
	}
	for _, b := range blobs {
		s.Put(b.Data)
	}
	var outputs []remote.Output
	for _, b := range blobs {
		outputs = append(outputs, remote.Output{Name: b.Digest.String()[:64], Digest: b.Digest})
	}
	fetched(t, c, outputs)
	if tr := c.Traffic(); tr.Retries != 0 || tr.Abandoned != 0 {
		t.Errorf("%+v", tr)
	}
	err := c.Ensure(t.Context(), []remote.Blob{inMemory(random(1, 1_000_001))})
	if err == nil || !strings.Contains(err.Error(), "larger than the 1000000 bytes") {
		t.Error(err)
	}
}

// What does not decompress to its digest's size ends there.
func TestDecompress(t *testing.T) {
	var c codec
	defer c.close()
	data := text(1, 1<<20)
	small := c.compress(data, true)
	if small == nil || c.compress(random(1, 1<<20), true) != nil || c.compress(text(1, tiny-1), true) != nil {
		t.Error("compressed what is not worth it, or not what is")
	}
	if back, err := c.decompress(cas.DigestOf(data), small); err != nil || string(back) != string(data) {
		t.Error(err)
	}
	bomb := cas.Digest{Size: 1000}
	if back, err := c.decompress(bomb, small); err == nil {
		t.Errorf("%d bytes out of 1000", len(back))
	}
	if _, err := c.decompress(cas.Digest{Size: 1 << 40}, small); err == nil {
		t.Error("a huge blob in a batch")
	}
}

// FuzzSubject: what servers say of missing blobs is read or not, and nothing else.
func FuzzSubject(f *testing.F) {
	f.Add("MISSING", "blobs/"+cas.DigestOf(nil).String())
	f.Add("MISSING", "main/blobs/blake3/"+cas.DigestOf(nil).String())
	f.Add("MISSING", "//")
	f.Fuzz(func(t *testing.T, kind, text string) {
		v := violation(kind, text)
		if d, ok := subject(v); ok && (d.Size < 0 || !strings.Contains(strings.ToLower(text), strings.Split(d.String(), "/")[0])) {
			t.Errorf("%q is %v", text, d)
		}
	})
}

func violation(kind, text string) *errdetails.PreconditionFailure_Violation {
	return &errdetails.PreconditionFailure_Violation{Type: kind, Subject: text}
}
