// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/thinlto"
)

func TestCompilesOf(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.lo", make([]byte, 123), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &thinlto.JobFile{Args: []string{"clang", "-c"}, Jobs: []thinlto.Job{
		{Args: []string{"a.lo", "-fthinlto-index=i", "-o", "o"}, Inputs: []string{"a.lo", "i", "b.o"}, Outputs: []string{"o"}},
		{Args: []string{"b.o"}, Inputs: []string{"b.o", "j"}, Outputs: []string{"p"}},
	}}
	want := []exec.Compile{
		{Name: "a.lo", Args: strings.Fields("clang -c --no-default-config -Wno-override-module -Wno-linker-warnings -x ir a.lo -fthinlto-index=i -o o"),
			Outputs: []string{"o"}, Weight: 123},
		{Name: "b.o", Args: strings.Fields("clang -c --no-default-config -Wno-override-module -Wno-linker-warnings -x ir b.o"),
			Outputs: []string{"p"}},
	}
	if diff := cmp.Diff(want, compilesOf(f)); diff != "" {
		t.Error(diff)
	}
}

// A name that LLVM damages in index shards must not reach a backend.
func TestCheckNames(t *testing.T) {
	for inputs, bad := range map[string]bool{"a.o i b.o": false, "ä.o i": true, "a.o i b.o ö.o": true, "a.o ï": false} {
		f := &thinlto.JobFile{Jobs: []thinlto.Job{{Inputs: strings.Fields(inputs)}}}
		if err := checkNames(f); (err != nil) != bad {
			t.Errorf("%s: %v", inputs, err)
		}
	}
}
