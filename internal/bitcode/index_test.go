// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"slices"
	"testing"
)

// TestIndexAgain reads shard after shard into one Index, good, unknown and malformed
// ones, and canonicalises each twice: nothing of one may get into another.
func TestIndexAgain(t *testing.T) {
	shards := append(seeds(t),
		handmade(12, func(w *writer) { w.record(34, 1) }),              // a record that is not known
		handmade(12, func(w *writer) { function(w, 3, 5) }),            // a value that is not defined
		handmade(12, func(w *writer) { w.enter(99, 3); w.end() })[:60], // cut off
		nil,
	)
	var x Index
	if s, err := x.Canonicalise(same, Options{}); err == nil || s.Data != nil {
		t.Errorf("of nothing: %v, %v", s, err)
	}
	for i, shard := range append(shards, shards...) {
		want, wantErr := Canonicalise(shard, same, Options{})
		err := x.Read(shard)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("shard %d: %v, %v", i, err, wantErr)
		}
		paths, pathsErr := IndexModules(shard)
		if pathsErr == nil && !slices.Equal(x.Modules(), paths) {
			t.Errorf("shard %d: modules %q, not %q", i, x.Modules(), paths)
		}
		for range 2 {
			got, err := x.Canonicalise(same, Options{})
			if got.Form != want.Form || !bytes.Equal(got.Data, want.Data) || got.Reason != want.Reason || (err == nil) != (wantErr == nil) {
				t.Fatalf("shard %d: %v %q, %v; by itself %v %q, %v", i, got.Form, got.Reason, err, want.Form, want.Reason, wantErr)
			}
		}
	}
}

// TestIndexKeeps has results that must not change when their Index is used again.
func TestIndexKeeps(t *testing.T) {
	shards := seeds(t)
	var x Index
	var paths, wasPaths []string
	var data, was []byte
	for i, shard := range append(shards, shards...) {
		if err := x.Read(shard); err != nil {
			t.Fatal(err)
		}
		s, err := x.Canonicalise(same, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if i == len(shards) { // its memory is as large as it is going to be
			paths, data = x.Modules(), s.Data
			wasPaths, was = slices.Clone(paths), bytes.Clone(data)
		}
	}
	if !slices.Equal(paths, wasPaths) || !bytes.Equal(data, was) {
		t.Error("results changed")
	}
}
