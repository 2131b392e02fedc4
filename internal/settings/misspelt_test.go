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
