// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What is kept is found by its hash, and read back without the store.
func TestInspectEntries(t *testing.T) {
	folder := t.TempDir()
	d := Open(folder, Options{})
	defer d.Close()
	file := filepath.Join(t.TempDir(), "o")
	if err := os.WriteFile(file, []byte("object"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := ActionKey(DigestOf([]byte("action")))
	kept, err := Keep(context.Background(), d, key, []Place{{"o", file}}, Result{Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	blob, _ := EntryPaths(folder, kept.Outputs[0].Digest.Hash)
	_, path := EntryPaths(folder, key.Hash)
	if b, err := os.ReadFile(blob); err != nil || string(b) != "object" {
		t.Errorf("%s: %q, %v", blob, b, err)
	}
	if hash, result, ok := ParseEntry(filepath.Base(path)); hash != key.Hash || !result || !ok {
		t.Errorf("%s: %x, %v, %v", path, hash, result, ok)
	}
	if hash, result, ok := ParseEntry(filepath.Base(blob)); hash != kept.Outputs[0].Digest.Hash || result || !ok {
		t.Errorf("%s: %x, %v, %v", blob, hash, result, ok)
	}
	b, err := os.ReadFile(path)
	if err != nil || !IsResult(b) {
		t.Fatalf("%q, %v", b, err)
	}
	got, r, err := ReadResult(bytes.NewReader(b))
	if err != nil || got != key || r.Duration != time.Second || len(r.Outputs) != 1 || r.Outputs[0] != kept.Outputs[0] {
		t.Errorf("%v, %+v, %v", got, r, err)
	}
	for n := range b {
		if _, _, err := ReadResult(bytes.NewReader(b[:n])); err == nil {
			t.Errorf("%d bytes are a result", n)
		}
	}
	if _, _, err := ReadResult(bytes.NewReader(make([]byte, maxResult+1))); err == nil {
		t.Error("no bound")
	}
}
