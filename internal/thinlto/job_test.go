// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"slices"
	"testing"
)

func TestJob(t *testing.T) {
	j := &twoJobs.Jobs[0]
	if j.Module() != "a.o" || j.Index() != "a.bc" || j.Object() != "a.n" || !slices.Equal(j.Imports(), []string{"b.o"}) {
		t.Errorf("module %q, index %q, object %q, imports %q", j.Module(), j.Index(), j.Object(), j.Imports())
	}
	if n := len(twoJobs.Jobs[1].Imports()); n != 0 {
		t.Errorf("%d imports", n)
	}
}
