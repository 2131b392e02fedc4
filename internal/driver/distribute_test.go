// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/thinlto"
)

// A name that LLVM damages in index shards must not reach a backend.
func TestCheckNames(t *testing.T) {
	for inputs, bad := range map[string]bool{"a.o i b.o": false, "ä.o i": true, "a.o i b.o ö.o": true, "a.o ï": false} {
		f := &thinlto.JobFile{Jobs: []thinlto.Job{{Inputs: strings.Fields(inputs)}}}
		if err := checkNames(f); (err != nil) != bad {
			t.Errorf("%s: %v", inputs, err)
		}
	}
}

func TestLinkerPID(t *testing.T) {
	for name, want := range map[string]int{
		"out/p.123.dist-file.json": 123, "p.7.dist-file.json": 7, "p.x.7.dist-file.json": 7,
		"p.json": 0, "p.dist-file.json": 0, "p.x.dist-file.json": 0, "p.-3.dist-file.json": 0, "": 0,
	} {
		if got := linkerPID(name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}
