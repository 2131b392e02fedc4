// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// A program under clang's name that calls clang, as ccache does, is ELF too, and
// stays the same when that clang is upgraded.
func TestCompilesItself(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	for _, version := range llvmtest.Versions {
		clang := llvmtest.Tool(t, "clang-"+version)
		for range 2 { // asked, and remembered
			if err := CompilesItself(clang); err != nil {
				t.Error(err)
			}
		}
	}
	llvmtest.Write(t, root, "wrap.c", `#include <unistd.h>
int main(int n, char **v) { (void)n; v[0] = "clang-22"; return execvp("clang-22", v); }`,
		"mute.c", "int main(void) { return 0; }")
	for _, name := range []string{"wrap", "mute"} {
		llvmtest.Run(t, root, "clang-22", name+".c", "-o", name)
	}
	if _, err := Identify(filepath.Join(root, "wrap")); err != nil {
		t.Errorf("it is an ELF program: %v", err)
	}
	for name, want := range map[string]string{"wrap": "does not compile itself but calls /", "mute": "does not say"} {
		if err := CompilesItself(filepath.Join(root, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoaderVariables(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		bad         bool
	}{
		{"LD_LIBRARY_PATH", "", false}, {"LD_LIBRARY_PATH", "/a:/b", false}, {"LD_LIBRARY_PATH", "/a:b", true},
		{"LD_LIBRARY_PATH", ":/a", true}, {"LD_LIBRARY_PATH", "/a:", true}, {"LD_LIBRARY_PATH", "/a::/b", true},
		{"LD_PRELOAD", "libx.so", false}, {"LD_PRELOAD", "/x/liby.so libx.so", false}, {"LD_PRELOAD", "./libx.so", true},
	} {
		t.Setenv("LD_LIBRARY_PATH", "")
		t.Setenv("LD_PRELOAD", "")
		t.Setenv(tc.name, tc.value)
		if err := checkLoaderVariables(); (err != nil) != tc.bad {
			t.Errorf("%s=%s: %v", tc.name, tc.value, err)
		}
	}
}
