// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build linux

package driver

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/lld"
)

func TestShorten(t *testing.T) {
	few := []string{"a", "b"}
	if got, err := shorten(few); err != nil || !slices.Equal(got, few) {
		t.Errorf("%q, %v", got, err)
	}
	many := []string{`it's "quoted" \ and`, "", "line\nbreak", "ü", "@x"}
	for range 5000 {
		many = append(many, strings.Repeat("x", 200))
	}
	got, err := shorten(many)
	if err != nil || len(got) != 1 || got[0][0] != '@' {
		t.Fatalf("%q, %v", got, err)
	}
	read := func(name string) ([]byte, error) {
		if name == "x" {
			return nil, os.ErrNotExist
		}
		return os.ReadFile(name)
	}
	words, whole := lld.Expand(got, read)
	many = slices.Delete(many, 1, 2) // LLD's response files have no empty words
	if !whole || !slices.Equal(words, many) {
		t.Errorf("%d words came back of %d, whole %v", len(words), len(many), whole)
	}
}
