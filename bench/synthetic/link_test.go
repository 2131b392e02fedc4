// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package synthetic

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// TestShared has LLD decide what is imported.
func TestShared(t *testing.T) {
	llvmtest.Tool(t, "ld.lld-22")
	const jobs, imports = 100, 60
	jobFile, err := Make(t.Context(), filepath.Join(t.TempDir(), "link"), jobs, Shared(imports))
	if err != nil {
		t.Fatal(err)
	}
	f, err := thinlto.ReadFile(jobFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Jobs) != jobs {
		t.Fatalf("%d jobs, want %d", len(f.Jobs), jobs)
	}
	for i := range f.Jobs {
		name := strings.TrimSuffix(filepath.Base(f.Jobs[i].Module()), ".o")
		number, err := strconv.Atoi(name)
		want := 0
		if err == nil && number >= imports {
			want = imports
		}
		if got := len(f.Jobs[i].Imports()); got != want {
			t.Errorf("module %s imports from %d modules, want %d", name, got, want)
		}
	}
}

func TestTooSmall(t *testing.T) {
	llvmtest.Tool(t, "ld.lld-22")
	_, err := Make(t.Context(), filepath.Join(t.TempDir(), "link"), 100, Around)
	if err == nil || !strings.Contains(err.Error(), "too small") {
		t.Errorf("a link of 100 modules with calls thousands away: %v", err)
	}
}
