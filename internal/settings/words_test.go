// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

var someWords = []string{
	"", " ", "srun -n1", " a\tb  c ", `'a b' "c d"`, `a'b'"c"d`, `''`, `"" ''`, `a\ b`, `\'`, `"a\"b"`, `"a\b\\"`, `'a\'`, `'a\'b`,
	"a\\\nb", "\\\n", "a \\\n b", "\"a\\\nb\"", `"\'"`, `\\`, "ssh host 'cd /x && '", `"`, `'`, `a\`, `"\`, "ä ö",
}

// TestSplitWords lets a shell say what is right.
func TestSplitWords(t *testing.T) {
	for _, v := range someWords {
		compareWithShell(t, v)
	}
	if _, err := splitWords("a\x00b"); err == nil {
		t.Error("a null character is in no argument")
	}
	// The end of a line is a blank: a launcher is one command.
	if words, err := splitWords("a\nb"); err != nil || !slices.Equal(words, []string{"a", "b"}) {
		t.Errorf("%q, %v", words, err)
	}
	// What a shell would expand or act on is text.
	words, err := splitWords(`$HOME ~ * a|b;c & "$(x)" #y`)
	if want := []string{"$HOME", "~", "*", "a|b;c", "&", "$(x)", "#y"}; err != nil || !slices.Equal(words, want) {
		t.Errorf("%q, %v", words, err)
	}
}

func compareWithShell(t *testing.T, v string) {
	t.Helper()
	words, err := splitWords(v)
	if err != nil && words != nil {
		t.Errorf("%q: words %q and error %v", v, words, err)
	}
	// The shell that reads from a string takes a backslash at its end as itself.
	if strings.HasSuffix(v, `\`) && err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	out, failed := exec.CommandContext(ctx, "/bin/sh", "-c", `eval "set -- $1"; for w; do printf '%s\0' "$w"; done`, "sh", v).Output()
	if (err != nil) != (failed != nil) {
		t.Fatalf("%q: error %v, and the shell says %v", v, err, failed)
	}
	if want := strings.Split(string(out), "\x00"); err == nil && !slices.Equal(words, want[:len(want)-1]) {
		t.Errorf("%q: %q, and the shell says %q", v, words, want[:len(want)-1])
	}
}

// FuzzSplitWords compares with a shell what means the same to both.
func FuzzSplitWords(f *testing.F) {
	for _, v := range someWords {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		words, err := splitWords(v)
		if err == nil && strings.Trim(v, " \t\n") != "" && len(strings.Join(words, "")) > len(v) {
			t.Errorf("%q: %q has more in it", v, words)
		}
		if len(v) < 64 && strings.Trim(v, "abcxyz \t'\"\\") == "" {
			compareWithShell(t, v)
		}
	})
}
