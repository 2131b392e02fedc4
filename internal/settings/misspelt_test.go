// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"testing"
)

func TestMisspelt(t *testing.T) {
	const want = "DTLTO_REMOTE_EXECUTER: there is no such setting (did you mean DTLTO_REMOTE_EXECUTOR?)\n" +
		"DTLTO_NO_SUMMARY: there is no such setting (did you mean DTLTO_SUMMARY?)"
	got := errors.Join(Misspelt([]string{
		"DTLTO_JOBS=2", "DTLTO_REMOTE_EXECUTER=x", "PATH=/bin", "DTLTO_TEST_LONG=1", "DTLTO_BENCH_JOBS=1", "DTLTO_NO_SUMMARY=1", "", "DTLTO",
	})...)
	if got == nil || got.Error() != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestNearestOfNames(t *testing.T) {
	known := []string{"jobs", "stat", "explain", "json"}
	for name, want := range map[string]string{
		"jbos": "jobs", "stats": "stat", "explian": "explain", "explan": "explain", "expl": "explain", "soj": "", "": "", "json": "json",
		"jobsjobs": "", "nojs": "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("%s: is like %q, want %q", name, got, want)
		}
	}
}
