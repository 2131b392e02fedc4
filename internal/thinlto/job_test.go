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

func TestCommandIsFresh(t *testing.T) {
	f := &JobFile{Args: append(make([]string, 0, 8), "clang", "-c"), Jobs: []Job{{Args: []string{"a"}}, {Args: []string{"b"}}}}
	a, b := f.Command(&f.Jobs[0]), f.Command(&f.Jobs[1])
	if !slices.Equal(a, []string{"clang", "-c", "a"}) || !slices.Equal(b, []string{"clang", "-c", "b"}) {
		t.Errorf("got %q and %q", a, b)
	}
	a[0] = "changed"
	if f.Args[0] != "clang" || b[0] != "clang" {
		t.Error("commands share memory")
	}
}
