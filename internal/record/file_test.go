// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"os"
	"path/filepath"
	"testing"
)

// A record is read wherever it lies.
func TestReadFile(t *testing.T) {
	folder := t.TempDir()
	if err := (&Link{Output: "/p", Jobs: []Job{{Module: "a.o"}}}).Save(folder); err != nil {
		t.Fatal(err)
	}
	files, err := recordFiles(folder)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(filepath.Join(folder, files[0].name))
	if err != nil || !IsRecord(b) {
		t.Fatalf("%q, %v", b, err)
	}
	elsewhere := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(elsewhere, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := ReadFile(elsewhere); err != nil || l.Output != "/p" || len(l.Jobs) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	if err := os.WriteFile(elsewhere, b[:len(b)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{elsewhere, filepath.Join(folder, "none")} {
		if l, err := ReadFile(path); err == nil {
			t.Errorf("%s: %+v", path, l)
		}
	}
}
